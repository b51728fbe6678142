"""The one write path: whatever queued up while the last transaction committed shares the next one.

    submit -> [queue] -> one transaction for all that waits -> answer

There is no timer: a lone write starts at once, and a crowd shares one disk sync. Nothing is
answered before COMMIT has returned; whoever goes away meanwhile changes nothing.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from leafcraft import metrics, times
from leafcraft.committer import Action, Committer
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Key

log = logging.getLogger(__name__)

R = TypeVar("R")
Outcome = TypeVar("Outcome")

WEIGHT_PER_TRANSACTION_MAX = 256
QUEUE_COMMANDS_MAX = 4096


@dataclass(slots=True, eq=False)
class _Entry(Generic[R]):
    """One queued command, and the future of whoever waits for it."""

    action: Action[Any, Any]
    command: Any
    render: Callable[[Any], R]
    key: Key | None
    weight: int
    future: asyncio.Future[R]


class Writer:
    """One a process. `submit` from any task; `stop` drains what is queued."""

    def __init__(self, database: Database, clock: times.Clock = times.now) -> None:
        self.id = secrets.randbits(62)
        self._committer = Committer(database, clock, self.id)
        self._queue: deque[_Entry[Any]] = deque()
        self._suspects: Sequence[_Entry[Any]] = ()
        self._drain: asyncio.Task[None] | None = None
        self._stopped = False

    async def submit(
        self,
        action: Action[Any, Any],
        command: Any,
        render: Callable[[Any], R],
        *,
        key: Key | None = None,
        weight: int = 1,
    ) -> R:
        """The rendered outcome (a refusal is an outcome, too), once it is committed.

        With a key, `render` must give an Answer: it is stored and given again to a retry.
        `weight` is how many ordinary commands this one amounts to. Raises Refusal: `overloaded`
        when the queue is full, `database_unavailable`, `internal_error`.
        """
        if self._stopped or len(self._queue) >= QUEUE_COMMANDS_MAX:
            raise Refusal(Code.OVERLOADED, "Too many writes are waiting; nothing was applied.")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        entry = _Entry(action, command, render, key, weight, future)
        self._queue.append(entry)
        if self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._run())
        return await future

    async def perform(self, action: Action[Any, Outcome], command: Any) -> Outcome:
        """The bare outcome; a refusal is raised."""
        outcome: Outcome | Refusal = await self.submit(action, command, lambda outcome: outcome)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def stop(self) -> None:
        """Takes no more, finishes what is queued, closes the connection."""
        self._stopped = True
        if self._drain is not None:
            await self._drain
        await self._committer.close()

    async def _run(self) -> None:
        await asyncio.sleep(0)  # whatever is ready in this turn of the loop joins the first batch
        try:
            while self._queue:
                await self._settle(self._next_batch())
        finally:
            self._drain = None

    def _next_batch(self) -> list[_Entry[Any]]:
        batch: list[_Entry[Any]] = []
        weight = 0
        while self._queue and weight < WEIGHT_PER_TRANSACTION_MAX:
            batch.append(self._queue.popleft())
            weight += batch[-1].weight
        metrics.queued.set(len(self._queue))
        return batch

    async def _settle(self, batch: Sequence[_Entry[Any]]) -> None:
        """Gives every entry its answer or its error; never raises."""
        try:
            answers = await self._committer.commit(batch)
        except Refusal as refusal:
            self._give_up(batch, refusal)
        except Exception as error:
            await self._isolate(batch, error)
        else:
            metrics.transactions.inc()
            metrics.commands.inc(len(batch))
            for entry, answer in zip(batch, answers, strict=True):
                if not entry.future.done():
                    entry.future.set_result(answer)

    async def _isolate(self, batch: Sequence[_Entry[Any]], error: Exception) -> None:
        """One of these broke the transaction: each runs alone now, so that only the culprit fails."""
        if len(batch) == 1:
            name = type(batch[0].command).__name__
            log.error("%s failed and changed nothing", name, exc_info=error)
            _fail(batch, Refusal(Code.INTERNAL_ERROR, "Something went wrong; nothing changed."))
            return
        log.warning("a transaction of %d commands failed; now one at a time: %r", len(batch), error)
        self._suspects = batch
        for entry in batch:
            if not entry.future.done():
                await self._settle([entry])
        self._suspects = ()

    def _give_up(self, batch: Sequence[_Entry[Any]], refusal: Refusal) -> None:
        _fail(batch, refusal)
        if refusal.code is Code.DATABASE_UNAVAILABLE:
            # Those behind would each wait as long, one batch after the other, to hear the same.
            waiting = [*self._suspects, *self._queue]
            self._queue.clear()
            _fail(
                waiting,
                Refusal(refusal.code, "The database can't be reached; nothing was applied."),
            )


def _fail(entries: Sequence[_Entry[Any]], refusal: Refusal) -> None:
    for entry in entries:
        if not entry.future.done():
            entry.future.set_exception(refusal)
            entry.future.exception()  # a caller that went away must not leave a warning behind
