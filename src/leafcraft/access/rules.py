"""When a session is over, and how long who guesses has to wait."""

from typing import NamedTuple

from leafcraft import times

KEY_NAME_CHARS_MAX = 100
SCOPES_CHARS_MAX = 200

SESSION_DAYS_MAX = 30
SESSION_IDLE_DAYS_MAX = 7
BROWSER_DAYS_MAX = 7
BROWSER_IDLE_HOURS_MAX = 8
BROWSER_NOTED_MINUTES = 5
"""A visit is written down once in so long, so idle hours end up to so much earlier than they might."""
AGENT_CHARS_MAX = 200
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


class Device(NamedTuple):
    """What somebody signs in with."""

    agent: str = ""
    """What it says it is, as people may read it."""
    browser: bool = False
    """Whether it keeps a cookie instead of tokens."""


def agent_of(said: str | None) -> str:
    """A `User-Agent` as it is kept: cut off, and without what can't be shown."""
    return "".join(filter(str.isprintable, said or ""))[:AGENT_CHARS_MAX].strip()


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


def session_ends(started_at: int, used_at: int, *, browser: bool = False) -> int:
    """When a session ends by itself: too old, or left alone for too long."""
    oldest, idle = lives(browser=browser)
    return min(started_at + oldest, used_at + idle)


def lives(*, browser: bool) -> tuple[int, int]:
    """How long a session may last, and how long it may be left alone, in microseconds. A browser
    stands open on a desk, and sends its cookie by itself: its sessions are shorter."""
    if browser:
        return (
            BROWSER_DAYS_MAX * times.MICROS_PER_DAY,
            BROWSER_IDLE_HOURS_MAX * times.MICROS_PER_HOUR,
        )
    return SESSION_DAYS_MAX * times.MICROS_PER_DAY, SESSION_IDLE_DAYS_MAX * times.MICROS_PER_DAY
