"""Every SQL statement that reports read by: exact however much it comes to, and in every database.

A sum of amounts may be more than 64 bits hold. MariaDB would tell it anyway; SQLite refuses a sum,
and takes a product for a float. So amounts are added in two parts, what is whole of `PART` and the
rest, neither of which can grow so large.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leafcraft.db import Reader
from leafcraft.reports.rules import Days, Place, Sold, added

PART = 10**9
PRODUCT_MINOR_MAX = 10**15
"""The largest worth of a level that a database multiplies itself; larger ones are few."""


async def sales_by_day(reader: Reader, days: Days) -> Mapping[Place, Sold]:
    """What was sold, where anything was; the rows are few, for they are kept by day."""
    rows = await reader.fetch(
        "SELECT day, currency, orders, units, amount_minor, returned_units, returned_minor"
        " FROM sales_days WHERE day >= %s AND day < %s",
        (days.first, days.end),
    )
    return added(((day, currency), Sold(*map(int, sold))) for day, currency, *sold in rows)


class ProductSales(NamedTuple):
    """What was sold of a product, in one currency."""

    product_id: int
    currency: str
    units: int
    amount_minor: int
    returned_units: int
    returned_minor: int

    @property
    def net_minor(self) -> int:
        """Without what came back."""
        return self.amount_minor - self.returned_minor


async def sales_by_product(
    reader: Reader, days: Days, currency: str, *, limit: int
) -> Sequence[ProductSales]:
    """The products that sold for most, in this currency and then in others."""
    sold, back = "(l.quantity - l.cancelled)", "l.returned"
    rows = await reader.fetch(
        "SELECT s.product_id, s.currency, s.units, s.returned_units, s.parts, s.rest,"
        " s.back_parts, s.back_rest FROM (SELECT l.product_id, o.currency,"
        f" SUM({sold}) AS units, SUM({back}) AS returned_units,"
        f" {_in_parts(f'{sold} * l.unit_price_minor', 'parts', 'rest')},"
        f" {_in_parts(f'{back} * l.unit_price_minor', 'back_parts', 'back_rest')}"
        " FROM orders o JOIN order_lines l ON l.order_id = o.id"
        " WHERE o.confirmed_at >= %s AND o.confirmed_at < %s"
        f" GROUP BY l.product_id, o.currency HAVING SUM({sold}) > 0) s"
        " ORDER BY CASE s.currency WHEN %s THEN 0 ELSE 1 END, s.currency,"
        f" s.parts + (s.rest - s.rest %% {PART}) / {PART} DESC, s.rest %% {PART} DESC,"
        f" s.product_id LIMIT {int(limit)}",
        (days.first, days.end, currency),
    )
    return [
        ProductSales(
            number, code, int(units), _whole(*amount), int(returned), _whole(*returned_for)
        )
        for number, code, units, returned, *amounts in rows
        for amount, returned_for in [(amounts[:2], amounts[2:])]
    ]


class Worth(NamedTuple):
    """What lies somewhere, at the products' present prices."""

    units: int = 0
    amount_minor: int = 0

    def plus(self, other: "Worth") -> "Worth":
        return Worth(self.units + other.units, self.amount_minor + other.amount_minor)


class StockValue(NamedTuple):
    products: int
    """How many are on hand at all."""
    places: Mapping[str, Worth]
    """By location: those that are open, or hold something."""


_STOCKED = "stock_levels l JOIN products p ON p.id = l.product_id WHERE l.on_hand > 0"
_FITS = f"p.price_minor <= {PRODUCT_MINOR_MAX} / l.on_hand"


async def stock_value(reader: Reader) -> StockValue:
    """What is on hand times what it costs; what is promised lies there like the rest."""
    worth = await _worth(reader)
    locations = await reader.fetch("SELECT id, code, active FROM locations ORDER BY id")
    ((products,),) = await reader.fetch(
        "SELECT COUNT(DISTINCT product_id) FROM stock_levels WHERE on_hand > 0"
    )
    places = {
        code: worth.get(number, Worth())
        for number, code, active in locations
        if active or number in worth
    }
    return StockValue(products, places)


async def _worth(reader: Reader) -> Mapping[int, Worth]:
    found: dict[int, Worth] = {}
    for rows in (await _ordinary(reader), await _giants(reader)):
        for location_id, worth in rows:
            found[location_id] = found.get(location_id, Worth()).plus(worth)
    return found


async def _ordinary(reader: Reader) -> list[tuple[int, Worth]]:
    rows = await reader.fetch(
        f"SELECT l.location_id, SUM(l.on_hand),"
        f" {_in_parts('l.on_hand * p.price_minor', 'parts', 'rest')}"
        f" FROM {_STOCKED} AND {_FITS} GROUP BY l.location_id"
    )
    return [(at, Worth(int(units), _whole(parts, rest))) for at, units, parts, rest in rows]


async def _giants(reader: Reader) -> list[tuple[int, Worth]]:
    """Levels worth more than a database can be trusted to multiply."""
    rows = await reader.fetch(
        f"SELECT l.location_id, l.on_hand, p.price_minor FROM {_STOCKED} AND NOT {_FITS}"
    )
    return [(at, Worth(units, units * price)) for at, units, price in rows]


def _in_parts(value: str, parts: str, rest: str) -> str:
    """A sum of amounts below 2^63 in two columns. The subtraction makes the division exact: MariaDB
    would round it, and SQLite cut it off."""
    return (
        f"SUM((({value}) - ({value}) %% {PART}) / {PART}) AS {parts},"
        f" SUM(({value}) %% {PART}) AS {rest}"
    )


def _whole(parts: Any, rest: Any) -> int:
    return int(parts) * PART + int(rest)
