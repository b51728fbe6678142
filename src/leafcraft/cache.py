"""Reads that are never stale: finished answers kept in memory, and checked, not timed out.

An answer is kept with the revisions of the topics it depends on, read before it was made. It is
given again only if a check that began after the reader arrived finds the same revisions: then no
transaction that could have changed it was committed, in any process; and only while no moment has
come that changes it by itself, such as the end of a hold. Readers that arrive while a
check is under way share the next one, so a crowd costs one small query.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from leafcraft import metrics, revisions
from leafcraft.db import Database, Link, Reader, Trouble, trouble_of
from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer

Load = Callable[[Reader], Awaitable[Answer]]
Timed = tuple[Answer, int]
"""An answer, and the moment from which on it would be another although nothing was written."""
Revisions = tuple[int, ...]

CHECK_TRIES_MAX = 3
ENTRY_OVERHEAD_BYTES = 500
ANSWER_SHARE_MAX = 8
"""No single answer may take more than one part in so many of the room."""


class Watch:
    """Tells the present revisions, one query for all who ask at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._link: Link | None = None
        self._waiting: list[asyncio.Future[Mapping[str, int]]] = []
        self._running: asyncio.Task[None] | None = None

    async def now(self) -> Mapping[str, int]:
        """Revisions read after this call began. Raises Refusal `database_unavailable`."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Mapping[str, int]] = loop.create_future()
        self._waiting.append(waiter)
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await waiter

    async def close(self) -> None:
        if self._running is not None:
            await self._running
        await self._drop()

    async def _run(self) -> None:
        await asyncio.sleep(0)  # all who arrive in this turn of the loop join
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                found = await self._check()
                for waiter in waiting:
                    _tell(waiter, found)
        finally:
            self._running = None

    async def _check(self) -> Mapping[str, int] | Exception:
        for _ in range(CHECK_TRIES_MAX):
            try:
                link = self._link = self._link or await self._database.link()
                return await link.run(lambda link=link: revisions.current(link))  # type: ignore[misc]
            except Exception as error:
                await self._drop()
                if trouble_of(error) is Trouble.OTHER:
                    return error
        return Refusal(
            Code.DATABASE_UNAVAILABLE, "The database can't be reached; nothing was read."
        )

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()


class Cache:
    """Answers by request, the least recently used dropped first."""

    def __init__(self, database: Database, bytes_max: int) -> None:
        self._bytes = 0
        self._database = database
        self._bytes_max = bytes_max
        self._kept: OrderedDict[str, tuple[Revisions, Timed]] = OrderedDict()
        self._loading: dict[tuple[str, Revisions], asyncio.Task[Timed]] = {}

    async def answer(
        self, request: str, topics: Sequence[str], load: Load, *, known: Mapping[str, int]
    ) -> Answer:
        """The answer to `request`, as it is now. `load` makes it, and may raise a Refusal.

        `known` are the revisions that the watch told after the request had come.
        """
        now = tuple(known.get(topic, 0) for topic in topics)
        asked_at = self._database.clock()
        kept = self._kept.get(request)
        if kept is not None and kept[0] == now and kept[1][1] > asked_at:
            metrics.cache_hits.inc()
            self._kept.move_to_end(request)
            return kept[1][0]
        metrics.cache_misses.inc()
        answer, until = await asyncio.shield(self._load(request, now, load))
        while until <= asked_at:  # others began this load, before the moment came
            answer, until = await asyncio.shield(self._load(request, now, load))
        return answer

    def _load(self, request: str, now: Revisions, load: Load) -> asyncio.Task[Timed]:
        """One query for all who miss the same answer at the same revisions."""
        place = (request, now)
        task = self._loading.get(place)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._make(request, now, load))
            self._loading[place] = task
            task.add_done_callback(lambda done: self._loaded(place, done))
        return task

    def _loaded(self, place: tuple[str, Revisions], done: asyncio.Task[Timed]) -> None:
        del self._loading[place]
        if not done.cancelled():
            done.exception()  # readers that went away must not leave a warning behind

    async def _make(self, request: str, now: Revisions, load: Load) -> Timed:
        async def timed(reader: Reader) -> Timed:
            return await load(reader), reader.until

        made = await self._database.read(timed)
        self._keep(request, now, made)
        return made

    def _keep(self, request: str, now: Revisions, made: Timed) -> None:
        size = _size(request, made[0])
        if size > self._bytes_max // ANSWER_SHARE_MAX:
            return
        old = self._kept.pop(request, None)
        if old is not None:
            self._bytes -= _size(request, old[1][0])
        self._kept[request] = (now, made)
        self._bytes += size
        while self._bytes > self._bytes_max:
            dropped, (_, (oldest, _)) = self._kept.popitem(last=False)
            self._bytes -= _size(dropped, oldest)


def _size(request: str, answer: Answer) -> int:
    return len(request) + len(answer.body) + ENTRY_OVERHEAD_BYTES


def _tell(waiter: asyncio.Future[Mapping[str, int]], found: Mapping[str, int] | Exception) -> None:
    if waiter.done():
        return
    if isinstance(found, Exception):
        waiter.set_exception(found)
    else:
        waiter.set_result(found)
