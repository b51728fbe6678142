"""Counts and sums that don't scan: each writing process adds what it does to rows of its own.

So no two processes wait for one row, and the sum over all of them is exact at every moment. A
transaction pays one statement for each of the two tables, however many orders it is about.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from leafcraft.db import Transaction, Upsert
from leafcraft.orders.rules import Order
from leafcraft.times import MICROS_PER_DAY


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


def day_of(moment: int) -> int:
    """The first moment of its day, in UTC."""
    return moment - moment % MICROS_PER_DAY


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
    rows = [(tx.writer, status, orders) for status, orders in counts.items() if orders]
    keys = "writer, status"
    columns = "writer, status, orders"
    tx.upsert(Upsert("order_counts", columns, rows, keys, ("orders",), adds=True))


def _sell(tx: Transaction, days: dict[tuple[int, str], Worth]) -> None:
    rows = [(*place, tx.writer, *more) for place, more in days.items() if more != NOTHING]
    keys = "day, currency, writer"
    columns = f"{keys}, {', '.join(Worth._fields)}"
    tx.upsert(Upsert("sales_days", columns, rows, keys, Worth._fields, adds=True))
