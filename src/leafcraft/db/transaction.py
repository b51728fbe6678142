"""The open write transaction that actions work in, and the connection beneath it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]

ROWS_PER_INSERT_MAX = 250
"""Keeps one INSERT far below the 16 MiB packet that MariaDB accepts by default."""


class Source(Protocol):
    """Where rows come from: a transaction or a reader."""

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]: ...


def ids(numbers: Iterable[int]) -> str:
    """`(1,5,9)`: sorted, without repeats, for `IN`. Sorted also means: locked in one order everywhere.

    The numbers stand in the text itself; `int` makes sure that they are nothing else.
    """
    return f"({','.join(map(str, sorted({int(number) for number in numbers})))})"


class Change(NamedTuple):
    """How a bulk update reads its rows of whole numbers: (key, guard, value, value, …).

    A row changes only while its guard column still holds the guard's number.
    """

    key: str
    guard: str
    columns: tuple[str, ...]
    where: str
    """What else picks the rows, as SQL; part of the key, usually."""


class Link(ABC):
    """One writing connection. Values in SQL text are written `%s`, whatever the driver likes."""

    for_update: str
    """What locks the rows of a SELECT; empty where the whole database is locked already."""

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
    async def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs an UPDATE or DELETE; how many rows it found."""

    @abstractmethod
    async def insert(self, table: str, columns: str, rows: Sequence[Row]) -> list[int]:
        """Appends rows in one statement (or few); the numbers the database gave them, in order."""

    @abstractmethod
    async def update(self, table: str, change: "Change", rows: Sequence[tuple[int, ...]]) -> int:
        """Gives many rows new numbers at once, each guarded; how many rows it found."""


class Transaction:
    """One shared transaction: what actions read and write through, never beginning or ending it.

    `now` is the one moment of everything that happens in it. `facts` and `touched` collect what
    the writer adds at the end: event rows, and the topics whose cached reads are stale after it.
    """

    def __init__(self, link: Link, now: int) -> None:
        self.now = now
        self.facts: list[Row] = []
        self.touched: set[str] = set()
        self.for_update = link.for_update
        self._link = link

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        return await self._link.fetch(sql, values)

    async def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs an UPDATE or DELETE; how many rows it found."""
        return await self._link.change(sql, values)

    async def insert(self, table: str, columns: str, rows: Sequence[Row]) -> list[int]:
        """Appends rows; the numbers the database gave them, in order."""
        return await self._link.insert(table, columns, rows) if rows else []

    async def change_exactly(self, expected: int, sql: str, values: Sequence[Any] = ()) -> None:
        """Runs a guarded UPDATE that must find every row it names: the second half of each rule.

        Raises GuardHeld when it doesn't: what was decided a moment ago, on locked rows, no
        longer holds, so the whole transaction must go.
        """
        _all_found(await self._link.change(sql, values), expected, sql)

    async def update_exactly(
        self, table: str, change: Change, rows: Sequence[tuple[int, ...]]
    ) -> None:
        """Gives many rows new numbers at once. Raises GuardHeld unless every guard agrees."""
        if rows:
            _all_found(await self._link.update(table, change, rows), len(rows), table)


class GuardHeld(Exception):
    """A guarded write found fewer rows than the decision before it: this must never happen."""


def _all_found(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise GuardHeld(f"{found} of {expected} rows found: {what[:200]}")
