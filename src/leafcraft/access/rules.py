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
FORGIVEN_MINUTES = 10
"""One failure is forgiven in so long: who is only clumsy, or one of many, starts at zero again."""
FAILURES_REMEMBERED_HOURS = 24


def wait_until(failures: int, last_at: int, free: int) -> int:
    """When the next attempt may be made: after some free failures each one doubles the wait, up to a
    minute. There is no ban: nobody may be able to lock out somebody else."""
    beyond = failures - free
    if beyond < 0:
        return 0
    seconds = min(1 << min(beyond, 16), DELAY_SECONDS_MAX)
    return last_at + seconds * times.MICROS_PER_SECOND


def unforgiven(failures: int, last_at: int, now: int) -> int:
    """How many of the failures still count."""
    forgiven = (now - last_at) // (FORGIVEN_MINUTES * 60 * times.MICROS_PER_SECOND)
    return max(failures - max(forgiven, 0), 0)


def session_ends(started_at: int, used_at: int) -> int:
    """When a session ends by itself: too old, or left alone for too long."""
    oldest = started_at + SESSION_DAYS_MAX * times.MICROS_PER_DAY
    idle = used_at + SESSION_IDLE_DAYS_MAX * times.MICROS_PER_DAY
    return min(oldest, idle)
