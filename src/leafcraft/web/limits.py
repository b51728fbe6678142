"""How much one caller may ask: token buckets in memory, one for each caller in each process."""

import ipaddress
import math
import time
from collections.abc import Callable
from typing import NamedTuple

from leafcraft.errors import Code, Refusal

BURST_SECONDS = 10
"""A bucket that has been left alone holds what may be asked in so many seconds."""
STRANGER_PER_SECOND = 20
"""For an address that has not proven yet who asks from it."""
BUCKETS_MAX = 20_000
NETWORK_BITS = 64

Seconds = Callable[[], float]


class _Bucket(NamedTuple):
    left: float
    at: float


class Buckets:
    """Each name may take `per_second` on average, and ten seconds' worth at once."""

    def __init__(self, per_second: int, seconds: Seconds = time.monotonic) -> None:
        self._rate = per_second
        self._room = float(per_second * BURST_SECONDS)
        self._seconds = seconds
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str) -> None:
        """Raises Refusal `rate_limited`, which says how long to wait."""
        now = self._seconds()
        bucket = self._buckets.get(name)
        if bucket is None:
            self._forget(now)
            bucket = _Bucket(self._room, now)
        left = min(bucket.left + (now - bucket.at) * self._rate, self._room)
        if left < 1:
            raise Refusal(
                Code.RATE_LIMITED,
                "Too many requests; slow down.",
                retry_after=math.ceil((1 - left) / self._rate),
            )
        self._buckets[name] = _Bucket(left - 1, now)

    def _forget(self, now: float) -> None:
        """Full buckets say nothing. Where all are in use, the whole memory goes: it is only a limit."""
        if len(self._buckets) < BUCKETS_MAX:
            return
        cutoff = now - BURST_SECONDS
        self._buckets = {name: one for name, one in self._buckets.items() if one.at > cutoff}
        if len(self._buckets) >= BUCKETS_MAX:
            self._buckets.clear()


class Limits:
    """The limits of a process, or none."""

    def __init__(self, per_second: int, *, on: bool) -> None:
        self._callers = Buckets(per_second) if on else None
        self._strangers = Buckets(STRANGER_PER_SECOND) if on else None

    def caller(self, name: str) -> None:
        """Counts a request of somebody known. Raises Refusal `rate_limited`."""
        if self._callers is not None:
            self._callers.take(name)

    def stranger(self, address: str) -> None:
        """Counts a request from an address that may be anybody's. Raises Refusal `rate_limited`."""
        if self._strangers is not None:
            self._strangers.take(network(address))


def network(address: str) -> str:
    """Whom an address stands for: in IPv6 everybody has 2^64 of them, the /64 is what is one's own."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    mapped = known.ipv4_mapped
    return str(mapped or ipaddress.ip_network((known, NETWORK_BITS), strict=False))
