"""The live feed: who listens hears what was changed anywhere, and nobody waits for who listens."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Final

import pytest

from leafcraft import revisions
from leafcraft.accounts.actions import AddUser, add_user
from leafcraft.accounts.rules import Role
from leafcraft.activity import live
from leafcraft.activity.live import LISTENERS_PER_SESSION_MAX, Feed
from leafcraft.activity.store import Subject
from leafcraft.activity.tail import EVENTS_MAX
from leafcraft.app import compose, opened
from leafcraft.cache import Watch
from leafcraft.config import Settings
from leafcraft.errors import Code, Refusal
from leafcraft.stock.actions import Receive, receive
from leafcraft.web.call import Runtime
from leafcraft.writer import Writer
from tests.builders import Json
from tests.writer.workshop import BY, Workshop, until

pytestmark = pytest.mark.anyio

SECONDS_MAX: Final = 60.0
"""However busy the machine is: a message that has not come by then never comes."""
BEAT: Final = b":\n\n"

Messages = AsyncGenerator[bytes, None]


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    async with opened(compose(settings).runtime) as runtime:
        yield runtime
        runtime.stopping.set()


@pytest.fixture
def feed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Feed:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    return Feed(runtime)


@pytest.fixture
async def elsewhere(runtime: Runtime) -> AsyncIterator[Workshop]:
    """The same shop through the writer of another process."""
    other = Writer(runtime.database)
    yield Workshop(runtime.database, other)
    await other.stop()


async def always() -> bool:
    return True


async def mark(runtime: Runtime) -> str:
    """What a page that is made now would hand to its browser."""
    return revisions.mark(await runtime.watch.now())


async def heard(messages: Messages) -> Json:
    """What the next message says; a heartbeat is none."""
    async with asyncio.timeout(SECONDS_MAX):
        part = await anext(messages)
        while part == BEAT:
            part = await anext(messages)
    lines = part.decode().removesuffix("\n\n").split("\n")
    fields = dict(line.split(": ", 1) for line in lines)
    assert list(fields) == ["id", "event", "data"]
    assert fields["event"] == "changed"
    said: Json = json.loads(fields["data"])
    return said


async def told(messages: Messages, *topics: str) -> Json:
    """All that the next messages say, joined, once they have named these topics."""
    whole: Json = {"topics": []}
    while not set(topics) <= set(whole["topics"]):
        for kind, names in (await heard(messages)).items():
            whole[kind] = sorted({*whole.get(kind, []), *names})
    return whole


async def listening(stack: AsyncExitStack, feed: Feed, since: str, session: str = "1") -> Messages:
    """A page that was made at a mark, and has been compared with what there is."""
    listener = feed.listener(session, always, since=since)
    messages = await stack.enter_async_context(aclosing(listener.messages()))
    assert await anext(messages) == b"retry: 2000\n\n"
    await until(lambda: not listener.fresh)
    return messages


# ── what is heard ────────────────────────────────────────────────────────────


async def test_a_page_hears_what_another_process_did(
    feed: Feed, runtime: Runtime, elsewhere: Workshop
) -> None:
    product_id = await elsewhere.product()
    async with AsyncExitStack() as stack:
        messages = await listening(stack, feed, await mark(runtime))
        order_id = await elsewhere.order((product_id, 1))
        assert await told(messages, "orders", "events") == {
            "topics": ["events", "orders"],
            "order": [order_id],
        }


async def test_stock_that_moves_without_an_event_of_its_own_is_heard_of(
    feed: Feed, runtime: Runtime, elsewhere: Workshop
) -> None:
    """A confirmation reserves stock, and its event is about the order."""
    order_id = await elsewhere.order((await elsewhere.product(), 1))
    async with AsyncExitStack() as stack:
        messages = await listening(stack, feed, await mark(runtime))
        await elsewhere.confirm(order_id)
        said = await told(messages, "stock", "orders")
        assert said["order"] == [order_id]


async def test_a_receipt_is_heard_of_by_product(
    feed: Feed, runtime: Runtime, elsewhere: Workshop
) -> None:
    product_id = await elsewhere.product()
    async with AsyncExitStack() as stack:
        messages = await listening(stack, feed, await mark(runtime))
        await elsewhere.writer.perform(receive, Receive(product_id, 5, BY))
        assert (await told(messages, "stock", "events"))["stock"] == [product_id]


async def test_what_only_admins_may_see_is_heard_of_without_a_name(
    feed: Feed, runtime: Runtime, elsewhere: Workshop
) -> None:
    async with AsyncExitStack() as stack:
        messages = await listening(stack, feed, await mark(runtime))
        added = AddUser("kim@example.com", "hash", Role.VIEWER, BY)
        await elsewhere.writer.perform(add_user, added)
        assert await told(messages, "accounts", "events") == {"topics": ["accounts", "events"]}


async def test_a_change_after_a_page_was_made_and_before_it_listens_is_not_lost(
    feed: Feed, runtime: Runtime, elsewhere: Workshop
) -> None:
    made_at = await mark(runtime)
    await elsewhere.product()
    async with AsyncExitStack() as stack:
        assert await heard(await listening(stack, feed, made_at)) == {"all": True}
        assert await heard(await listening(stack, feed, "")) == {"all": True}


async def test_a_page_that_comes_back_with_the_mark_it_was_told_hears_nothing_twice(
    feed: Feed, runtime: Runtime, elsewhere: Workshop
) -> None:
    async with AsyncExitStack() as stack:
        first = await listening(stack, feed, await mark(runtime))
        await elsewhere.product()
        await elsewhere.writer.stop()
        await told(first, "products", "stock", "events")
        again = await listening(stack, feed, await mark(runtime))
        product_id = await Workshop(runtime.database, runtime.writer).product()
        assert (await told(again, "products", "events"))["product"] == [product_id]


async def test_who_reads_slowly_gets_one_message_that_says_it_all(
    feed: Feed, runtime: Runtime, elsewhere: Workshop
) -> None:
    product_id = await elsewhere.product()
    async with AsyncExitStack() as stack:
        now = await mark(runtime)
        slow = await listening(stack, feed, now)
        quick = await listening(stack, feed, now)
        orders = []
        for _ in range(3):
            orders.append(await elsewhere.order((product_id, 1)))
            await told(quick, "orders", "events")
        assert (await heard(slow))["order"] == orders


async def test_of_very_many_changes_it_is_only_said_that_they_are_many() -> None:
    changes = live.Changes()
    for number in range(EVENTS_MAX + 1):
        other = live.Changes()
        other.add(["orders"], [Subject(number, "order", number)])
        changes.join(other)
    assert b'{"all":true}' in changes.told("mark")


# ── when it ends ─────────────────────────────────────────────────────────────


async def test_without_news_there_is_a_heartbeat(
    feed: Feed, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    async with AsyncExitStack() as stack:
        messages = await listening(stack, feed, await mark(runtime))
        assert [await anext(messages) for _ in range(3)] == [BEAT] * 3


@pytest.mark.parametrize("beat", [0.05, 3600.0])
async def test_it_ends_with_its_session(
    feed: Feed,
    runtime: Runtime,
    elsewhere: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    beat: float,
) -> None:
    """By the next heartbeat, or sooner if there is anything to tell: that is not told any more."""
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", beat)
    good = True

    async def still() -> bool:
        return good

    messages = feed.listener("1", still, since=await mark(runtime)).messages()
    await anext(messages)
    good = False
    if beat > SECONDS_MAX:
        await elsewhere.product()
    async with asyncio.timeout(SECONDS_MAX):
        assert [part async for part in messages] == []


async def test_it_ends_when_the_session_can_not_be_looked_at(feed: Feed) -> None:
    async def unknown() -> bool:
        raise Refusal(Code.DATABASE_UNAVAILABLE, "The database can't be reached.")

    messages = feed.listener("1", unknown).messages()
    async with asyncio.timeout(SECONDS_MAX):
        assert [part async for part in messages] == [b"retry: 2000\n\n"]


async def test_it_ends_at_once_when_the_service_stops(feed: Feed, runtime: Runtime) -> None:
    async with AsyncExitStack() as stack:
        messages = await listening(stack, feed, await mark(runtime))
        rest = asyncio.ensure_future(anext(messages, b"the end"))
        await asyncio.sleep(0.1)
        assert not rest.done()
        runtime.stopping.set()
        async with asyncio.timeout(SECONDS_MAX):
            assert await rest == b"the end"
    with pytest.raises(Refusal):
        await feed.stream("1", always)


async def test_it_ends_at_once_when_its_reader_has_gone(feed: Feed, runtime: Runtime) -> None:
    stream = await feed.stream("1", always, since=await mark(runtime))
    assert (stream.media, stream.filename) == ("text/event-stream", None)
    rest = asyncio.ensure_future(anext(stream.rest, b"the end"))
    await asyncio.sleep(0.1)
    stream.leave()
    async with asyncio.timeout(SECONDS_MAX):
        assert await rest == b"the end"


async def test_it_ends_after_its_time_and_the_browser_comes_back(
    feed: Feed, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(live, "LISTEN_SECONDS_MAX", 0.3)
    messages = feed.listener("1", always, since=await mark(runtime)).messages()
    async with asyncio.timeout(SECONDS_MAX):
        assert [part async for part in messages][-1] == BEAT


# ── what it costs ────────────────────────────────────────────────────────────


class Counted(Watch):
    """A watch that counts how often it is asked."""

    asked = 0

    async def now(self) -> dict[str, int]:
        self.asked += 1
        return dict(await super().now())


async def test_nobody_looks_while_nobody_listens(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    watch = Counted(runtime.database)
    object.__setattr__(runtime, "watch", watch)
    feed = Feed(runtime)
    async with AsyncExitStack() as stack:
        await listening(stack, feed, "")
        await listening(stack, feed, "")
        await until(lambda: watch.asked > 3)
    await until(lambda: feed._looking is None)
    asked = watch.asked
    await asyncio.sleep(0.2)
    assert watch.asked == asked
    async with AsyncExitStack() as stack:
        await listening(stack, feed, "")
        await until(lambda: watch.asked > asked)


async def test_a_session_and_a_process_have_only_so_many_listeners(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LISTENERS_MAX", LISTENERS_PER_SESSION_MAX + 1)
    async with AsyncExitStack() as stack:
        for _ in range(LISTENERS_PER_SESSION_MAX):
            await listening(stack, feed, "")
        await _refused(feed, "1")
        await listening(stack, feed, "", "2")
        await _refused(feed, "3")
    async with AsyncExitStack() as stack:
        await listening(stack, feed, "", "1")


async def _refused(feed: Feed, session: str) -> None:
    with pytest.raises(Refusal) as caught:
        await feed.stream(session, always)
    assert caught.value.code is Code.OVERLOADED


async def test_a_database_that_is_away_for_a_moment_is_looked_at_again(
    feed: Feed, runtime: Runtime, elsewhere: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> dict[str, int]:
        raise Refusal(Code.DATABASE_UNAVAILABLE, "The database can't be reached.")

    async with AsyncExitStack() as stack:
        messages = await listening(stack, feed, await mark(runtime))
        with monkeypatch.context() as patch:
            patch.setattr(runtime.watch, "now", away)
            await asyncio.sleep(0.1)
            await elsewhere.product()
        await told(messages, "products", "stock")
