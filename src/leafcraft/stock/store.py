"""Every SQL statement of stock: levels are read under lock and written under guard, the ledger is only added to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, select

from leafcraft.db import Change, Page, Reader, Revise, Source, Statement, Transaction, ids, keyset
from leafcraft.stock.rules import Level, Movement, Reservation, ReservationState
from leafcraft.stock.tables import LevelRow, LocationRow, MovementRow

TOPIC = "stock"


class Total(NamedTuple):
    """A product's stock over all locations."""

    on_hand: int
    reserved: int

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
    actor: str
    occurred_at: int


async def lock(tx: Transaction, product_ids: Iterable[int]) -> list[Level]:
    """The levels of these products, locked in the order of product and location."""
    wanted = ids(product_ids)
    if wanted == "()":
        return []
    rows = await tx.fetch(
        "SELECT product_id, location_id, on_hand, reserved, seq FROM stock_levels"
        f" WHERE product_id IN {wanted} ORDER BY product_id, location_id{tx.for_update}"
    )
    return [Level(*row) for row in rows]


def open_levels(tx: Transaction, product_ids: Sequence[int], location_id: int) -> list[Level]:
    """New, empty levels."""
    tx.touched.add(TOPIC)
    rows = [(product_id, location_id, 0, 0, 0) for product_id in product_ids]
    tx.append("stock_levels", "product_id, location_id, on_hand, reserved, seq", rows)
    return [Level(*row) for row in rows]


def save_levels(tx: Transaction, levels: Sequence[Level]) -> None:
    """Writes changed levels, one statement a location. Each row's guard is the movement it was
    read at: should anything have moved since, in spite of the lock, nothing is written at all."""
    tx.touched.add(TOPIC)
    for location_id in sorted({level.location_id for level in levels}):
        change = Change(
            "product_id", "seq", ("on_hand", "reserved", "seq"), f"location_id = {int(location_id)}"
        )
        rows = [
            (level.product_id, level.seq_read, level.on_hand, level.reserved, level.seq)
            for level in levels
            if level.location_id == location_id
        ]
        tx.later(Revise("stock_levels", change, rows), len(rows))
    for level in levels:
        level.seq_read = level.seq


def add_movements(tx: Transaction, movements: Sequence[Movement]) -> None:
    tx.append(
        "stock_movements",
        "product_id, location_id, seq, kind, on_hand_delta, reserved_delta, on_hand_after,"
        " reserved_after, order_id, reason, actor, occurred_at",
        [(*movement, tx.now) for movement in movements],
    )


def add_reservations(tx: Transaction, reservations: Sequence[Reservation]) -> None:
    tx.append(
        "reservations",
        "order_id, line_no, location_id, product_id, quantity, state, created_at, updated_at",
        [(*one, ReservationState.ACTIVE.value, tx.now, tx.now) for one in reservations],
    )


async def active_reservations(
    tx: Transaction, order_ids: Iterable[int]
) -> Mapping[int, list[Reservation]]:
    """What is promised to each of these orders; the orders themselves are locked already."""
    wanted = ids(order_ids)
    found: dict[int, list[Reservation]] = {}
    if wanted == "()":
        return found
    rows = await tx.fetch(
        "SELECT order_id, line_no, location_id, product_id, quantity FROM reservations"
        f" WHERE order_id IN {wanted} AND state = %s ORDER BY order_id, line_no, location_id",
        (ReservationState.ACTIVE.value,),
    )
    for row in rows:
        found.setdefault(row[0], []).append(Reservation(*row))
    return found


def close_reservations(tx: Transaction, released: Sequence[Reservation]) -> None:
    """Marks every reservation of these orders released, exactly once."""
    if not released:
        return
    wanted = ids(one.order_id for one in released)
    close = Statement(
        f"UPDATE reservations SET state = %s, updated_at = %s WHERE order_id IN {wanted} AND state = %s",
        (ReservationState.RELEASED.value, tx.now, ReservationState.ACTIVE.value),
    )
    tx.later(close, len(released))


async def totals(source: Source, product_ids: Iterable[int]) -> Mapping[int, Total]:
    """On hand and reserved of each product, over its locations."""
    wanted = ids(product_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        "SELECT product_id, SUM(on_hand), SUM(reserved) FROM stock_levels"
        f" WHERE product_id IN {wanted} GROUP BY product_id"
    )
    return {
        product_id: Total(int(on_hand), int(reserved)) for product_id, on_hand, reserved in rows
    }


def has_stock(product_id: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """A condition for other slices' lists: something of the product is available."""
    return exists().where(LevelRow.product_id == product_id, LevelRow.on_hand > LevelRow.reserved)


async def levels_page(
    reader: Reader, page: Page, *, product_id: int | None, location: str | None
) -> list[ShownLevel]:
    statement = select(
        LevelRow.product_id,
        LevelRow.location_id,
        LocationRow.code,
        LevelRow.on_hand,
        LevelRow.reserved,
    ).join(LocationRow, LocationRow.id == LevelRow.location_id)
    if product_id is not None:
        statement = statement.where(LevelRow.product_id == product_id)
    if location is not None:
        statement = statement.where(LocationRow.code == location)
    columns = {"product_id": LevelRow.product_id, "id": LevelRow.location_id}
    return [ShownLevel(*row) for row in await reader.select(keyset(statement, columns, page))]


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
    statement = (
        select(
            row.id,
            row.product_id,
            LocationRow.code,
            row.kind,
            row.on_hand_delta,
            row.reserved_delta,
            row.on_hand_after,
            row.reserved_after,
            row.order_id,
            row.reason,
            row.reference,
            row.actor,
            row.occurred_at,
        )
        .join(LocationRow, LocationRow.id == row.location_id)
        .where(*chosen.conditions())
    )
    columns = {"id": row.id, "occurred_at": row.occurred_at}
    return [
        ShownMovement(*found) for found in await reader.select(keyset(statement, columns, page))
    ]
