"""The clock: what has to be done again and again, however nobody asks for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from leafcraft import idempotency, revisions, times
from leafcraft.access import actions as access
from leafcraft.cause import SYSTEM
from leafcraft.errors import Refusal
from leafcraft.idempotency import Sweep
from leafcraft.orders import holds, tallies
from leafcraft.orders import store as orders
from leafcraft.orders.holds import Expire
from leafcraft.revisions import Fold
from leafcraft.stock import keeping
from leafcraft.stock import store as stock
from leafcraft.stock.keeping import Settle
from leafcraft.web.call import Runtime
from leafcraft.writer import Writer

log = logging.getLogger(__name__)

EXPIRE_SECONDS = 1.0
SWEEP_SECONDS = 30.0
SWEEP_PAUSE_SECONDS = 0.05
NOTE_SECONDS = 60.0
FOLD_SECONDS = 3600.0


Note = Callable[[Writer], Awaitable[None]]
"""Writes down what a process has gathered about keys and sessions in use."""


class Duty(NamedTuple):
    """Something to do every so often."""

    every_seconds: float
    do: Callable[[], Awaitable[None]]


async def run(runtime: Runtime, notes: Sequence[Note], stop: asyncio.Event) -> None:
    """Runs until it is told to stop; every worker process has its own, and none minds the others."""
    writer, clock = runtime.writer, runtime.clock
    kept = runtime.settings.idempotency_hours * times.MICROS_PER_HOUR
    idle = revisions.IDLE_DAYS_MAX * times.MICROS_PER_DAY

    async def sweep() -> None:
        swept = 1
        while swept:
            swept = await writer.perform(idempotency.sweep, Sweep(clock() - kept, SYSTEM))
            await asyncio.sleep(SWEEP_PAUSE_SECONDS)

    async def sweep_access() -> None:
        swept = 1
        while swept:
            swept = await writer.perform(access.sweep, access.Sweep(clock(), SYSTEM))
            await asyncio.sleep(SWEEP_PAUSE_SECONDS)

    async def fold() -> None:
        await writer.perform(revisions.fold, Fold(writer.id, clock() - idle, SYSTEM))

    async def fold_tallies() -> None:
        folded = 1
        while folded:
            folded = await writer.perform(tallies.fold, tallies.Fold(clock() - idle, SYSTEM))
            await asyncio.sleep(SWEEP_PAUSE_SECONDS)

    duties = (
        Duty(EXPIRE_SECONDS, lambda: _expire(runtime)),
        Duty(SWEEP_SECONDS, sweep),
        *(Duty(NOTE_SECONDS, partial(note, writer)) for note in notes),
        Duty(FOLD_SECONDS, sweep_access),
        Duty(FOLD_SECONDS, fold),
        Duty(FOLD_SECONDS, fold_tallies),
    )
    await asyncio.gather(*(_repeat(duty, stop) for duty in duties))


async def _told(stop: asyncio.Event, seconds: float) -> bool:
    """Waits so long, unless it is told to stop. What is under way is never cut off: a connection
    would be left in the middle of an answer."""
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False


async def _expire(runtime: Runtime) -> None:
    """Nobody waits for this: a hold that has ended counts no more from the moment it ends."""
    writer, read = runtime.writer, runtime.database.read
    while await read(lambda reader: orders.overdue(reader, 1)):
        if not await writer.perform(holds.expire, Expire(SYSTEM)):
            break  # another process has been faster
    while await read(lambda reader: stock.due(reader, 1)):
        await writer.perform(keeping.settle, Settle(SYSTEM))


async def _repeat(duty: Duty, stop: asyncio.Event) -> None:
    while not await _told(stop, duty.every_seconds):
        try:
            await duty.do()
        except Refusal as refusal:
            log.warning("a duty of the clock has to wait: %s", refusal.detail)
        except Exception:
            log.exception("a duty of the clock failed; it is tried again")
