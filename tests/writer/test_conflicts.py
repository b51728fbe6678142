"""Others hold what a write needs, or the database is gone: tried again, in bounded time, and applied once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from leafcraft import committer
from leafcraft.db import Database, Link, Transaction, sqlite
from leafcraft.db import mysql as mariadb_link
from leafcraft.errors import Code, Refusal
from leafcraft.writer import Writer
from tests.harness.mariadb import USER
from tests.harness.processes import free_port
from tests.writer.workshop import Recorder, Workshop, link_to, marks, same, until

pytestmark = pytest.mark.anyio

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"])
mariadb_only = pytest.mark.parametrize("database_kind", ["mariadb"])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, only shorter."""
    monkeypatch.setattr(committer, "TRY_SECONDS_MAX", 0.3)


@pytest.fixture
def short_lock_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that begin from now on wait one second for a lock."""
    one_second = "SET SESSION innodb_lock_wait_timeout = 1"
    monkeypatch.setattr(mariadb_link, "SESSION", (*mariadb_link.SESSION, one_second))


@pytest.fixture
def busy_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SETUP", (*sqlite.SETUP, "PRAGMA busy_timeout = 5"))


@pytest.fixture
def other_process(database_url: str) -> Iterator[sqlite3.Connection]:
    path = database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


async def tried(record: Recorder, times: int) -> None:
    await until(lambda: len(record.batches) >= times)


@sqlite_only
@pytest.mark.usefixtures("busy_at_once")
async def test_a_busy_file_is_tried_again_until_it_is_free(
    workshop: Workshop, other_process: sqlite3.Connection
) -> None:
    tea = await workshop.product(stock=5)
    order_id = await workshop.order((tea, 2))
    other_process.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(workshop.confirm(order_id))
    await asyncio.sleep(0.05)  # several tries meanwhile; none may give up
    assert not waiting.done()
    other_process.execute("ROLLBACK")
    assert (await waiting).status == 200
    assert await workshop.level(tea) == (5, 2)
    await workshop.assert_sound()


@sqlite_only
@pytest.mark.usefixtures("busy_at_once", "impatient")
async def test_a_file_that_stays_busy_is_given_up_and_nothing_is_applied(
    workshop: Workshop, other_process: sqlite3.Connection
) -> None:
    record = Recorder()
    other_process.execute("BEGIN IMMEDIATE")
    with pytest.raises(Refusal) as refusal:
        await workshop.writer.submit(record, "late", same)
    other_process.execute("ROLLBACK")
    assert refusal.value.code is Code.OVERLOADED
    assert await workshop.writer.submit(record, "later", same) == "later"
    assert await marks(workshop) == ["later"]


class Crossing:
    """Touches one product, tells that it has, waits for the other side, touches another product."""

    def __init__(self, mine: asyncio.Event, theirs: asyncio.Event) -> None:
        self.tries = 0
        self._mine, self._theirs = mine, theirs

    async def __call__(self, tx: Transaction, commands: Sequence[tuple[int, int]]) -> Sequence[int]:
        self.tries += 1
        ((first, second),) = commands
        sql = "UPDATE products SET version = version + 1 WHERE id = %s"
        await tx.change(sql, (first,))
        self._mine.set()
        await self._theirs.wait()
        await tx.change(sql, (second,))
        return [self.tries]


@mariadb_only
async def test_a_deadlock_is_run_again_whole(workshop: Workshop) -> None:
    one, two = await workshop.product(), await workshop.product()
    events = asyncio.Event(), asyncio.Event()
    left, right = Crossing(*events), Crossing(*reversed(events))
    other = Writer(workshop.database)
    try:
        tries = await asyncio.gather(
            workshop.writer.submit(left, (one, two), same), other.submit(right, (two, one), same)
        )
    finally:
        await other.stop()
    assert sorted(tries) == [1, 2]
    assert await workshop.rows("SELECT version FROM products") == [(3,), (3,)]


@asynccontextmanager
async def holding(database: Database, sql: str) -> AsyncIterator[Link]:
    """Another session that holds rows until it is closed."""
    async with link_to(database) as link:
        await link.begin()
        await link.fetch(sql)
        yield link
        await link.rollback()


async def stamp(tx: Transaction, commands: Sequence[int]) -> Sequence[int]:
    """Writes at once, before the actions that come after it in the transaction."""
    sql = "UPDATE products SET version = version + 1 WHERE id = %s"
    return [await tx.change(sql, (product_id,)) for product_id in commands]


@mariadb_only
@pytest.mark.usefixtures("short_lock_waits")
async def test_a_lock_wait_that_times_out_is_run_again_whole(workshop: Workshop) -> None:
    """1205 undoes one statement alone: what the batch did before it must not be done twice."""
    tea, hot = await workshop.product(stock=5), await workshop.product(stock=5)
    ids = [await workshop.order((tea, 1)), await workshop.order((hot, 1))]
    record = Recorder()
    sql = f"SELECT * FROM stock_levels WHERE product_id = {hot} FOR UPDATE"
    async with holding(workshop.database, sql):
        waiting = asyncio.gather(
            workshop.writer.submit(record, "mark", same),
            workshop.writer.submit(stamp, tea, same),
            *map(workshop.confirm, ids),
        )
        await tried(record, 2)
    answers = await waiting
    assert [answer.status for answer in answers[2:]] == [200, 200]
    assert await marks(workshop) == ["mark"]
    assert await workshop.rows("SELECT version FROM products WHERE id = %s", tea) == [(2,)]
    assert await workshop.level(tea) == await workshop.level(hot) == (5, 1)
    await workshop.assert_sound()


@mariadb_only
@pytest.mark.usefixtures("short_lock_waits", "impatient")
async def test_a_lock_that_stays_held_is_given_up_and_nothing_is_applied(
    workshop: Workshop,
) -> None:
    hot = await workshop.product(stock=5)
    order_id = await workshop.order((hot, 1))
    sql = f"SELECT * FROM stock_levels WHERE product_id = {hot} FOR UPDATE"
    async with holding(workshop.database, sql):
        with pytest.raises(Refusal) as refusal:
            await workshop.confirm(order_id)
    assert refusal.value.code is Code.OVERLOADED
    assert await workshop.level(hot) == (5, 0)
    assert (await workshop.confirm(order_id)).status == 200
    await workshop.assert_sound()


@mariadb_only
async def test_nobody_moves_a_level_between_its_reading_and_its_writing(
    workshop: Workshop,
) -> None:
    tea = await workshop.product(stock=5)
    order_id = await workshop.order((tea, 2))
    sql = f"SELECT * FROM stock_levels WHERE product_id = {tea} FOR UPDATE"
    async with holding(workshop.database, sql) as link:
        waiting = asyncio.create_task(workshop.confirm(order_id))
        tampering = "UPDATE stock_levels SET on_hand = 1, seq = seq + 1 WHERE product_id = %s"
        await link.change(tampering, (tea,))
        await link.commit()
    assert (await waiting).body == b"insufficient_stock"
    assert await workshop.level(tea) == (1, 0)


async def hang_up_on_all(database: Database) -> None:
    """The server ends every other session, as it does with idle ones."""
    async with link_to(database) as link:
        others = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = %s"
        for (session,) in await link.fetch(others, (USER,)):
            await link.change(f"KILL {session}")


@mariadb_only
async def test_a_connection_that_was_killed_is_replaced_unnoticed(workshop: Workshop) -> None:
    tea = await workshop.product(stock=5)
    await hang_up_on_all(workshop.database)
    order_id = await workshop.order((tea, 2))
    await hang_up_on_all(workshop.database)
    assert (await workshop.confirm(order_id)).status == 200
    await hang_up_on_all(workshop.database)
    assert await workshop.level(tea) == (5, 2)
    await workshop.assert_sound()


@pytest.mark.parametrize("database_kind", ["mariadb"])
async def test_a_database_that_is_away_is_told_in_bounded_time(
    database_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(committer, "TRY_SECONDS_MAX", 3.0)  # until then all of them have to come
    away = make_url(database_url).set(port=free_port()).render_as_string(hide_password=False)
    database = Database(away, tmp_path)
    writer = Writer(database)
    record = Recorder()
    first = asyncio.create_task(writer.submit(record, 0, same))
    await asyncio.sleep(0.05)  # the first is being tried; the rest will queue behind it
    outcomes = await asyncio.gather(
        first, *(writer.submit(record, n, same) for n in range(1, 600)), return_exceptions=True
    )
    await writer.stop()
    await database.close()
    assert {getattr(outcome, "code", None) for outcome in outcomes} == {Code.DATABASE_UNAVAILABLE}
    assert record.batches == []
    assert waited_in_vain(caplog) == 1


def waited_in_vain(caplog: pytest.LogCaptureFixture) -> int:
    """How often the whole patience with a database was spent."""
    return sum("giving up" in record.getMessage() for record in caplog.records)


class Vanishing(Database):
    """Gives one connection, and then no more."""

    given = False

    async def link(self) -> Link:
        if self.given:
            raise ConnectionRefusedError
        self.given = True
        return await super().link()


@pytest.mark.usefixtures("impatient")
async def test_a_database_that_vanishes_while_a_culprit_is_sought_is_waited_for_once(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else each command of the batch would spend the whole patience in turn."""

    async def die(_tx: Transaction, commands: Sequence[int]) -> Sequence[int]:
        raise ValueError("a defect") if len(commands) > 1 else ConnectionResetError

    database = Vanishing(database_url, tmp_path)
    writer = Writer(database)
    outcomes = await asyncio.gather(
        *(writer.submit(die, n, same) for n in range(12)), return_exceptions=True
    )
    await writer.stop()
    await database.close()
    assert {getattr(outcome, "code", None) for outcome in outcomes} == {Code.DATABASE_UNAVAILABLE}
    assert waited_in_vain(caplog) == 1
