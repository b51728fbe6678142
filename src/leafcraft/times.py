"""Moments: whole microseconds since 1970 in UTC inside, RFC 3339 with `Z` on the wire.

One integer means the same in every database and every driver, compares exactly, and costs nothing to convert.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

MICROS_PER_SECOND = 1_000_000
MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
MICROS_PER_HOUR = 60 * MICROS_PER_MINUTE
MICROS_PER_DAY = 24 * MICROS_PER_HOUR
NEVER = 2**63 - 1
"""Later than every moment: the end of what does not end, so that ends can be compared."""

Clock = Callable[[], int]
"""Returns the present moment in microseconds; passed in, so that tests and the demo can choose it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    return time.time_ns() // 1000


def write(moment: int) -> str:
    """`1700000000000000` -> `2023-11-14T22:13:20Z`; fractions appear only when there are any."""
    seconds, micros = divmod(moment, MICROS_PER_SECOND)
    return f"{_second(seconds)}.{micros:06d}Z" if micros else f"{_second(seconds)}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    """Most of what is shown happened in a few seconds, so the calendar is asked once for each."""
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def read(text: datetime) -> int:
    """Microseconds of an aware datetime, exactly."""
    return (text - _EPOCH) // timedelta(microseconds=1)


def day_of(moment: int) -> int:
    """The first moment of its day, in UTC: how a day is told from others."""
    return moment - moment % MICROS_PER_DAY


def day(found: date) -> int:
    """`2026-01-31` -> its first moment."""
    return (found - _EPOCH.date()).days * MICROS_PER_DAY


def write_day(moment: int) -> str:
    """The day of a moment, as `2026-01-31`."""
    return (_EPOCH + timedelta(microseconds=moment)).date().isoformat()
