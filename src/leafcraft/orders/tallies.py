"""Counts and sums that don't scan: each writing process adds what it does to rows of its own.

So no two processes wait for one row, and the sum over all of them is exact at every moment. A
transaction pays one statement for each of the two tables, however many orders it is about.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from leafcraft import revisions
from leafcraft.cause import Cause
from leafcraft.db import Row, Statement, Transaction, Upsert, ids
from leafcraft.orders.rules import Order
from leafcraft.times import MICROS_PER_DAY, day_of

NOBODY = 0
"""Whose rows are what was counted by processes that are gone; no process has this number."""
FOLDED_ROWS_MAX = 500
"""Of each table in one transaction, so that no fold holds up the orders."""


class Worth(NamedTuple):
    """What confirmed orders come to: without what was cancelled, and how much of it came back."""

    orders: int = 0
    units: int = 0
    amount_minor: int = 0
    returned_units: int = 0
    returned_minor: int = 0

    def plus(self, other: "Worth", times: int) -> "Worth":
        return Worth(*(one + times * more for one, more in zip(self, other, strict=True)))


NOTHING = Worth()


def worth(order: Order) -> Worth:
    units = amount = returned = returned_minor = 0
    for line in order.lines:
        sold = line.quantity - line.cancelled
        units += sold
        amount += sold * line.unit_price_minor
        returned += line.returned
        returned_minor += line.returned * line.unit_price_minor
    return Worth(1 if units else 0, units, amount, returned, returned_minor)


def note(tx: Transaction, changed: Iterable[tuple[Order | None, Order]]) -> None:
    """Counts orders that came to be, or became something else."""
    counts: Counter[str] = Counter()
    days: dict[tuple[int, str], Worth] = {}
    for before, after in changed:
        counts[after.status.value] += 1
        if before is not None:
            counts[before.status.value] -= 1
            _add(days, before, -1)
        _add(days, after, 1)
    _count(tx, counts)
    _sell(tx, days)


def _add(days: dict[tuple[int, str], Worth], order: Order, times: int) -> None:
    if order.confirmed_at is not None:
        place = (day_of(order.confirmed_at), order.currency)
        days[place] = days.get(place, NOTHING).plus(worth(order), times)


def _count(tx: Transaction, counts: Counter[str]) -> None:
    _add_to(tx, _COUNTS, [(tx.writer, status, n) for status, n in counts.items()])


def _sell(tx: Transaction, days: dict[tuple[int, str], Worth]) -> None:
    _add_to(tx, _DAYS, [(tx.writer, *place, *more) for place, more in days.items()])


class _Tally(NamedTuple):
    """A table of sums: whose they are, of what, and the sums."""

    table: str
    place: tuple[str, ...]
    sums: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return ("writer", *self.place)

    @property
    def columns(self) -> str:
        return ", ".join((*self.keys, *self.sums))


_COUNTS = _Tally("order_counts", ("status",), ("orders",))
_DAYS = _Tally("sales_days", ("day", "currency"), Worth._fields)


def _add_to(tx: Transaction, tally: _Tally, rows: Iterable[Row]) -> None:
    """Adds to what there is; a row of nothing but 0 would be one for nothing."""
    some = [row for row in rows if any(row[len(tally.keys) :])]
    keys = ", ".join(tally.keys)
    tx.upsert(Upsert(tally.table, tally.columns, some, keys, tally.sums, adds=True))


class Fold(NamedTuple):
    """Fold the rows of processes that have long stopped into those of nobody."""

    idle_before: int
    by: Cause


async def fold(tx: Transaction, commands: Sequence[Fold]) -> Sequence[int]:
    """How many rows went: a bounded number each time. The sums stay what they are, so no cached
    read turns stale."""
    return [await _fold(tx, command.idle_before) for command in commands]


async def _fold(tx: Transaction, idle_before: int) -> int:
    """Whoever was only idle goes on in new rows, so it need not be certain who has stopped. The
    days of late are left alone: somebody may be at them, and would have to wait."""
    kept = ids({NOBODY, *await revisions.at_work(tx, idle_before)})
    over = f" AND day < {int(idle_before - MICROS_PER_DAY)}"
    return await _fold_into_one(tx, _COUNTS, f"writer NOT IN {kept}") + await _fold_into_one(
        tx, _DAYS, f"writer NOT IN {kept}{over}"
    )


async def _fold_into_one(tx: Transaction, tally: _Tally, where: str) -> int:
    """Only what was read under lock goes, row by row: a process that wakes up adds to its row
    before, or begins a new one after."""
    found = await tx.fetch(f"SELECT DISTINCT writer FROM {tally.table} WHERE {where}")
    if not found:
        return 0
    rows = await tx.fetch(
        f"SELECT {tally.columns} FROM {tally.table} WHERE {where}"
        f" AND writer IN {ids(n for (n,) in found)} LIMIT {FOLDED_ROWS_MAX}{tx.for_update}"
    )
    width = len(tally.keys)
    sums: dict[Row, Row] = {}
    for row in rows:
        _delete(tx, tally, row[:width])
        place, more = row[1:width], map(int, row[width:])
        before = sums.get(place, (0,) * len(tally.sums))
        sums[place] = tuple(one + other for one, other in zip(before, more, strict=True))
    _add_to(tx, tally, [(NOBODY, *place, *total) for place, total in sorted(sums.items())])
    return len(rows)


def _delete(tx: Transaction, tally: _Tally, key: Row) -> None:
    told = " AND ".join(f"{name} = %s" for name in tally.keys)
    tx.later(Statement(f"DELETE FROM {tally.table} WHERE {told}", key), 1)
