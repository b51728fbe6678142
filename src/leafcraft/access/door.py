"""The door: how fast somebody who keeps failing to sign in may try again.

Failures are counted in the database, for an e-mail address from a network address, and for a
network address alone. Beyond a few, each one doubles the wait, up to a minute. Nobody is banned:
whoever could ban an account could lock its owner out. But a crowd that knocks all the time would
still win every race for the one attempt a minute. So attempts that come too early wait a moment
before they are refused; and where there is a crowd of them, one a second, picked by lot, is looked
at all the same. Whoever makes the crowd gets no more than that, and the owner gets a share of it.
Who has waited to be refused comes again once a second, and leaves the processor to the orders.
"""

import asyncio
import hashlib
import hmac
import math
import random
from collections.abc import Sequence

from leafcraft import times
from leafcraft.access import rules, store
from leafcraft.db import Reader
from leafcraft.errors import Code, Refusal
from leafcraft.web.limits import network

DRAW_SECONDS = 1.0
HOLD_SECONDS = 1.2
CROWD_MIN = 2
WAITING_MAX = 500


class Door:
    """One for a process."""

    def __init__(self, key: bytes, clock: times.Clock, *, open_wide: bool) -> None:
        self._key = key
        self._clock = clock
        self._open_wide = open_wide
        self._waiting: list[asyncio.Future[bool]] = []
        self._drawing: asyncio.Task[None] | None = None

    def counted_under(self, email: str, address: str) -> Sequence[bytes]:
        """Digests of the pair and of the address alone; keyed, so that the rows name nobody."""
        whence = network(address)
        return [self._digest(f"{email}\n{whence}"), self._digest(whence)]

    async def shut_until(self, reader: Reader, found_by: Sequence[bytes]) -> int:
        """When whoever these digests stand for may try again; a moment that is past: now."""
        if self._open_wide:
            return 0
        known = await store.knocks(reader, found_by)
        free = (rules.PAIR_FREE_FAILURES, rules.ADDRESS_FREE_FAILURES)
        return max(
            rules.wait_until(*known.get(digest, store.NEVER), limit)
            for digest, limit in zip(found_by, free, strict=True)
        )

    async def pass_by(self, shut_until: int) -> None:
        """Returns at once where the door is open, or a little later for the lucky. Raises `rate_limited`."""
        if shut_until <= self._clock() or await self._drawn():
            return
        seconds = math.ceil((shut_until - self._clock()) / times.MICROS_PER_SECOND)
        raise _later("Too many failed attempts to sign in; try again a little later.", seconds)

    async def queue(self) -> None:
        """The same where too many come at once, whoever they are."""
        if not self._open_wide and not await self._drawn():
            raise _later("Too many people are signing in right now.", 1)

    async def _drawn(self) -> bool:
        if len(self._waiting) >= WAITING_MAX:
            return False
        loop = asyncio.get_running_loop()
        lot: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(lot)
        if self._drawing is None and len(self._waiting) >= CROWD_MIN:
            self._drawing = loop.create_task(self._draw())
        try:
            async with asyncio.timeout(HOLD_SECONDS):
                return await lot
        except TimeoutError:
            return False
        finally:
            self._waiting.remove(lot)

    async def _draw(self) -> None:
        await asyncio.sleep(DRAW_SECONDS)
        while len(lots := [lot for lot in self._waiting if not lot.done()]) >= CROWD_MIN:
            random.choice(lots).set_result(True)  # noqa: S311 fairness, not a secret
            await asyncio.sleep(DRAW_SECONDS)
        self._drawing = None

    def _digest(self, what: str) -> bytes:
        return hmac.digest(self._key, what.encode(), hashlib.sha256)


def _later(detail: str, seconds: int) -> Refusal:
    return Refusal(Code.RATE_LIMITED, detail, retry_after=max(seconds, 1))
