"""The live feed: tells open pages what has changed, whoever changed it, in whichever process.

While anybody listens, one task a process looks at the revisions a few times a second, and reads the
events behind them when they have grown. A message names what changed and holds nothing of it: whoever
hears it asks again, with its own permissions. Server-sent events carry it (HTML Standard, 9.2).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import orjson

from leafcraft import revisions
from leafcraft.activity.store import Subject
from leafcraft.activity.tail import EVENTS_MAX, Tail
from leafcraft.errors import Code, Refusal
from leafcraft.web.call import Runtime
from leafcraft.web.stream import Stream

log = logging.getLogger(__name__)

MEDIA = "text/event-stream"
LOOK_SECONDS = 0.4
HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000
"""How long a browser waits before it comes back after an end."""
LISTEN_SECONDS_MAX = 3000.0
"""Then it ends, and whoever still listens comes back; less than a stream may take."""
LISTENERS_MAX = 500
"""At a time in one process: each holds a connection."""
LISTENERS_PER_SESSION_MAX = 20

TOLD = frozenset({"order", "product", "stock", "location"})
"""Subjects that are named with their ids; of those that are for admins alone only the topic is told."""
EVENTS = "events"
"""The topic that all events belong to."""

Good = Callable[[], Awaitable[bool]]


class Changes:
    """What has changed since a listener was told last. It is joined and not queued: it stays small."""

    def __init__(self) -> None:
        self._all = False
        self._topics: set[str] = set()
        self._subjects: set[tuple[str, int]] = set()

    def __bool__(self) -> bool:
        return self._all or bool(self._topics)

    def add(self, topics: Iterable[str], subjects: Iterable[Subject]) -> None:
        self._topics.update(topics)
        self._subjects.update((one.type, one.id) for one in subjects if one.type in TOLD)
        if len(self._subjects) > EVENTS_MAX:
            self.add_all()

    def add_all(self) -> None:
        self._all = True
        self._subjects.clear()

    def join(self, other: "Changes") -> None:
        self._all = self._all or other._all
        self._subjects |= other._subjects
        self.add(other._topics, ())

    def told(self, mark: str) -> bytes:
        """The message. A browser that comes back tells the mark of the last one it has had."""
        said: dict[str, object] = {"all": True} if self._all else self._named()
        return b"id: %b\nevent: changed\ndata: %b\n\n" % (mark.encode(), orjson.dumps(said))

    def _named(self) -> dict[str, object]:
        kinds = sorted({kind for kind, _ in self._subjects})
        ids = {kind: sorted(one for of, one in self._subjects if of == kind) for kind in kinds}
        return {"topics": sorted(self._topics), **ids}


class Listener:
    """One open page."""

    def __init__(self, feed: "Feed", session: str, good: Good, *, since: str) -> None:
        self.session = session
        self.fresh = True
        """Until it has been compared with what there is: its page may be older."""
        self._feed = feed
        self._good = good
        self._mark = since
        self._changes = Changes()
        self._news = asyncio.Event()
        self._left = False

    def catch_up(self, mark: str) -> None:
        """Its page shows what was committed at one mark, and this is the present one."""
        self.fresh = False
        if self._mark != mark:
            everything = Changes()
            everything.add_all()
            self.tell(everything, mark)

    def tell(self, changes: Changes, mark: str) -> None:
        self._changes.join(changes)
        self._mark = mark
        self._news.set()

    def leave(self) -> None:
        """Its messages end now: nobody reads them any more, or the service stops."""
        self._left = True
        self._news.set()

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """The feed as bytes. Raises Refusal `overloaded` instead of the first ones."""
        self._feed.admit(self)
        try:
            ends = _now() + LISTEN_SECONDS_MAX
            yield b"retry: %d\n\n" % RETRY_MS
            while _now() < ends and await self._stays():
                yield self._taken()
        finally:
            self._feed.dismiss(self)

    async def _stays(self) -> bool:
        """Waits for news, or a heartbeat long; whether there is anybody to tell then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._news.wait()
        try:
            return not self._left and await self._good() and not self._left
        except Refusal:
            return False

    def _taken(self) -> bytes:
        self._news.clear()
        changes, self._changes = self._changes, Changes()
        return changes.told(self._mark) if changes else b":\n\n"


class Feed:
    """One a process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._listeners: set[Listener] = set()
        self._known: Mapping[str, int] | None = None
        self._tail = Tail()
        self._looking: asyncio.Task[None] | None = None

    def listener(self, session: str, good: Good, *, since: str = "") -> Listener:
        """A listener of a session, as long as that is `good`: asked with every message and heartbeat.

        `since` is the mark (`revisions.mark`) that its page was made at, or the one of the last
        message it had; without one it is told at once that all may have changed.
        """
        return Listener(self, session, good, since=since)

    async def stream(self, session: str, good: Good, *, since: str = "") -> Stream:
        """The answer to a page that listens. Raises Refusal `overloaded`."""
        listener = self.listener(session, good, since=since)
        begun = await Stream.begun(MEDIA, None, listener.messages())
        return begun._replace(leave=listener.leave)

    def admit(self, listener: Listener) -> None:
        """Lets it hear from now on. Raises Refusal `overloaded` when too many listen, or the service stops."""
        own = sum(one.session == listener.session for one in self._listeners)
        full = len(self._listeners) >= LISTENERS_MAX or own >= LISTENERS_PER_SESSION_MAX
        if full or self._runtime.stopping.is_set():
            raise Refusal(Code.OVERLOADED, "Too many pages listen for changes; this one does not.")
        self._listeners.add(listener)
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._run())

    def dismiss(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    async def _run(self) -> None:
        self._known, self._tail = None, Tail()
        try:
            while self._listeners and not self._runtime.stopping.is_set():
                await self._try()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._runtime.stopping.wait()
        finally:
            self._looking = None
            for listener in self._listeners:
                listener.leave()

    async def _try(self) -> None:
        try:
            await self._look()
        except Refusal as refusal:
            log.debug("the live feed has to wait: %s", refusal.detail)
        except Exception:
            log.exception("the live feed failed to look; it looks again")

    async def _look(self) -> None:
        if self._known is None:
            await (
                self._news()
            )  # before the revisions: what comes in between is told twice, not never
        now = await self._runtime.watch.now()
        changes = await self._between(now if self._known is None else self._known, now)
        self._known = now
        mark = revisions.mark(now)
        for listener in self._listeners:
            if listener.fresh:
                listener.catch_up(mark)
            elif changes:
                listener.tell(changes, mark)

    async def _between(self, before: Mapping[str, int], now: Mapping[str, int]) -> Changes:
        changes = Changes()
        if before == now:
            return changes
        subjects = await self._news()
        grown = {topic for topic, count in now.items() if count != before.get(topic, 0)}
        changes.add(grown - {revisions.COMMITS}, subjects or ())
        if subjects:
            changes.add({EVENTS}, ())
        if subjects is None:
            changes.add_all()
        return changes

    async def _news(self) -> Sequence[Subject] | None:
        seen = await self._runtime.database.read(self._tail.look)
        return self._tail.take(seen, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
