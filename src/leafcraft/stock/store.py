"""The SQL that changes stock: levels are read under lock and written under guard, the ledger is only added to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from leafcraft.db import Change, Revise, Source, Statement, Transaction, ids
from leafcraft.stock.rules import Kind, Location, Movement, Reorder
from leafcraft.stock.shelf import Level, Watched
from leafcraft.times import NEVER

TOPIC = "stock"


async def lock(
    tx: Transaction, product_ids: Iterable[int]
) -> tuple[list[Level], dict[int, Watched]]:
    """The levels of these products and their reorder points, locked in the order of product and location.

    Who holds a product's levels also holds its reservations: nobody else changes one.
    """
    wanted = ids(product_ids)
    if wanted == "()":
        return [], {}
    rows = await tx.fetch(
        "SELECT l.product_id, l.location_id, l.on_hand, l.reserved, l.seq, l.moved_at, l.held_until,"
        " r.point, r.quantity, r.low FROM stock_levels l"
        " LEFT JOIN reorder_points r ON r.product_id = l.product_id"
        f" WHERE l.product_id IN {wanted} ORDER BY l.product_id, l.location_id{tx.for_update}"
    )
    watched = {
        row[0]: Watched(Reorder(row[7], row[8]), bool(row[9])) for row in rows if row[9] is not None
    }
    return [Level(*row[:7]) for row in rows], watched


async def due(source: Source, limit: int) -> list[int]:
    """The products of which some level may have a hold that has ended."""
    rows = await source.fetch(
        f"SELECT DISTINCT product_id FROM stock_levels WHERE held_until <= %s LIMIT {int(limit)}",
        (source.now,),
    )
    return [product_id for (product_id,) in rows]


async def priorities(tx: Transaction) -> Mapping[int, int]:
    """The locations' priorities, as they happen to be: no decision of safety hangs on them."""
    return dict(await tx.fetch("SELECT id, priority FROM locations"))


def open_levels(tx: Transaction, levels: Sequence[Level]) -> None:
    """Makes levels, empty as yet."""
    if not levels:
        return
    tx.touched.add(TOPIC)
    rows = [(one.product_id, one.location_id, 0, 0, 0, tx.now, NEVER) for one in levels]
    columns = "product_id, location_id, on_hand, reserved, seq, moved_at, held_until"
    tx.append("stock_levels", columns, rows)
    for level in levels:
        level.new = False


def save_levels(tx: Transaction, levels: Sequence[Level]) -> None:
    """Writes changed levels, one statement a location. Each row's guard is the movement it was
    read at: should anything have moved since, in spite of the lock, nothing is written at all."""
    tx.touched.add(TOPIC)
    _revise(
        tx,
        ("on_hand", "reserved", "seq", "moved_at"),
        {level: (level.on_hand, level.reserved, level.seq, level.moved_at) for level in levels},
    )
    for level in levels:
        level.seq_read = level.seq


def save_ends(tx: Transaction, levels: Sequence[Level]) -> None:
    """Notes when the first hold of each level ends."""
    _revise(tx, ("held_until",), {level: (level.held_until,) for level in levels})
    for level in levels:
        level.held_read = level.held_until


def _revise(
    tx: Transaction, columns: tuple[str, ...], news: Mapping[Level, tuple[int, ...]]
) -> None:
    for location_id in sorted({level.location_id for level in news}):
        change = Change("product_id", "seq", columns, f"location_id = {int(location_id)}")
        rows = [
            (level.product_id, level.seq_read, *new)
            for level, new in news.items()
            if level.location_id == location_id
        ]
        tx.later(Revise("stock_levels", change, rows), len(rows))


_MOVEMENT_COLUMNS = ", ".join(Movement._fields)


def add_movements(tx: Transaction, movements: Sequence[Movement]) -> None:
    tx.append("stock_movements", _MOVEMENT_COLUMNS, movements)


async def number_movements(tx: Transaction, movements: Sequence[Movement]) -> list[int]:
    """The same, for whoever has to tell the movements' ids."""
    return await tx.insert("stock_movements", _MOVEMENT_COLUMNS, movements)


async def movements(source: Source, movement_ids: Iterable[int]) -> Mapping[int, Movement]:
    wanted = ids(movement_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        f"SELECT id, {_MOVEMENT_COLUMNS} FROM stock_movements WHERE id IN {wanted}"
    )
    found = {row[0]: Movement(*row[1:]) for row in rows}
    return {number: one._replace(kind=Kind(one.kind)) for number, one in found.items()}


class Link(NamedTuple):
    """`link` is one of `counterpart`, `reverses`, `reversed_by`."""

    movement_id: int
    link: str
    other_id: int


async def links(source: Source, movement_ids: Iterable[int]) -> Mapping[tuple[int, str], int]:
    """What these movements belong to, by movement and kind of link."""
    wanted = ids(movement_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        f"SELECT movement_id, link, other_id FROM movement_links WHERE movement_id IN {wanted}"
    )
    return {(movement_id, link): other_id for movement_id, link, other_id in rows}


def add_links(tx: Transaction, found: Sequence[Link]) -> None:
    tx.append("movement_links", "movement_id, link, other_id", found)


def save_low(tx: Transaction, crossed: Mapping[int, bool]) -> None:
    """Marks products as low, or as low no more."""
    for low in (True, False):
        found = [product_id for product_id, is_low in crossed.items() if is_low is low]
        if found:
            change = Statement(
                f"UPDATE reorder_points SET low = %s WHERE product_id IN {ids(found)}", (low,)
            )
            tx.later(change, len(found))


async def set_reorder(tx: Transaction, news: Mapping[int, Watched]) -> None:
    """Says anew when these products are low; their levels are locked."""
    if not news:
        return
    tx.touched.add(TOPIC)
    await tx.change(f"DELETE FROM reorder_points WHERE product_id IN {ids(news)}")
    rows = [(product_id, *new.reorder, new.low) for product_id, new in news.items()]
    tx.append("reorder_points", "product_id, point, quantity, low", rows)


_LOCATION_COLUMNS = ", ".join(Location._fields)


async def locations(source: Source, codes: Iterable[str], lock: str = "") -> dict[str, Location]:
    """The locations with these codes, as far as they exist."""
    wanted = sorted(set(codes))
    if not wanted:
        return {}
    marks = ",".join(["%s"] * len(wanted))
    rows = await source.fetch(
        f"SELECT {_LOCATION_COLUMNS} FROM locations WHERE code IN ({marks}) ORDER BY id{lock}",
        wanted,
    )
    return {location.code: location for location in map(_location, rows)}


async def locations_by_id(
    source: Source, location_ids: Iterable[int], lock: str = ""
) -> dict[int, Location]:
    wanted = ids(location_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        f"SELECT {_LOCATION_COLUMNS} FROM locations WHERE id IN {wanted} ORDER BY id{lock}"
    )
    return {location.id: location for location in map(_location, rows)}


def _location(row: Sequence[object]) -> Location:
    location = Location(*row)  # type: ignore[arg-type]
    return location._replace(active=bool(location.active))


async def add_location(tx: Transaction, code: str, name: str, *, priority: int) -> Location:
    tx.touched.add(TOPIC)
    rows = [(code, name, priority, True, tx.now, tx.now)]
    (number,) = await tx.insert(
        "locations", "code, name, priority, active, created_at, updated_at", rows
    )
    return Location(number, code, name, priority, active=True)


def save_location(tx: Transaction, location: Location) -> None:
    tx.touched.add(TOPIC)
    change = Statement(
        "UPDATE locations SET name = %s, priority = %s, active = %s, updated_at = %s WHERE id = %s",
        (location.name, location.priority, location.active, tx.now, location.id),
    )
    tx.later(change, 1)


async def holds_stock(tx: Transaction, location_id: int) -> bool:
    rows = await tx.fetch(
        "SELECT 1 FROM stock_levels WHERE location_id = %s AND on_hand > 0 LIMIT 1", (location_id,)
    )
    return bool(rows)


async def skus(source: Source, product_ids: Iterable[int]) -> Mapping[int, str]:
    """What people know these products by: the one thing that stock asks about a product."""
    wanted = ids(product_ids)
    if wanted == "()":
        return {}
    return dict(await source.fetch(f"SELECT id, sku FROM products WHERE id IN {wanted}"))
