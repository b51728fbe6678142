"""Every SQL statement that shows stock: what there is, what is promised, and how it came to be."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, exists, func, or_, select

from leafcraft.db import Page, Reader, Source, ids, keyset
from leafcraft.stock import promises, store
from leafcraft.stock.promises import ACTIVE
from leafcraft.stock.rules import Location, Reorder
from leafcraft.stock.tables import LevelRow, LocationRow, MovementRow, ReorderRow, ReservationRow
from leafcraft.times import NEVER


class Total(NamedTuple):
    """A product's stock over all locations, and when it is low."""

    on_hand: int
    reserved: int
    reorder: Reorder = Reorder()

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


NOTHING = Total(0, 0)


class ShownLevel(NamedTuple):
    product_id: int
    location_id: int
    location: str
    on_hand: int
    reserved: int


class ShownMovement(NamedTuple):
    id: int
    product_id: int
    location: str
    kind: str
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int
    reserved_after: int
    order_id: int | None
    reason: str | None
    reference: str | None
    note: str | None
    actor: str
    occurred_at: int


class Promised(NamedTuple):
    """What an order has been promised of a product: how much from which location."""

    order_id: int
    expires_at: int
    portions: list[tuple[str, int]]


class Portioned(NamedTuple):
    """So much of an order's line is promised from a location."""

    line_no: int
    product_id: int
    location: str
    quantity: int
    expires_at: int


async def totals(source: Source, product_ids: Iterable[int]) -> Mapping[int, Total]:
    """On hand and reserved of each product, over its locations; holds that have ended don't count."""
    wanted = ids(product_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        "SELECT l.product_id, SUM(l.on_hand), SUM(l.reserved), MIN(l.held_until),"
        " MIN(r.point), MIN(r.quantity) FROM stock_levels l"
        " LEFT JOIN reorder_points r ON r.product_id = l.product_id"
        f" WHERE l.product_id IN {wanted} GROUP BY l.product_id"
    )
    over = await _over(source, [row[0] for row in rows if row[3] <= source.now])
    by_product: dict[int, int] = {}
    for (product_id, _), quantity in over.items():
        by_product[product_id] = by_product.get(product_id, 0) + quantity
    return {
        row[0]: Total(int(row[1]), int(row[2]) - by_product.get(row[0], 0), Reorder(row[4], row[5]))
        for row in rows
    }


async def _over(
    source: Source, product_ids: Sequence[int], moment: int | None = None
) -> Mapping[tuple[int, int], int]:
    """How much, by product and location, is reserved in name only: its holds have ended."""
    found: dict[tuple[int, int], int] = {}
    if product_ids:
        until = source.now if moment is None else moment
        for one in await promises.ended(source, product_ids, until):
            place = (one.product_id, one.location_id)
            found[place] = found.get(place, 0) + one.quantity
    return found


async def mind_holds(reader: Reader) -> None:
    """For whatever shows stock: when the next hold ends, it will look different by itself."""
    rows = await reader.fetch(
        "SELECT MIN(held_until) FROM stock_levels WHERE held_until > %s"
        # Where a hold has ended, and nobody has been there since, the level can't name the next one.
        " UNION ALL SELECT MIN(r.expires_at) FROM stock_levels l"
        " JOIN reservations r ON r.product_id = l.product_id AND r.location_id = l.location_id"
        f" WHERE l.held_until <= %s AND r.state = %s AND r.expires_at > %s AND r.expires_at < {NEVER}",
        (reader.now, reader.now, ACTIVE, reader.now),
    )
    for (moment,) in rows:
        reader.differs_from(moment or NEVER)


def has_stock(product_id: SQLColumnExpression[int], now: int) -> ColumnElement[bool]:
    """A condition for other slices' lists: something of the product is available."""
    over = exists().where(
        ReservationRow.product_id == LevelRow.product_id,
        ReservationRow.location_id == LevelRow.location_id,
        ReservationRow.state == ACTIVE,
        ReservationRow.expires_at <= now,
    )
    free = or_(LevelRow.on_hand > LevelRow.reserved, and_(LevelRow.held_until <= now, over))
    return exists().where(LevelRow.product_id == product_id, free)


_LEVELS = select(
    LevelRow.product_id,
    LevelRow.location_id,
    LocationRow.code,
    LevelRow.on_hand,
    LevelRow.reserved,
    LevelRow.held_until,
).outerjoin(LocationRow, LocationRow.id == LevelRow.location_id)
# Every level has a location. The outer join is for MariaDB, which would begin with the few
# locations otherwise, and sort all that is left of a list for each of its pages.


async def levels_of(reader: Reader, product_id: int) -> list[ShownLevel]:
    """One product's levels; it always has one, so none means that there is no such product."""
    statement = _LEVELS.where(LevelRow.product_id == product_id)
    return await _levels(reader, statement.order_by(LevelRow.location_id))


async def levels_among(reader: Reader, product_ids: Iterable[int]) -> list[ShownLevel]:
    """All levels of these products."""
    return await _levels(reader, _LEVELS.where(LevelRow.product_id.in_(sorted(set(product_ids)))))


async def levels_page(
    reader: Reader, page: Page, *, products: Sequence[int] | None, location: str | None
) -> list[ShownLevel]:
    row, statement = LevelRow, _LEVELS
    if products is not None:
        statement = statement.where(row.product_id.in_(products))
    if location is not None:
        statement = statement.where(LocationRow.code == location)
    columns = {"product_id": row.product_id, "id": row.location_id}
    return await _levels(reader, keyset(statement, columns, page))


async def _levels(reader: Reader, statement: Select[*tuple[Any, ...]]) -> list[ShownLevel]:
    rows = await reader.select(statement)
    over = await _over(reader, [found[0] for found in rows if found[5] <= reader.now])
    return [
        ShownLevel(product_id, at, code, on_hand, reserved - over.get((product_id, at), 0))
        for product_id, at, code, on_hand, reserved, _ in rows
    ]


async def past_levels(reader: Reader, product_id: int, moment: int) -> list[ShownLevel]:
    """What lay where at that moment: the balances after each level's last movement until then."""
    last = (
        select(MovementRow.id)
        .where(
            MovementRow.product_id == LevelRow.product_id,
            MovementRow.location_id == LevelRow.location_id,
            MovementRow.occurred_at <= moment,
        )
        .order_by(MovementRow.occurred_at.desc(), MovementRow.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = await reader.select(
        select(LevelRow.location_id, LocationRow.code, LevelRow.moved_at, last)
        .join(LocationRow, LocationRow.id == LevelRow.location_id)
        .where(LevelRow.product_id == product_id)
        .order_by(LevelRow.location_id)
    )
    balances = await store.movements(reader, [row[3] for row in rows if row[3] is not None])
    over = await _over(reader, [product_id], moment)
    found = []
    for location_id, code, moved_at, number in rows:
        after = balances.get(number)
        on_hand, reserved = (after.on_hand_after, after.reserved_after) if after else (0, 0)
        if moved_at <= moment:  # no movement is dated before the one it follows
            reserved -= over.get((product_id, location_id), 0)
        found.append(ShownLevel(product_id, location_id, code, on_hand, reserved))
    return found


async def promised_page(reader: Reader, page: Page, product_id: int) -> list[Promised]:
    """What is promised of a product, order by order: holds first, in the order in which they end."""
    row = ReservationRow
    promised = (row.product_id == product_id, row.state == ACTIVE, row.expires_at > reader.now)
    orders = select(row.order_id, row.expires_at).where(*promised).distinct()
    columns = {"expires_at": row.expires_at, "id": row.order_id}
    found = {
        order_id: Promised(order_id, expires_at, [])
        for order_id, expires_at in await reader.select(keyset(orders, columns, page))
    }
    portions = await reader.select(
        select(row.order_id, LocationRow.code, row.quantity)
        .join(LocationRow, LocationRow.id == row.location_id)
        .where(*promised, row.order_id.in_(found))
        .order_by(row.order_id, row.line_no, row.location_id)
    )
    for order_id, location, quantity in portions:
        found[order_id].portions.append((location, quantity))
    return list(found.values())


async def promised_to(reader: Reader, order_id: int) -> list[Portioned]:
    """What is promised to an order, line by line, the locations that serve first before the others."""
    row = ReservationRow
    rows = await reader.select(
        select(row.line_no, row.product_id, LocationRow.code, row.quantity, row.expires_at)
        .join(LocationRow, LocationRow.id == row.location_id)
        .where(row.order_id == order_id, row.state == ACTIVE, row.expires_at > reader.now)
        .order_by(row.line_no, LocationRow.priority, row.location_id)
    )
    return [Portioned(*found) for found in rows]


class MovementFilter(NamedTuple):
    """Which movements; None: all."""

    product_id: int | None = None
    order_id: int | None = None
    location: str | None = None
    kind: str | None = None
    since: int | None = None
    until: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        row = MovementRow
        tests: dict[str, Callable[[Any], ColumnElement[bool]]] = {
            "product_id": lambda wanted: row.product_id == wanted,
            "order_id": lambda wanted: row.order_id == wanted,
            "location": lambda wanted: LocationRow.code == wanted,
            "kind": lambda wanted: row.kind == wanted,
            "since": lambda wanted: row.occurred_at >= wanted,
            "until": lambda wanted: row.occurred_at < wanted,
        }
        chosen = {name: wanted for name, wanted in self._asdict().items() if wanted is not None}
        return [tests[name](wanted) for name, wanted in chosen.items()]


async def movements_page(reader: Reader, page: Page, chosen: MovementFilter) -> list[ShownMovement]:
    row = MovementRow
    columns = [
        LocationRow.code if name == "location" else getattr(row, name)
        for name in ShownMovement._fields
    ]
    statement = (
        select(*columns)
        .outerjoin(LocationRow, LocationRow.id == row.location_id)  # as above
        .where(*chosen.conditions())
    )
    order = {"id": row.id, "occurred_at": row.occurred_at}
    return [ShownMovement(*found) for found in await reader.select(keyset(statement, order, page))]


def is_low(now: int) -> ColumnElement[bool]:
    """A condition on the reorder points: no more than that is available. The mark finds the few
    there can be; holds that have just ended may have brought one back up."""
    free = select(func.sum(LevelRow.on_hand - LevelRow.reserved)).where(
        LevelRow.product_id == ReorderRow.product_id
    )
    over = select(func.coalesce(func.sum(ReservationRow.quantity), 0)).where(
        ReservationRow.product_id == ReorderRow.product_id,
        ReservationRow.state == ACTIVE,
        ReservationRow.expires_at <= now,
    )
    left = free.scalar_subquery() + over.scalar_subquery()
    return and_(ReorderRow.low.is_(True), ReorderRow.point >= left)


async def locations_page(reader: Reader, page: Page) -> list[Location]:
    row = LocationRow
    statement = select(*(getattr(row, name) for name in Location._fields))
    columns = {"id": row.id, "priority": row.priority, "code": row.code}
    return [Location(*found) for found in await reader.select(keyset(statement, columns, page))]
