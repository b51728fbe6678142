"""Every SQL statement about reservations: what is promised to orders, and until when."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from leafcraft.db import Change, Revise, Source, Statement, Transaction, Upsert, ids
from leafcraft.stock.rules import Kind, Reservation, ReservationState
from leafcraft.stock.store import TOPIC
from leafcraft.times import NEVER

ACTIVE = ReservationState.ACTIVE.value


def add(tx: Transaction, reservations: Sequence[Reservation]) -> None:
    tx.append(
        "reservations",
        "order_id, line_no, location_id, product_id, quantity, expires_at,"
        " state, created_at, updated_at",
        [(*one, ACTIVE, tx.now, tx.now) for one in reservations],
    )


def put(tx: Transaction, changed: Sequence[tuple[Reservation, ReservationState]]) -> None:
    """Writes reservations as they are now, and what has ended of them, over whatever there is."""
    tx.upsert(
        Upsert(
            "reservations",
            "order_id, line_no, location_id, product_id, quantity, expires_at,"
            " state, created_at, updated_at",
            [(*one, state.value, tx.now, tx.now) for one, state in changed],
            keys="order_id, line_no, location_id",
            changed=("product_id", "quantity", "expires_at", "state", "updated_at"),
        )
    )


async def active(tx: Transaction, order_ids: Iterable[int]) -> Mapping[int, list[Reservation]]:
    """What is promised to each of these orders; their products' levels are locked already."""
    wanted = ids(order_ids)
    found: dict[int, list[Reservation]] = {}
    if wanted == "()":
        return found
    rows = await tx.fetch(
        "SELECT order_id, line_no, location_id, product_id, quantity, expires_at FROM reservations"
        f" WHERE order_id IN {wanted} AND state = %s ORDER BY order_id, line_no, location_id",
        (ACTIVE,),
    )
    for row in rows:
        found.setdefault(row[0], []).append(Reservation(*row))
    return found


def close(tx: Transaction, released: Sequence[Reservation]) -> None:
    """Marks every reservation of these orders released, exactly once."""
    if not released:
        return
    wanted = ids(one.order_id for one in released)
    close = Statement(
        f"UPDATE reservations SET state = %s, updated_at = %s WHERE order_id IN {wanted} AND state = %s",
        (ReservationState.RELEASED.value, tx.now, ACTIVE),
    )
    tx.later(close, len(released))


def expire(tx: Transaction, expired: Sequence[Reservation]) -> None:
    """Marks all holds of these products that have ended by now, exactly once."""
    if not expired:
        return
    orders = ids(one.order_id for one in expired)
    products = ids(one.product_id for one in expired)
    close = Statement(
        "UPDATE reservations SET state = %s, updated_at = %s"
        f" WHERE order_id IN {orders} AND product_id IN {products} AND state = %s AND expires_at <= %s",
        (ReservationState.EXPIRED.value, tx.now, ACTIVE, tx.now),
    )
    tx.later(close, len(expired))


class End(NamedTuple):
    """An order's reservations end at another moment than they did."""

    order_id: int
    before: int
    after: int


def move_ends(tx: Transaction, ends: Sequence[End], reservations: int) -> None:
    """Holds that are prolonged, or become firm; so many reservations in all."""
    if ends:
        tx.touched.add(TOPIC)
        change = Change("order_id", "expires_at", ("expires_at",), f"state = '{ACTIVE}'")
        tx.later(Revise("reservations", change, ends), reservations)


async def ended(source: Source, product_ids: Iterable[int], moment: int) -> list[Reservation]:
    """The holds of these products that have ended by then, and are still to be written off."""
    wanted = ids(product_ids)
    if wanted == "()":
        return []
    rows = await source.fetch(
        "SELECT order_id, line_no, location_id, product_id, quantity, expires_at FROM reservations"
        f" WHERE product_id IN {wanted} AND state = %s AND expires_at <= %s",
        (ACTIVE, moment),
    )
    return [Reservation(*row) for row in rows]


async def next_ends(tx: Transaction, product_ids: Iterable[int]) -> Mapping[tuple[int, int], int]:
    """When the first of the running holds ends, by product and location."""
    rows = await tx.fetch(
        "SELECT product_id, location_id, MIN(expires_at) FROM reservations"
        f" WHERE product_id IN {ids(product_ids)} AND state = %s AND expires_at > %s"
        f" AND expires_at < {NEVER} GROUP BY product_id, location_id",
        (ACTIVE, tx.now),
    )
    return {(product_id, location_id): end for product_id, location_id, end in rows}


async def demand(source: Source, product_ids: Iterable[int], since: int) -> Mapping[int, int]:
    """Units of each product promised to orders since then, less what those orders gave back, or will
    have given back with the end of a hold as soon as anybody comes to write it down."""
    wanted = ids(product_ids)
    if wanted == "()":
        return {}
    sites = ids(row[0] for row in await source.fetch("SELECT id FROM locations"))
    rows = await source.fetch(
        "SELECT product_id, SUM(reserved_delta) FROM stock_movements m"
        f" WHERE product_id IN {wanted} AND location_id IN {sites} AND occurred_at >= %s"
        " AND (kind = %s OR kind = %s AND EXISTS (SELECT 1 FROM reservations r"
        " WHERE r.order_id = m.order_id AND r.product_id = m.product_id AND r.created_at >= %s))"
        " GROUP BY product_id UNION ALL SELECT product_id, -SUM(quantity) FROM reservations"
        f" WHERE product_id IN {wanted} AND state = %s AND expires_at <= %s AND created_at >= %s"
        " GROUP BY product_id",
        (since, Kind.RESERVE.value, Kind.RELEASE.value, since, ACTIVE, source.now, since),
    )
    found: dict[int, int] = {}
    for product_id, units in rows:
        found[product_id] = found.get(product_id, 0) + int(units)
    return found
