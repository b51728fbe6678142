"""A COMMIT that never arrives, arrives late, or unheard: exactly one effect, or an honest word."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from leafcraft import committer
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Key
from leafcraft.writer import Writer
from tests.reliability.proxy import CommitProxy, Trick
from tests.writer.workshop import ARRIVAL, Workshop, key, someone_waits, until

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_kind", ["mariadb"])]

LOST = [Trick.SWALLOWED, Trick.UNANSWERED]
WITH_AND_WITHOUT = pytest.mark.parametrize(
    "named", [key("k"), None], ids=["with a key", "without a key"]
)
UNKNOWN = "is not known"


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[CommitProxy]:
    async with CommitProxy(make_url(database_url).port or 0) as opened:
        yield opened


@pytest.fixture
async def beyond(proxy: CommitProxy, database_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    """The write path through the proxy."""
    url = make_url(database_url).set(port=proxy.port)
    database = Database(url.render_as_string(hide_password=False), tmp_path)
    writer = Writer(database)
    yield Workshop(database, writer)
    await writer.stop()
    await database.close()


@pytest.fixture
async def here(database_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    """The same database without the proxy, to see what came of it."""
    database = Database(database_url, tmp_path)
    writer = Writer(database)
    yield Workshop(database, writer)
    await writer.stop()
    await database.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "TRY_SECONDS_MAX", 0.4)


async def held(proxy: CommitProxy) -> "asyncio.Future[bool]":
    """The handle of the COMMIT that is being held, once it is."""
    await until(lambda: proxy.held is not None)
    assert proxy.held is not None
    return proxy.held


@WITH_AND_WITHOUT
@pytest.mark.parametrize("trick", LOST)
@pytest.mark.parametrize("first", [True, False], ids=["first ever", "later"])
async def test_a_lost_commit_has_one_effect(
    beyond: Workshop,
    here: Workshop,
    proxy: CommitProxy,
    trick: Trick,
    named: Key | None,
    first: bool,
) -> None:
    tea = await here.product(stock=5)
    if not first:
        await beyond.order((tea, 1))
    before = await here.count("orders")
    proxy.trick = trick
    order_id = await beyond.order((tea, 1), key=named)
    assert await here.count("orders") == before + 1
    assert await here.rows("SELECT MAX(id) FROM orders") == [(order_id,)]
    if named:
        assert (await beyond.place((tea, 1), key=named)).replayed
    await here.assert_sound()


@pytest.mark.parametrize("trick", LOST)
async def test_a_lost_commit_of_many_commands_has_one_effect_each(
    beyond: Workshop, here: Workshop, proxy: CommitProxy, trick: Trick
) -> None:
    tea = await here.product(stock=100)
    ids = [await here.order((tea, 1)) for _ in range(10)]
    proxy.trick = trick
    answers = await asyncio.gather(
        *(beyond.confirm(order_id, key(str(order_id))) for order_id in ids[:5]),
        *(beyond.confirm(order_id) for order_id in ids[5:]),
        *(beyond.place((tea, 1), key=key(f"new {n}")) for n in range(5)),
        *(beyond.place((tea, 1)) for _ in range(5)),
    )
    assert [answer.status for answer in answers] == [200] * 10 + [201] * 10
    assert await here.count("orders") == 20
    assert await here.level(tea) == (100, 10)
    assert len({answer.body for answer in answers[10:]}) == 10
    await here.assert_sound()


@pytest.mark.parametrize("trick", LOST)
async def test_a_lost_refusal_is_told_all_the_same(
    beyond: Workshop, here: Workshop, proxy: CommitProxy, trick: Trick
) -> None:
    order_id = await here.order((await here.product(stock=1), 2))
    proxy.trick = trick
    assert (await beyond.confirm(order_id, key("k"))).body == b"insufficient_stock"
    assert (await beyond.confirm(order_id, key("k"))).replayed


async def test_commit_after_commit_may_be_lost(
    beyond: Workshop, here: Workshop, proxy: CommitProxy
) -> None:
    tea = await here.product(stock=100)
    for turn in range(12):
        proxy.trick = LOST[turn % 2] if turn % 3 else None
        order_id = await beyond.order((tea, 1))
        assert await here.rows("SELECT COUNT(*), MAX(id) FROM orders") == [(turn + 1, order_id)]
    await here.assert_sound()


@WITH_AND_WITHOUT
@pytest.mark.parametrize("arrives", [True, False], ids=["arrives", "never arrives"])
@pytest.mark.parametrize("first", [True, False], ids=["first ever", "later"])
async def test_a_commit_that_may_still_arrive_is_waited_for(
    beyond: Workshop,
    here: Workshop,
    proxy: CommitProxy,
    arrives: bool,
    named: Key | None,
    first: bool,
) -> None:
    """To ask too early whether it arrived, and to do it again, would do it twice."""
    tea = await here.product(stock=5)
    if not first:
        await beyond.order((tea, 1))
    before = await here.count("orders")
    proxy.trick = Trick.HELD
    placing = asyncio.create_task(beyond.order((tea, 1), key=named))
    release = await held(proxy)
    await someone_waits(here, ARRIVAL)
    assert not placing.done()
    release.set_result(arrives)
    order_id = await placing
    assert await here.rows("SELECT COUNT(*), MAX(id) FROM orders") == [(before + 1, order_id)]
    await here.assert_sound()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trick", LOST)
async def test_an_outcome_that_nobody_can_know_is_called_unknown(
    beyond: Workshop, here: Workshop, proxy: CommitProxy, trick: Trick
) -> None:
    """The connection is lost at COMMIT, and no other can be had: only the retry will tell."""
    tea = await here.product(stock=5)
    await beyond.order((tea, 1))
    proxy.trick, proxy.refusing = trick, True
    with pytest.raises(Refusal) as refusal:
        await beyond.place((tea, 1), key=key("k"))
    assert refusal.value.code is Code.DATABASE_UNAVAILABLE
    assert UNKNOWN in refusal.value.detail
    proxy.refusing = False
    again = await beyond.place((tea, 1), key=key("k"))
    assert again.replayed == (trick is Trick.UNANSWERED)
    assert await here.count("orders") == 2
    await here.assert_sound()


@pytest.mark.usefixtures("impatient")
async def test_a_commit_that_arrives_after_everybody_gave_up_has_one_effect(
    beyond: Workshop, here: Workshop, proxy: CommitProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_second = "SET SESSION innodb_lock_wait_timeout = 1"
    monkeypatch.setattr("leafcraft.db.mysql.SESSION", (one_second,))
    tea = await here.product(stock=5)
    proxy.trick = Trick.HELD
    with pytest.raises(Refusal, match=UNKNOWN):
        await beyond.place((tea, 1), key=key("k"))
    monkeypatch.undo()
    (await held(proxy)).set_result(True)
    assert (await beyond.place((tea, 1), key=key("k"))).status == 201
    assert await here.count("orders") == 1
    await here.assert_sound()


@pytest.mark.usefixtures("impatient")
async def test_what_waits_behind_an_unknown_outcome_hears_that_it_was_not_applied(
    beyond: Workshop, here: Workshop, proxy: CommitProxy
) -> None:
    tea = await here.product(stock=5)
    await beyond.order((tea, 1))
    proxy.trick, proxy.refusing = Trick.UNANSWERED, True
    first = asyncio.create_task(beyond.place((tea, 1)))
    await until(lambda: proxy.trick is None)
    behind = [asyncio.create_task(beyond.place((tea, 1))) for _ in range(3)]
    refusals = await asyncio.gather(first, *behind, return_exceptions=True)
    details = [str(getattr(refusal, "detail", refusal)) for refusal in refusals]
    assert [UNKNOWN in detail for detail in details] == [True, False, False, False]
    assert all("nothing was applied" in detail for detail in details[1:])
    assert await here.count("orders") == 2
