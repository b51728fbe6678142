"""MySQL and MariaDB: one asyncmy connection for the writer, and what the server must promise."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import asyncmy
from asyncmy.constants import CLIENT
from sqlalchemy import URL
from sqlalchemy.dialects.mysql.asyncmy import MySQLDialect_asyncmy

from leafcraft.db.transaction import (
    ROWS_PER_INSERT_MAX,
    Append,
    Link,
    Revise,
    Row,
    Source,
    Statement,
    Upsert,
    Write,
    ids,
)

T = TypeVar("T")

LOCK_WAIT_SECONDS_MAX = 5
READ_SECONDS_MAX = 30
TRANSACTION_SECONDS_MAX = 30
CONNECT_SECONDS_MAX = 5
PACKET_CHARS_MAX = 4 * 1024 * 1024
"""Of statements sent together; MariaDB takes 16 MiB at a time by default."""

SESSION = (
    # READ COMMITTED: a plain read after a lock must see what is committed now, not an old snapshot.
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    # Strict, whatever the server's default: nothing is ever cut off in silence.
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS_MAX}",
)

DRIVER = "mysql+asyncmy"


def connect_arguments(url: URL) -> dict[str, Any]:
    """What asyncmy wants, from a URL: SQLAlchemy's own reading of it, plus bounded waits."""
    _, arguments = MySQLDialect_asyncmy().create_connect_args(url)
    return {
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_SECONDS_MAX,
        "autocommit": True,
        "client_flag": 0,
        **arguments,
    }


class MySQLLink(Link):
    """The writing connection; lives on the event loop, so a lone write pays for no thread."""

    for_update = " FOR UPDATE"
    for_share = " LOCK IN SHARE MODE"

    def __init__(self, connection: Any, id_step: int) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._id_step = id_step
        self._opening = ""

    @classmethod
    async def open(cls, url: URL) -> "MySQLLink":
        arguments = connect_arguments(url)
        arguments["client_flag"] |= CLIENT.MULTI_STATEMENTS
        connection = await asyncmy.connect(**arguments)
        cursor = connection.cursor()
        for statement in SESSION:
            await cursor.execute(statement)
        await cursor.execute("SELECT @@auto_increment_increment")
        ((id_step,),) = await cursor.fetchall()
        return cls(connection, int(id_step))

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        # One time-out around it all: the driver's own would cost a task for every packet it reads.
        async with asyncio.timeout(TRANSACTION_SECONDS_MAX):
            return await work()

    async def begin(self) -> None:
        self._opening = "BEGIN;"  # goes out with the first statement: a round trip less

    async def commit(self) -> None:
        await self._execute("COMMIT")

    async def rollback(self) -> None:
        await self._execute("ROLLBACK")

    async def close(self) -> None:
        self._connection.close()

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        await self._execute(self._cursor.mogrify(sql, tuple(values) or None))
        rows: Sequence[Row] = await self._cursor.fetchall()
        return rows

    async def insert(self, table: str, columns: str, rows: Sequence[Row]) -> list[int]:
        """InnoDB numbers the rows of one VALUES list without gaps and reports the first number.

        Source: MySQL manual, "AUTO_INCREMENT Handling in InnoDB", simple inserts (any lock mode).
        """
        numbers: list[int] = []
        for text, count in _inserts(Append(table, columns, rows)):
            await self._execute(text)
            first = int(self._cursor.lastrowid)
            numbers.extend(range(first, first + count * self._id_step, self._id_step))
        return numbers

    async def write(self, write: Write) -> int:
        (found,) = await self.write_all([write])
        return found

    async def write_all(self, writes: Sequence[Write]) -> list[int]:
        """All in as few packets as they fit: the server works through them while the loop serves others."""
        found = [0] * len(writes)
        packet: list[tuple[int, str]] = []
        size = 0
        for place, write in enumerate(writes):
            for text in self._texts(write):
                if packet and size + len(text) > PACKET_CHARS_MAX:
                    await self._send(packet, found)
                    packet, size = [], 0
                packet.append((place, text))
                size += len(text)
        await self._send(packet, found)
        return found

    async def _execute(self, text: str) -> None:
        """Leaves the cursor at the first result of the text."""
        opening, self._opening = self._opening, ""
        await self._cursor.execute(opening + text)
        if opening:
            await self._cursor.nextset()

    async def _send(self, packet: Sequence[tuple[int, str]], found: list[int]) -> None:
        """Runs the packet's statements; adds what each found at its place."""
        await self._execute(";".join(text for _, text in packet))
        for number, (place, _) in enumerate(packet):
            if number and not await self._cursor.nextset():
                raise AssertionError(f"{number} results for {len(packet)} statements")
            found[place] += int(self._cursor.rowcount)

    def _texts(self, write: Write) -> Iterable[str]:
        match write:
            case Append():
                return (text for text, _ in _inserts(write))
            case Upsert():
                return _upserts(write)
            case Revise():
                return (_update(write),)
            case Statement(sql, values):
                return (self._cursor.mogrify(sql, tuple(values) or None),)


def _inserts(append: Append) -> Iterable[tuple[str, int]]:
    """INSERT statements of a bounded size, each with how many rows it makes."""
    opening = f"INSERT INTO {append.table} ({append.columns}) VALUES "
    part: list[str] = []
    size = 0
    for row in append.rows:
        values = f"({','.join(map(_literal, row))})"
        if part and (len(part) == ROWS_PER_INSERT_MAX or size + len(values) > PACKET_CHARS_MAX):
            yield opening + ",".join(part), len(part)
            part, size = [], 0
        part.append(values)
        size += len(values)
    if part:
        yield opening + ",".join(part), len(part)


def _upserts(upsert: Upsert) -> Iterable[str]:
    sets = upsert.sets.format_map({name: f"VALUES({name})" for name in upsert.changed})
    rows = Append(upsert.table, upsert.columns, upsert.rows)
    return (f"{text} ON DUPLICATE KEY UPDATE {sets}" for text, _ in _inserts(rows))


def _update(revise: Revise) -> str:
    """One statement with a CASE a column: executemany would pay a round trip a row (27 times slower)."""
    table, change, rows = revise
    sets = ", ".join(
        f"{column} = {_case(change.key, rows, place)}"
        for place, column in enumerate(change.columns, start=2)
    )
    return (
        f"UPDATE {table} SET {sets} WHERE {change.where}"
        f" AND {change.key} IN {ids(row[0] for row in rows)}"
        f" AND {change.guard} = {_case(change.key, rows, 1)}"
    )


def _literal(value: object) -> str:
    """A value as SQL. Texts and bytes go as hexadecimal: nothing to escape, so nothing to get wrong,
    and four times cheaper than the driver's escaping."""
    if type(value) is int:  # most values are; an exact check is the cheapest
        return str(value)
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return f"x'{value.encode().hex()}'"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, bool):
        return "1" if value else "0"
    raise TypeError(f"no column takes a {type(value).__name__}")


def _case(key: str, rows: Sequence[tuple[int, ...]], place: int) -> str:
    values = {row[place] for row in rows}
    if len(values) == 1:
        return str(int(values.pop()))
    whens = " ".join(f"WHEN {int(row[0])} THEN {int(row[place])}" for row in rows)
    return f"CASE {key} {whens} END"


async def shortfalls(source: Source) -> list[str]:
    """Where the server promises less than the service does; empty when all is well."""
    variables = (
        "'innodb_flush_log_at_trx_commit','log_bin','sync_binlog','innodb_doublewrite',"
        "'check_constraint_checks'"
    )
    rows = await source.fetch(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({variables})")
    found = {str(name): str(value).upper() for name, value in rows}
    complaints = []
    if found.get("innodb_flush_log_at_trx_commit") != "1":
        complaints.append(
            "innodb_flush_log_at_trx_commit is not 1: a crash loses acknowledged writes"
        )
    if found.get("log_bin") == "ON" and found.get("sync_binlog") == "0":
        complaints.append("sync_binlog is 0: replicas may lose acknowledged writes")
    if found.get("innodb_doublewrite") == "OFF":
        complaints.append("innodb_doublewrite is off: a torn page can't be repaired")
    if found.get("check_constraint_checks") == "OFF":
        complaints.append(
            "check_constraint_checks is off: the last guard against overselling is gone"
        )
    return complaints
