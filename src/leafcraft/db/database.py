"""The database as the service sees it: reads from a pool, one writing connection on request."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, NullPool, Select, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from leafcraft import times
from leafcraft.db import mysql, sqlite
from leafcraft.db.transaction import Link, Row
from leafcraft.db.troubles import Trouble, trouble_of
from leafcraft.errors import Code, Refusal, StartError

T = TypeVar("T")

READ_TRIES_MAX = 3
READERS_MAX = 8
READER_WAIT_SECONDS_MAX = 5
READER_AGE_SECONDS_MAX = 1800
START_WAIT_SECONDS_MAX = 30
START_PAUSE_SECONDS = 0.5


class Reader:
    """A connection inside a read-only snapshot: several SELECTs through it see one moment, `now`.

    `until` is when that will look different although nothing is written: a hold may end.
    """

    def __init__(self, connection: AsyncConnection, now: int) -> None:
        self.now = now
        self.until = times.NEVER
        self._connection = connection

    def differs_from(self, moment: int) -> None:
        """Notes that what was read looks different from this moment on."""
        self.until = min(self.until, moment)

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        """Rows of SQL text; values are written `%s`, whatever the driver likes, and `%` is `%%`."""
        if self._connection.dialect.paramstyle == "qmark":
            sql = sql.replace("%s", "?").replace("%%", "%")
        found = await self._connection.exec_driver_sql(sql, tuple(values))
        return found.all()

    async def select(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row]:
        found: Sequence[Row] = (await self._connection.execute(statement)).all()
        return found


class Database:
    """Opened once for a process; `close` at its end."""

    def __init__(self, address: str, data_dir: Path, clock: times.Clock = times.now) -> None:
        """Raises StartError when the address is not one of a database that is supported."""
        self.url = _url(address, data_dir)
        self.clock = clock
        self.embedded = self.url.drivername == sqlite.DRIVER
        self._readers = _readers(self.url)
        self.home = Path(self.url.database or "").parent if self.embedded else None
        """The folder of an embedded database; made if need be."""
        if self.home is not None:
            _make(self.home)

    async def read(self, load: Callable[[Reader], Awaitable[T]]) -> T:
        """What `load` returns, from one snapshot. Reads change nothing, so a lost connection is tried again.

        Raises Refusal `database_unavailable` when it stays lost.
        """
        for _ in range(READ_TRIES_MAX):
            try:
                async with self._readers.connect() as connection:
                    return await load(Reader(connection, self.clock()))
            except (SQLAlchemyError, OSError, EOFError) as error:
                if trouble_of(error) is Trouble.OTHER:
                    raise
        raise Refusal(Code.DATABASE_UNAVAILABLE, "The database can't be reached; nothing was read.")

    async def inspect(self, look: Callable[[Connection], T]) -> T:
        """Runs `look` on a reading connection in SQLAlchemy's own style; for schema questions."""
        try:
            async with self._readers.connect() as connection:
                return await connection.run_sync(look)
        except (SQLAlchemyError, OSError, EOFError) as error:
            if trouble_of(error) is Trouble.OTHER:
                raise
            raise Refusal(Code.DATABASE_UNAVAILABLE, "The database can't be reached.") from error

    async def alter(self, change: Callable[[Connection], T]) -> T:
        """Runs `change` on a connection of its own that may alter the schema; it commits itself, after
        a look at what is `unreferred`."""
        engine = create_async_engine(self.url, poolclass=NullPool)
        if self.embedded:
            event.listen(engine.sync_engine, "connect", _set_up_sqlite_alteration)
            event.listen(engine.sync_engine, "begin", _begin_immediate)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(change)
        finally:
            await engine.dispose()

    async def link(self) -> Link:
        """A new writing connection."""
        if self.embedded:
            return await sqlite.SQLiteLink.open(self.url)
        return await mysql.MySQLLink.open(self.url)

    async def wait(self, seconds: float = START_WAIT_SECONDS_MAX) -> None:
        """Returns once the database answers. Raises StartError when it doesn't in time, or says no."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                await (await self.link()).close()
                return
            except Exception as error:
                late = asyncio.get_running_loop().time() >= deadline
                if late or trouble_of(error) is not Trouble.LOST:
                    raise StartError(f"can't open {self.name}: {_reason(error)}") from error
            await asyncio.sleep(START_PAUSE_SECONDS)

    async def shortfalls(self) -> list[str]:
        """Where the server keeps less than the service promises, in words; SQLite is set up by us."""
        if self.embedded:
            return []

        return await self.read(mysql.shortfalls)

    @property
    def name(self) -> str:
        """The address as it may be shown: without the password."""
        if self.embedded:
            return f"SQLite file {self.url.database}"
        return f"{self.url.host}:{self.url.port or 3306}/{self.url.database}"

    async def close(self) -> None:
        await self._readers.dispose()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"LEAFCRAFT_DATA_DIR: can't make {folder}: {error.strerror}") from None


def _url(address: str, data_dir: Path) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        raise StartError("LEAFCRAFT_DATABASE_URL: not a database URL") from None
    backend = url.get_backend_name()
    if backend in {"mysql", "mariadb"}:
        if not url.database:
            raise StartError("LEAFCRAFT_DATABASE_URL: names no database (mysql://…/name)")
        return url.set(drivername=mysql.DRIVER)
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StartError("LEAFCRAFT_DATABASE_URL: SQLite needs a file (sqlite:///leafcraft.db)")
        path = (data_dir / url.database).absolute()
        return url.set(drivername=sqlite.DRIVER, database=str(path))
    raise StartError(f"LEAFCRAFT_DATABASE_URL: {backend} is not supported (sqlite or mysql)")


def _readers(url: URL) -> AsyncEngine:
    pool = {
        "pool_size": READERS_MAX,
        "max_overflow": 0,
        "pool_timeout": READER_WAIT_SECONDS_MAX,
        "pool_recycle": READER_AGE_SECONDS_MAX,
    }
    if url.drivername == sqlite.DRIVER:
        engine = create_async_engine(url, **pool)
        event.listen(engine.sync_engine, "connect", _set_up_sqlite_reader)
        event.listen(engine.sync_engine, "begin", lambda reader: reader.exec_driver_sql("BEGIN"))
        return engine
    limits = {
        "connect_timeout": mysql.CONNECT_SECONDS_MAX,
        "read_timeout": mysql.READ_SECONDS_MAX,
        "init_command": "SET SESSION TRANSACTION READ ONLY",
    }
    # REPEATABLE READ: all SELECTs of one read see the same moment.
    return create_async_engine(url, isolation_level="REPEATABLE READ", connect_args=limits, **pool)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin or commit by itself
    cursor = connection.cursor()
    for pragma in sqlite.SETUP:
        cursor.execute(pragma)
    cursor.close()


def _set_up_sqlite_reader(connection: Any, record: object) -> None:
    _set_up_sqlite(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _set_up_sqlite_alteration(connection: Any, record: object) -> None:
    """SQLite alters a table by making it anew, which no reference to it would survive. Source: "Making
    Other Kinds Of Table Schema Changes", SQLite documentation of ALTER TABLE."""
    _set_up_sqlite(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()


def unreferred(connection: Connection) -> list[str]:
    """The tables with rows that refer to nothing, where the database does not see to that itself."""
    if connection.dialect.name != "sqlite":
        return []
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return sorted({str(row[0]) for row in found})


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reason(error: BaseException) -> str:
    return str(error.args[-1] if error.args else error).splitlines()[0]
