"""How every connection is set up: durable, strict, locked from the start, and readers that can't write."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from leafcraft.db import Database, Link, Reader, Transaction
from leafcraft.db.mysql import LOCK_WAIT_SECONDS_MAX
from leafcraft.errors import Refusal
from leafcraft.writer import Writer
from tests.harness.mariadb import PrivateMariaDB
from tests.writer.workshop import Workshop, link_to, same

pytestmark = pytest.mark.anyio

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"])
mariadb_only = pytest.mark.parametrize("database_kind", ["mariadb"])

WRITERS = 4
TURNS = 25


async def one(link: Link, sql: str) -> Any:
    ((value,),) = await link.run(lambda: link.fetch(sql))
    return value


@sqlite_only
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
async def test_sqlite_is_durable_and_strict_on_every_connection(
    database: Database, pragma: str, value: object
) -> None:
    async with link_to(database) as link:
        assert await one(link, f"PRAGMA {pragma}") == value

    async def load(reader: Reader) -> Sequence[Any]:
        return await reader.fetch(f"PRAGMA {pragma}")

    assert await database.read(load) == [(value,)]
    altered = await database.alter(lambda connection: connection.scalar(text(f"PRAGMA {pragma}")))
    # While tables are made anew nothing refers to anything; it is looked after at the end.
    assert altered == (0 if pragma == "foreign_keys" else value)


@mariadb_only
async def test_a_mariadb_session_is_strict_and_never_reads_an_old_snapshot(
    database: Database,
) -> None:
    async with link_to(database) as link:
        assert await one(link, "SELECT @@tx_isolation") == "READ-COMMITTED"
        assert await one(link, "SELECT @@innodb_lock_wait_timeout") == LOCK_WAIT_SECONDS_MAX
        modes = set((await one(link, "SELECT @@sql_mode")).split(","))
        assert {"STRICT_ALL_TABLES", "NO_ENGINE_SUBSTITUTION"} <= modes
        assert await one(link, "SELECT @@autocommit") == 1
        assert await one(link, "SELECT @@character_set_client") == "utf8mb4"


@mariadb_only
async def test_what_is_too_long_is_refused_and_not_cut_off(database: Database) -> None:
    async with link_to(database) as link:
        row = ("x" * 65, "main", 0, True, 1, 1)
        with pytest.raises(Exception, match="too long"):
            await link.insert(
                "locations", "code, name, priority, active, created_at, updated_at", [row]
            )


@mariadb_only
async def test_an_update_that_changes_nothing_still_counts_the_rows_it_found(
    workshop: Workshop, database: Database
) -> None:
    product_id = await workshop.product()
    async with link_to(database) as link:
        sql = "UPDATE products SET archived = archived WHERE id = %s"
        assert await link.change(sql, (product_id,)) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock_levels SET on_hand = 99",
        "DELETE FROM products",
        "INSERT INTO revisions VALUES (1, 'x', 1, 1)",
    ],
)
async def test_a_reader_cannot_write(workshop: Workshop, sql: str) -> None:
    product_id = await workshop.product(stock=3)
    with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
        await workshop.rows(sql)
    assert await workshop.level(product_id) == (3, 0)


async def test_a_reader_sees_one_moment_in_all_its_selects(workshop: Workshop) -> None:
    await workshop.product()
    sql = "SELECT COUNT(*) FROM products"

    async def twice(reader: Reader) -> Sequence[Any]:
        before = await reader.fetch(sql)
        await workshop.product()
        return [before, await reader.fetch(sql)]

    before, after = await workshop.database.read(twice)
    assert before == after
    assert await workshop.rows(sql) == [(2,)]


class Counted:
    """Reads a number and writes it back one larger: what loses updates unless the read locks."""

    async def __call__(self, tx: Transaction, commands: Sequence[int]) -> Sequence[int]:
        found = []
        for product_id in commands:
            sql = f"SELECT seq FROM stock_levels WHERE product_id = %s{tx.for_update}"
            ((seq,),) = await tx.fetch(sql, (product_id,))
            await tx.change(
                "UPDATE stock_levels SET seq = %s WHERE product_id = %s", (seq + 1, product_id)
            )
            found.append(seq)
        return found


async def test_many_writers_that_read_and_write_back_lose_no_update(workshop: Workshop) -> None:
    product_id = await workshop.product(stock=0)
    writers = [Writer(workshop.database) for _ in range(WRITERS)]
    count = Counted()

    async def work(writer: Writer) -> list[int]:
        return [await writer.submit(count, product_id, same) for _ in range(TURNS)]

    try:
        found = await asyncio.gather(*map(work, writers))
    finally:
        await asyncio.gather(*(writer.stop() for writer in writers))
    assert sorted(seq for part in found for seq in part) == list(range(WRITERS * TURNS))


@sqlite_only
async def test_a_sqlite_transaction_has_the_lock_before_its_first_read(
    database: Database, database_url: str
) -> None:
    path = database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        async with link_to(database) as link:
            await link.run(link.begin)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            await link.run(link.rollback)
            other.execute("BEGIN IMMEDIATE")
    finally:
        other.close()


@sqlite_only
async def test_an_action_that_waits_for_anything_else_is_refused(workshop: Workshop) -> None:
    async def patient(_tx: Transaction, commands: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0.01)
        return commands

    product_id = await workshop.product()
    with pytest.raises(Refusal):
        await workshop.writer.submit(patient, 1, same)
    assert (await workshop.order((product_id, 1))) == 1


@mariadb_only
async def test_a_server_that_may_forget_what_it_acknowledged_is_told_on(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    assert await database.shortfalls() == []
    mariadb.query("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    mariadb.query("SET GLOBAL check_constraint_checks = 0")
    try:
        complaints = await database.shortfalls()
    finally:
        mariadb.query("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        mariadb.query("SET GLOBAL check_constraint_checks = 1")
    assert len(complaints) == 2
