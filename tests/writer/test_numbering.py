"""The numbers an insert gives back are the numbers that were stored."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest

from leafcraft.db import Database, Transaction
from leafcraft.db.transaction import ROWS_PER_INSERT_MAX
from leafcraft.writer import Writer
from tests.harness.mariadb import PrivateMariaDB
from tests.writer.workshop import Workshop, link_to, same, transaction_on

pytestmark = pytest.mark.anyio

EVENTS = "type, subject_type, subject_id, actor, request_id, address, data, occurred_at"
STEP = 3


def rows(marks: Sequence[int]) -> list[tuple[Any, ...]]:
    return [("mark.made", "mark", mark, "cli", "", "", "{}", 1) for mark in marks]


async def stored(workshop: Workshop) -> dict[int, int]:
    """Each mark with the number of its row."""
    return {mark: id_ for id_, mark in await workshop.rows("SELECT id, subject_id FROM events")}


async def make_marks(tx: Transaction, commands: Sequence[int]) -> Sequence[int]:
    """Each command is a mark; its outcome the number that its row is said to have."""
    return await tx.insert("events", EVENTS, rows(commands))


@pytest.fixture
def steps_of_three(mariadb: PrivateMariaDB) -> Iterator[None]:
    """As on the second of three Galera nodes."""
    mariadb.query(f"SET GLOBAL auto_increment_increment = {STEP}")
    mariadb.query("SET GLOBAL auto_increment_offset = 2")
    yield
    mariadb.query("SET GLOBAL auto_increment_increment = 1")
    mariadb.query("SET GLOBAL auto_increment_offset = 1")


@pytest.mark.parametrize(
    "count", [1, 2, ROWS_PER_INSERT_MAX, ROWS_PER_INSERT_MAX + 1, 2 * ROWS_PER_INSERT_MAX + 7]
)
async def test_rows_get_the_numbers_that_are_stored(workshop: Workshop, count: int) -> None:
    await workshop.writer.submit(make_marks, 1_000_000, same)
    marks = range(count)
    numbers = await asyncio.gather(
        *(workshop.writer.submit(make_marks, mark, same) for mark in marks)
    )
    found = await stored(workshop)
    assert list(numbers) == [found[mark] for mark in marks]


async def test_rows_too_long_for_one_packet_are_stored_all_the_same(workshop: Workshop) -> None:
    text = "é" * 100_000
    long = [("mark.made", "mark", mark, "cli", "", "", text, 1) for mark in range(50)]
    async with link_to(workshop.database) as link:
        await link.run(link.begin)
        numbers = await link.run(lambda: link.insert("events", EVENTS, long))
        await link.run(link.commit)
    found = await stored(workshop)
    assert numbers == [found[mark] for mark in range(50)]
    kept = await workshop.rows("SELECT MIN(data), MAX(data) FROM events WHERE type = 'mark.made'")
    assert [tuple(row) for row in kept] == [(text, text)]


async def test_no_rows_get_no_numbers(database: Database) -> None:
    async with link_to(database) as link, transaction_on(link) as tx:
        assert await tx.insert("events", EVENTS, []) == []


async def test_numbers_are_right_after_rows_that_were_rolled_back(workshop: Workshop) -> None:
    async with link_to(workshop.database) as link:
        async with transaction_on(link) as tx:
            await link.run(lambda: tx.insert("events", EVENTS, rows(range(5))))
        await link.run(link.begin)
        numbers = await link.run(lambda: link.insert("events", EVENTS, rows([7, 8])))
        await link.run(link.commit)
    found = await stored(workshop)
    assert numbers == [found[7], found[8]]


async def test_writers_that_insert_at_once_are_told_their_own_numbers(
    workshop: Workshop,
) -> None:
    writers = [Writer(workshop.database) for _ in range(3)]
    marks = range(3 * 120)

    async def mark(place: int) -> int:
        return await writers[place % 3].submit(make_marks, place, same)

    try:
        numbers = await asyncio.gather(*map(mark, marks))
    finally:
        await asyncio.gather(*(writer.stop() for writer in writers))
    found = await stored(workshop)
    assert numbers == [found[place] for place in marks]


@pytest.mark.usefixtures("steps_of_three")
@pytest.mark.parametrize("database_kind", ["mariadb"])
@pytest.mark.parametrize("count", [1, 3, ROWS_PER_INSERT_MAX + 5])
async def test_numbers_are_right_where_the_server_counts_in_steps(
    workshop: Workshop, count: int
) -> None:
    numbers = await asyncio.gather(
        *(workshop.writer.submit(make_marks, mark, same) for mark in range(count))
    )
    found = await stored(workshop)
    assert list(numbers) == [found[mark] for mark in range(count)]
    assert {later - earlier for earlier, later in pairwise(numbers)} <= {STEP}


@pytest.mark.usefixtures("steps_of_three")
@pytest.mark.parametrize("database_kind", ["mariadb"])
async def test_orders_keep_their_own_lines_where_the_server_counts_in_steps(
    workshop: Workshop,
) -> None:
    products = [await workshop.product(stock=100) for _ in range(3)]
    ids = await asyncio.gather(*(workshop.order((products[n % 3], n + 1)) for n in range(30)))
    found = await workshop.rows("SELECT order_id, product_id, quantity FROM order_lines")
    assert sorted(found) == sorted((ids[n], products[n % 3], n + 1) for n in range(30))
    await workshop.assert_sound()
