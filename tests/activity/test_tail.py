"""The end of the list of events: each is read once, in whatever order transactions commit."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from leafcraft import events
from leafcraft.activity import tail
from leafcraft.activity.tail import EVENTS_MAX, MISSING_MAX, MISSING_SECONDS, Tail
from leafcraft.app import compose, opened
from leafcraft.config import Settings
from leafcraft.db import Database, Link, Transaction
from leafcraft.writer import Writer
from tests.writer.workshop import BY, Workshop, link_to

pytestmark = pytest.mark.anyio

COPY = (
    "INSERT INTO events"
    " SELECT id + %s, type, subject_type, subject_id, actor, request_id, address, data, occurred_at"
    " FROM events"
)
"""Makes an event far behind the only one, as if very many transactions had been rolled back."""


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with opened(compose(settings).runtime) as runtime:
        yield runtime.database


async def new(database: Database, reading: Tail, now: float = 0) -> list[int] | None:
    """The orders that this look tells of."""
    found = reading.take(await database.read(reading.look), now)
    return None if found is None else [one.id for one in found]


async def write(link: Link, *orders: int) -> None:
    """Begins a transaction, and leaves it open with an event about each order."""

    async def work() -> None:
        await link.begin()
        tx = Transaction(link, 1)
        for order in orders:
            events.record(tx, "order.noted", order, by=BY)
        events.write(tx)
        await tx.settle()

    await link.run(work)


async def done(link: Link, *orders: int) -> None:
    await write(link, *orders)
    await link.run(link.commit)


async def test_what_was_there_before_the_first_look_is_not_news(database: Database) -> None:
    reading = Tail()
    async with link_to(database) as link:
        await done(link, 1, 2)
        await new(database, reading)
        assert await new(database, reading) == []
        await done(link, 3)
        assert await new(database, reading) == [3]
        assert await new(database, reading) == []


@pytest.mark.parametrize("database_kind", ["mariadb"])  # SQLite has one writer at a time
@pytest.mark.parametrize("before", [True, False])
async def test_a_commit_that_comes_late_is_told_once(database: Database, before: bool) -> None:
    """`before`: the slow transaction began before the first look at all."""
    reading = Tail()
    async with link_to(database) as slow, link_to(database) as quick:
        await done(quick, 7)
        if not before:
            await new(database, reading)
        await write(slow, 1, 2)
        await done(quick, 3)
        first = await new(database, reading)
        assert before or first == [3]
        await done(quick, 4)
        assert await new(database, reading) == [4]
        await slow.run(slow.commit)
        await done(quick, 5)
        assert await new(database, reading) == [1, 2, 5]
        assert await new(database, reading) == []


async def test_an_id_whose_transaction_was_rolled_back_is_forgotten_in_time(
    database: Database,
) -> None:
    reading = Tail()
    async with link_to(database) as link:
        await done(link, 1)
        await new(database, reading)
        ((event_id,),) = await database.read(
            lambda reader: reader.fetch("SELECT MAX(id) FROM events")
        )
        await link.run(link.begin)
        await link.run(lambda: link.change(COPY, (MISSING_MAX * 2,)))
        await link.run(link.commit)
    assert await new(database, reading) == [1]
    assert len(reading._missing) == MISSING_MAX
    assert min(reading._missing) == event_id + MISSING_MAX
    await new(database, reading, MISSING_SECONDS - 1)
    assert reading._missing
    await new(database, reading, MISSING_SECONDS)
    assert not reading._missing


async def test_of_too_many_it_is_only_said_that_they_are_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "EVENTS_MAX", 20)
    reading = Tail()
    await new(database, reading)
    async with link_to(database) as link:
        await done(link, *range(1, 21))
        assert await new(database, reading) == list(range(1, 21))
        await done(link, *range(100, 200))
        assert await new(database, reading) is None
        await done(link, 300)
        assert await new(database, reading) == [300]
    assert EVENTS_MAX > 20


async def test_two_writers_at_work_leave_nothing_out_and_nothing_is_told_twice(
    database: Database,
) -> None:
    reading = Tail()
    await new(database, reading)
    one, other = (Workshop(database, Writer(database)) for _ in range(2))
    product_id = await one.product(stock=1000)
    working = asyncio.gather(
        *(shop.order((product_id, 1)) for _ in range(100) for shop in (one, other))
    )
    told: list[int] = []
    while not working.done():
        told += await new(database, reading) or []
    told += await new(database, reading) or []
    orders = await working
    for shop in (one, other):
        await shop.writer.stop()
    assert sorted(told) == sorted([product_id, *orders])
