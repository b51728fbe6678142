"""Revisions: they grow with every commit that matters, and tell whether the last one arrived."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from leafcraft import revisions
from leafcraft.db import Database, Link, Transaction
from leafcraft.revisions import COMMITS, Bookmark, Fold
from leafcraft.writer import Writer
from tests.writer.workshop import ARRIVAL, BY, Workshop, key, link_to, someone_waits

pytestmark = pytest.mark.anyio

FOREVER = 2**62


@pytest.fixture
async def neighbour(workshop: Workshop) -> AsyncIterator[Workshop]:
    """The same shop through the writer of another process."""
    other = Writer(workshop.database)
    yield workshop.beside(other)
    await other.stop()


async def current(database: Database) -> Mapping[str, int]:
    """As readers see it: without what belongs to the writers themselves."""
    async with link_to(database) as link:
        found = await link.run(lambda: revisions.current(link))
    return {topic: count for topic, count in found.items() if topic != COMMITS}


async def rows_of(workshop: Workshop, writer: Writer) -> dict[str, int]:
    sql = "SELECT topic, count FROM revisions WHERE writer = %s"
    return dict(await workshop.rows(sql, writer.id))


async def fold(workshop: Workshop) -> int:
    command = Fold(workshop.writer.id, FOREVER, BY)
    return await workshop.writer.perform(revisions.fold, command)


async def test_what_a_commit_changes_grows_and_nothing_else_does(workshop: Workshop) -> None:
    product_id = await workshop.product()
    before = await current(workshop.database)
    order_id = await workshop.order((product_id, 1))
    after = await current(workshop.database)
    assert {**before, "orders": after["orders"]} == after
    assert after["orders"] > before.get("orders", 0)
    await workshop.confirm(order_id)
    last = await current(workshop.database)
    assert last["stock"] > after["stock"]
    assert last["orders"] > after["orders"]
    assert last["products"] == after["products"]


async def test_a_refusal_makes_no_reader_read_again(workshop: Workshop) -> None:
    product_id = await workshop.product(stock=1)
    order_id = await workshop.order((product_id, 2))
    before = await current(workshop.database)
    assert (await workshop.confirm(order_id, key("k"))).body == b"insufficient_stock"
    assert await current(workshop.database) == before


async def test_the_revision_is_the_sum_over_all_processes(
    workshop: Workshop, neighbour: Workshop
) -> None:
    for shop in (workshop, neighbour, neighbour):
        await shop.product()
    assert (await current(workshop.database))["products"] == 3


async def test_folding_keeps_every_sum(workshop: Workshop, neighbour: Workshop) -> None:
    third = workshop.beside(Writer(workshop.database))
    for shop in (workshop, neighbour, third, third):
        await shop.order((await shop.product(), 1))
    await third.writer.stop()
    before = await current(workshop.database)
    assert await fold(workshop) == len(["commits", "orders", "products", "stock"]) * 2
    assert await current(workshop.database) == before
    for gone in (neighbour, third):
        assert await rows_of(workshop, gone.writer) == {}
    assert await fold(workshop) == 0


async def test_a_fold_leaves_the_rows_of_writers_at_work_alone(
    workshop: Workshop, neighbour: Workshop
) -> None:
    await neighbour.product()
    before = await rows_of(workshop, neighbour.writer)
    command = Fold(workshop.writer.id, 1, BY)
    assert await workshop.writer.perform(revisions.fold, command) == 0
    assert await rows_of(workshop, neighbour.writer) == before


async def test_a_folded_away_writer_goes_on(workshop: Workshop, neighbour: Workshop) -> None:
    product_id = await neighbour.product()
    await neighbour.order((product_id, 1))
    await fold(workshop)
    before = await current(workshop.database)
    assert await neighbour.order((product_id, 1)) > 1  # a number may be skipped on the way
    after = await current(workshop.database)
    assert after == {**before, "orders": before["orders"] + 1}


async def test_a_writer_goes_on_when_only_an_idle_topic_of_it_was_folded_away(
    workshop: Workshop, neighbour: Workshop
) -> None:
    await neighbour.product()
    sql = "UPDATE revisions SET touched_at = 0 WHERE writer = %s AND topic = 'products'"
    async with link_to(workshop.database) as link:
        await link.run(lambda: link.change(sql, (neighbour.writer.id,)))
    command = Fold(workshop.writer.id, 1, BY)
    assert await workshop.writer.perform(revisions.fold, command) == 1
    await neighbour.product()
    assert (await current(workshop.database))["products"] == 2


async def test_a_fold_and_the_writer_it_folds_may_meet(
    workshop: Workshop, neighbour: Workshop
) -> None:
    product_id = await neighbour.product()
    for _ in range(10):
        await asyncio.gather(fold(workshop), *(neighbour.order((product_id, 1)) for _ in range(3)))
    assert await workshop.count("orders") == 30
    await workshop.assert_sound()


async def test_a_first_transaction_that_changes_nothing_does_not_harm_the_second(
    workshop: Workshop, neighbour: Workshop
) -> None:
    """A stored refusal touches no topic, and still numbers its transaction."""
    order_id = await neighbour.order((await neighbour.product(stock=1), 2))
    assert (await workshop.confirm(999)).body == b"not_found"
    assert (await workshop.confirm(order_id, key("k"))).body == b"insufficient_stock"


async def turned(link: Link, bookmark: Bookmark, *, commit: bool) -> None:
    async def work() -> None:
        tx = Transaction(link, 1)
        tx.touched.add("orders")
        await link.begin()
        await bookmark.turn(tx)
        await tx.settle()
        await (link.commit() if commit else link.rollback())

    await link.run(work)
    if not commit:
        bookmark.forget()


async def test_the_bookmark_tells_whether_the_last_commit_arrived(database: Database) -> None:
    bookmark = Bookmark(7)
    async with link_to(database) as link:
        for commit in (False, True, False, False, True, True, False):
            await turned(link, bookmark, commit=commit)
            assert await link.run(lambda: bookmark.arrived(link)) == commit


@pytest.mark.parametrize("database_kind", ["mariadb"])
async def test_the_bookmark_waits_for_the_session_that_may_still_commit(
    workshop: Workshop, database: Database
) -> None:
    bookmark = Bookmark(7)
    async with link_to(database) as link, link_to(database) as asking:
        for first in (True, False):
            tx = Transaction(link, 1)
            await link.begin()
            await bookmark.turn(tx)
            await tx.settle()
            answer = asyncio.create_task(bookmark.arrived(asking))
            await someone_waits(workshop, ARRIVAL)
            assert not answer.done(), first
            await link.commit()
            assert await answer
