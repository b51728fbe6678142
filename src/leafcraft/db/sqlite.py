"""SQLite: one writing connection in a thread of its own, and how every connection is set up."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL

from leafcraft.db.transaction import Append, Link, Revise, Row, Statement, Upsert, Write

T = TypeVar("T")

BUSY_WAIT_MS_MAX = 10_000
DRIVER = "sqlite+aiosqlite"

SETUP = (
    "PRAGMA journal_mode = WAL",
    # FULL: a commit is on the disk before it is acknowledged. Shared by a batch, it costs nothing.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_WAIT_MS_MAX}",
)


@lru_cache(maxsize=512)
def _question_marks(sql: str) -> str:
    return sql.replace("%s", "?")


class SQLiteLink(Link):
    """The writing connection. Its calls never wait, so a whole transaction runs in one thread hop."""

    for_update = ""  # BEGIN IMMEDIATE has locked the database before anything is read
    for_share = ""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, url: URL) -> "SQLiteLink":
        thread = ThreadPoolExecutor(1, thread_name_prefix="leafcraft-writer")
        loop = asyncio.get_running_loop()
        try:
            connection = await loop.run_in_executor(thread, _connect, Path(url.database or ""))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(connection, thread)

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: _drive(work()))

    async def begin(self) -> None:
        # A deferred BEGIN reads first and locks too late: it loses updates without an error.
        self._connection.execute("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        return self._connection.execute(_question_marks(sql), values).fetchall()

    async def insert(self, table: str, columns: str, rows: Sequence[Row]) -> list[int]:
        """The only writer numbers its rows without gaps, so the last number tells them all."""
        if not rows:
            return []
        await self.write(Append(table, columns, rows))
        ((last,),) = self._connection.execute("SELECT last_insert_rowid()").fetchall()
        return list(range(last - len(rows) + 1, last + 1))

    async def write(self, write: Write) -> int:
        match write:
            case Append(table, columns, rows):
                places = ",".join("?" * len(rows[0]))
                sql = f"INSERT INTO {table} ({columns}) VALUES ({places})"
                return self._connection.executemany(sql, rows).rowcount
            case Revise(table, change, rows):
                sets = ", ".join(f"{column} = ?" for column in change.columns)
                guarded = f"{change.where} AND {change.key} = ? AND {change.guard} = ?"
                values = [(*row[2:], row[0], row[1]) for row in rows]
                sql = f"UPDATE {table} SET {sets} WHERE {guarded}"
                return self._connection.executemany(sql, values).rowcount
            case Upsert(table, columns, rows, keys):
                sql = (
                    f"INSERT INTO {table} ({columns}) VALUES ({','.join('?' * len(rows[0]))})"
                    f" ON CONFLICT ({keys}) DO UPDATE SET {_sets(write)}"
                )
                return self._connection.executemany(sql, rows).rowcount
            case Statement(sql, values):
                return self._connection.execute(_question_marks(sql), values).rowcount


def _sets(upsert: Upsert) -> str:
    return upsert.sets.format_map({name: f"excluded.{name}" for name in upsert.changed})


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    set_up(connection)
    return connection


def set_up(connection: sqlite3.Connection) -> None:
    for pragma in SETUP:
        connection.execute(pragma)


def _drive(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that never really waits, here and now, without an event loop."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("an action may await nothing but its transaction")
