"""One batch of commands, one transaction: tried until it is committed, and never committed twice."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from leafcraft import events, idempotency, times
from leafcraft.db import Database, GuardHeld, Link, Transaction, Trouble, trouble_of
from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer, Key
from leafcraft.revisions import Bookmark

log = logging.getLogger(__name__)

C_contra = TypeVar("C_contra", contravariant=True)
O_co = TypeVar("O_co", covariant=True)

TRY_SECONDS_MAX = 12.0
PAUSE_SECONDS_MIN = 0.002
PAUSE_SECONDS_MAX = 0.25

_STORED_STATUSES = {*range(200, 300), 409}
"""Effects and conflicts are final. What a caller can mend is not stored: its retry runs."""


class Action(Protocol[C_contra, O_co]):
    """What happens: decides and records many commands in the shared transaction.

    One outcome a command, in their order. A Refusal is an outcome like any other.
    """

    def __call__(
        self, tx: Transaction, commands: Sequence[C_contra], /
    ) -> Awaitable[Sequence[O_co | Refusal]]: ...


class Request(Protocol):
    """A command as it waits: what to do, for whom, and how its outcome is told."""

    @property
    def action(self) -> Action[Any, Any]: ...
    @property
    def command(self) -> Any: ...
    @property
    def key(self) -> Key | None: ...
    @property
    def render(self) -> Callable[[Any], Any]: ...


class _Unsettled(Exception):
    """Nothing was committed, and another try makes sense."""


class _Attempt:
    """One try at a batch: how far it came, and the answers so far, by place in the batch."""

    def __init__(self, tx: Transaction, batch: Sequence[Request]) -> None:
        self.tx = tx
        self.batch = batch
        self.answers: dict[int, Any] = {}
        self.committing = False

    async def run(self, link: Link, bookmark: Bookmark) -> None:
        """The whole transaction, from BEGIN to COMMIT."""
        await link.begin()
        work, retries = self._sort(await self._known())
        for action, places in work.items():
            outcomes = await action(self.tx, [self.batch[place].command for place in places])
            for place, outcome in zip(places, outcomes, strict=True):
                self.answers[place] = self.batch[place].render(outcome)
        for place, first in retries.items():
            self._replay(place, self.batch[first].key, self.answers[first])
        await self._remember(bookmark)
        self.committing = True
        await link.commit()

    def told(self) -> list[Any]:
        """The answers, in the batch's order."""
        return [self.answers[place] for place in range(len(self.batch))]

    async def _known(self) -> Mapping[bytes, tuple[Key, Answer]]:
        keys = [request.key for request in self.batch if request.key is not None]
        return await idempotency.find(self.tx, keys)

    def _sort(
        self, known: Mapping[bytes, tuple[Key, Answer]]
    ) -> tuple[dict[Action[Any, Any], list[int]], dict[int, int]]:
        """Answers what was answered before. The rest: places by action, and places of retries
        that came into the same batch as their first attempt, with the first's place."""
        work: dict[Action[Any, Any], list[int]] = {}
        retries: dict[int, int] = {}
        firsts: dict[bytes, int] = {}
        for place, request in enumerate(self.batch):
            digest = request.key.digest if request.key is not None else None
            if digest is not None and digest in known:
                self._replay(place, *known[digest])
            elif digest is not None and firsts.setdefault(digest, place) != place:
                retries[place] = firsts[digest]
            else:
                work.setdefault(request.action, []).append(place)
        return work, retries

    def _replay(self, place: int, first: Key | None, answer: Any) -> None:
        """Gives the first answer again, or refuses a key that belongs to another request."""
        request = self.batch[place]
        if request.key == first:
            self.answers[place] = answer._replace(replayed=True)
        else:
            self.answers[place] = request.render(idempotency.reused())

    async def _remember(self, bookmark: Bookmark) -> None:
        """What belongs to every transaction that changes anything: answers, facts, revisions."""
        stored = {
            request.key: answer
            for place, request in enumerate(self.batch)
            if request.key is not None and _worth_storing(answer := self.answers[place])
        }
        idempotency.store(self.tx, stored)
        events.write(self.tx)
        if stored or self.tx.touched or self.tx.facts:
            await bookmark.turn(self.tx)
        await self.tx.settle()


class Committer:
    """Holds the process's writing connection and its bookmark."""

    def __init__(self, database: Database, clock: times.Clock, writer: int) -> None:
        self._database = database
        self._clock = clock
        self._bookmark = Bookmark(writer)
        self._link: Link | None = None

    async def commit(self, batch: Sequence[Request]) -> Sequence[Any]:
        """The answers, in the batch's order, once they are committed.

        Raises Refusal when the database stays out of reach or contended, and whatever an
        action or the database raised that another try would only repeat; nothing is
        committed then, unless the refusal says that this is not known.
        """
        deadline = _now() + TRY_SECONDS_MAX
        pause = PAUSE_SECONDS_MIN
        held = False
        while True:
            try:
                return await self._try(batch)
            except GuardHeld:
                if held:
                    raise
                # A decision and its write disagree. Reading everything anew mends what another
                # process caused (a fold); what happens twice is a defect.
                held = True
                log.warning("a guard held; the batch runs again", exc_info=True)
            except _Unsettled as unsettled:
                if _now() >= deadline:
                    log.error("giving up on %d commands: %r", len(batch), unsettled.__cause__)
                    raise _given_up(unsettled) from unsettled
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 jitter, not a secret
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        try:
            await link.close()
        except Exception as error:
            log.debug("closing a connection: %r", error)

    async def _try(self, batch: Sequence[Request]) -> Sequence[Any]:
        link = await self._opened()
        attempt = _Attempt(Transaction(link, self._clock(), self._bookmark.writer), batch)
        try:
            await link.run(lambda: attempt.run(link, self._bookmark))
        except Exception as error:
            trouble = trouble_of(error)
            self._bookmark.forget()
            if not attempt.committing or trouble is Trouble.CONFLICT:
                await self._roll_back(link, trouble)
            elif await self._arrived(error):
                return attempt.told()
            if trouble is Trouble.OTHER:
                raise
            raise _Unsettled from error
        return attempt.told()

    async def _opened(self) -> Link:
        if self._link is None:
            try:
                self._link = await self._database.link()
            except Exception as error:
                if trouble_of(error) is Trouble.LOST:
                    raise _Unsettled from error
                raise
        return self._link

    async def _roll_back(self, link: Link, trouble: Trouble) -> None:
        """A connection that can't even roll back is given up: its end rolls back as well."""
        if trouble is Trouble.LOST:
            await self.close()
            return
        try:
            await link.run(link.rollback)
        except Exception as error:
            log.debug("rolling back: %r", error)
            await self.close()

    async def _arrived(self, error: Exception) -> bool:
        """After a COMMIT that failed, but was not refused: whether it was done all the same.

        Every transaction writes its number into the bookmark, so the bookmark tells. Raises
        Refusal when it can't be read in time: only then is the outcome really unknown.
        """
        deadline = _now() + TRY_SECONDS_MAX
        await self.close()
        while _now() < deadline:
            try:
                return await self._asked(await self._opened())
            except Exception as trouble:
                log.warning("did the last COMMIT arrive? can't tell yet: %r", trouble)
                await self.close()
                await asyncio.sleep(PAUSE_SECONDS_MAX)
        raise Refusal(
            Code.DATABASE_UNAVAILABLE,
            "The connection was lost while committing, so whether this was applied is not known."
            " Repeat the request with the same Idempotency-Key, or read before repeating it.",
        ) from error

    async def _asked(self, link: Link) -> bool:
        return await link.run(lambda: self._bookmark.arrived(link))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _worth_storing(answer: Any) -> bool:
    return isinstance(answer, Answer) and not answer.replayed and answer.status in _STORED_STATUSES


def _given_up(unsettled: _Unsettled) -> Refusal:
    cause = unsettled.__cause__
    if cause is None or trouble_of(cause) is Trouble.LOST:
        return Refusal(
            Code.DATABASE_UNAVAILABLE, "The database can't be reached; nothing was applied."
        )
    return Refusal(Code.OVERLOADED, "Others hold what this needs; nothing was applied.")
