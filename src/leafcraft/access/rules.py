"""When a session is over, and how long who guesses has to wait."""

from leafcraft import times

KEY_NAME_CHARS_MAX = 100
SCOPES_CHARS_MAX = 200

SESSION_DAYS_MAX = 30
SESSION_IDLE_DAYS_MAX = 7
REFRESH_GRACE_SECONDS = 30
"""How long a spent refresh token still gives its successor: the reply with it may have been lost."""

PAIR_FREE_FAILURES = 5
"""Of one e-mail address, from one network address."""
ADDRESS_FREE_FAILURES = 50
"""Of any e-mail addresses, from one network address: an office has many people behind it."""
DELAY_SECONDS_MAX = 60
FAILURES_REMEMBERED_HOURS = 24


def wait_until(failures: int, last_at: int, free: int) -> int:
    """When the next attempt may be made: after some free failures each one doubles the wait, up to a
    minute. There is no ban: nobody may be able to lock out somebody else."""
    beyond = failures - free
    if beyond < 0:
        return 0
    seconds = min(1 << min(beyond, 16), DELAY_SECONDS_MAX)
    return last_at + seconds * times.MICROS_PER_SECOND


def session_over(started_at: int, used_at: int, now: int) -> bool:
    """Whether a session has ended by itself: too old, or left alone for too long."""
    oldest = now - SESSION_DAYS_MAX * times.MICROS_PER_DAY
    idle = now - SESSION_IDLE_DAYS_MAX * times.MICROS_PER_DAY
    return started_at <= oldest or used_at <= idle
