"""The open write transaction that actions work in, and the connection beneath it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]

ROWS_PER_INSERT_MAX = 250
"""Keeps one INSERT far below the 16 MiB packet that MariaDB accepts by default."""


class Source(Protocol):
    """Where rows come from: a transaction or a reader. `now` is the moment of what it tells."""

    now: int

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]: ...


def ids(numbers: Iterable[int]) -> str:
    """`(1,5,9)`: sorted, without repeats, for `IN`. Sorted also means: locked in one order everywhere.

    The numbers stand in the text itself; `int` makes sure that they are nothing else.
    """
    return f"({','.join(map(str, sorted({int(number) for number in numbers})))})"


def digests(found: Iterable[bytes]) -> str:
    """The same for digests: every database reads x'…' as bytes, and there is nothing to escape."""
    literals = ",".join(f"x'{digest.hex()}'" for digest in sorted(set(found)))
    return f"({literals})"


class Change(NamedTuple):
    """How a bulk update reads its rows of whole numbers: (key, guard, value, value, …).

    A row changes only while its guard column still holds the guard's number.
    """

    key: str
    guard: str
    columns: tuple[str, ...]
    where: str
    """What else picks the rows, as SQL; part of the key, usually."""


class Statement(NamedTuple):
    """An UPDATE or DELETE as text."""

    sql: str
    values: Sequence[Any] = ()


class Append(NamedTuple):
    """New rows whose numbers nobody asks for."""

    table: str
    columns: str
    rows: Sequence[Row]


class Revise(NamedTuple):
    """New numbers for many rows, each guarded."""

    table: str
    change: Change
    rows: Sequence[tuple[int, ...]]


class Upsert(NamedTuple):
    """Rows that are made where there are none, and changed where there are: `keys` tell them apart."""

    table: str
    columns: str
    rows: Sequence[Row]
    keys: str
    changed: tuple[str, ...]
    """The columns that an existing row gets anew."""
    adds: bool = False
    """Whether the new values are added to the old ones, instead of taking their place."""

    @property
    def sets(self) -> str:
        """What an existing row's columns become, with the new value of each written `{name}`."""
        old = f"{self.table}.{{0}} + " if self.adds else ""
        return ", ".join(f"{one} = {old.format(one)}{{{one}}}" for one in self.changed)


Write = Statement | Append | Revise | Upsert


class Link(ABC):
    """One writing connection. Values in SQL text are written `%s`, whatever the driver likes."""

    for_update: str
    """What locks the rows of a SELECT; empty where the whole database is locked already."""
    for_share: str
    """What keeps others from changing the rows of a SELECT, while they may do the same."""

    @abstractmethod
    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs a transaction's coroutine where this connection lives: on the loop, or in its thread."""

    @abstractmethod
    async def begin(self) -> None: ...

    @abstractmethod
    async def commit(self) -> None: ...

    @abstractmethod
    async def rollback(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]: ...

    @abstractmethod
    async def insert(self, table: str, columns: str, rows: Sequence[Row]) -> list[int]:
        """Appends rows in one statement (or few); the numbers the database gave them, in order."""

    @abstractmethod
    async def write(self, write: Write) -> int:
        """How many rows it found or made."""

    async def write_all(self, writes: Sequence[Write]) -> list[int]:
        """The same for each, in their order."""
        return [await self.write(write) for write in writes]

    async def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs an UPDATE or DELETE; how many rows it found."""
        return await self.write(Statement(sql, values))


class Transaction:
    """One shared transaction: what actions read and write through, never beginning or ending it.

    `now` is the one moment of everything that happens in it. `facts` and `touched` collect what
    the writer adds at the end: event rows, and the topics whose cached reads are stale after it.
    """

    def __init__(self, link: Link, now: int, writer: int = 0) -> None:
        """`writer` numbers the process: rows that carry it are written by nobody else."""
        self.now = now
        self.writer = writer
        self.facts: list[Row] = []
        self.touched: set[str] = set()
        self.for_update = link.for_update
        self.for_share = link.for_share
        self._link = link
        self._later: list[tuple[Write, int | None]] = []

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        await self.settle()
        return await self._link.fetch(sql, values)

    async def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs an UPDATE or DELETE; how many rows it found."""
        await self.settle()
        return await self._link.change(sql, values)

    async def insert(self, table: str, columns: str, rows: Sequence[Row]) -> list[int]:
        """Appends rows; the numbers the database gave them, in order."""
        await self.settle()
        return await self._link.insert(table, columns, rows) if rows else []

    def later(self, write: Write, expected: int | None) -> None:
        """Writes before anything is read again or committed, together with whatever else waits: a
        round trip for all. It must then find every row it names, the second half of each rule;
        None: however many there are."""
        self._later.append((write, expected))

    def append(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Appends rows, later."""
        if rows:
            self.later(Append(table, columns, rows), len(rows))

    def upsert(self, upsert: Upsert) -> None:
        """Makes rows or changes them, later."""
        if upsert.rows:
            self.later(upsert, None)

    async def settle(self) -> None:
        """Does what was left for later.

        Raises GuardHeld when a write found fewer rows than it must: what was decided a moment
        ago, on locked rows, no longer holds, so the whole transaction must go.
        """
        if not self._later:
            return
        waiting, self._later = self._later, []
        found = await self._link.write_all([write for write, _ in waiting])
        for (write, expected), rows in zip(waiting, found, strict=True):
            if expected is not None and rows != expected:
                raise GuardHeld(f"{rows} of {expected} rows found: {str(write[0])[:200]}")


class GuardHeld(Exception):
    """A guarded write found fewer rows than the decision before it: this must never happen."""
