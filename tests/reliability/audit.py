"""Looks at the service's database from outside: does everything add up?"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection

from leafcraft import times
from leafcraft.config import EMBEDDED_DATABASE
from leafcraft.db import Database, Reader, ids
from leafcraft.verify import verify
from tests.harness.service import Service


async def assert_sound(service: Service) -> None:
    """What `leafcraft verify` checks, without the start of another process."""
    database = _database_of(service)
    try:
        broken = [finding for finding in await verify(database) if finding.discrepancies]
    finally:
        await database.close()
    assert broken == []


async def statuses(service: Service, product_ids: Sequence[int]) -> Mapping[int, str]:
    """Every order of these products with its status, as it is stored."""
    rows = await _rows(
        service,
        "SELECT id, status FROM orders WHERE id IN"
        f" (SELECT order_id FROM order_lines WHERE product_id IN {ids(product_ids)})",
    )
    return dict(cast("Sequence[tuple[int, str]]", rows))


async def moved_by_hand(service: Service, product_ids: Sequence[int]) -> Mapping[int, int]:
    """Every movement of these products that no order and no opening made, with what it changed on hand."""
    rows = await _rows(
        service,
        "SELECT id, on_hand_delta FROM stock_movements"
        f" WHERE product_id IN {ids(product_ids)} AND order_id IS NULL"
        " AND (reason IS NULL OR reason <> 'opening stock')",
    )
    return dict(cast("Sequence[tuple[int, int]]", rows))


async def parcels(service: Service, product_ids: Sequence[int]) -> Mapping[str, set[int]]:
    """The ids of all fulfillments of these products, of those undone, and of the returns."""
    of = f"SELECT {{0}}_id FROM {{0}}_lines WHERE product_id IN {ids(product_ids)}"
    sent = await _rows(
        service,
        f"SELECT id, undone_at FROM fulfillments WHERE id IN ({of.format('fulfillment')})",
    )
    back = await _rows(service, f"SELECT id FROM returns WHERE id IN ({of.format('return')})")
    return {
        "fulfillments": {number for number, _ in sent},
        "undone": {number for number, undone_at in sent if undone_at is not None},
        "returns": {number for (number,) in back},
    }


async def releases(service: Service, product_ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
    """Of each order that gave something of these products back: in how many movements, and how much."""
    rows = await _rows(
        service,
        "SELECT order_id, COUNT(*), -SUM(reserved_delta) FROM stock_movements"
        f" WHERE product_id IN {ids(product_ids)} AND kind = 'release' GROUP BY order_id",
    )
    return {order_id: (int(times), int(units)) for order_id, times, units in rows}


async def overdue(service: Service) -> int:
    """Holds that ended more than a moment ago, and wait for the sweeper still."""
    moment = times.now() - times.MICROS_PER_SECOND // 10
    ((count,),) = await _rows(service, f"SELECT COUNT(*) FROM holds WHERE expires_at < {moment}")
    return int(count)


async def move_ends(service: Service, ends: Mapping[int, int]) -> None:
    """Lets the holds of these orders end at other moments, as if they had been asked for so."""
    wanted = ids(ends)
    case = " ".join(f"WHEN {int(order)} THEN {int(end)}" for order, end in ends.items())
    products = f"(SELECT product_id FROM order_lines WHERE order_id IN {wanted})"

    def change(connection: Connection) -> None:
        for table, key in (("orders", "id"), ("reservations", "order_id"), ("holds", "order_id")):
            connection.exec_driver_sql(
                f"UPDATE {table} SET expires_at = CASE {key} {case} END WHERE {key} IN {wanted}"
            )
        connection.exec_driver_sql(
            f"UPDATE stock_levels SET held_until = {min(ends.values())} WHERE product_id IN {products}"
        )
        connection.commit()

    database = _database_of(service)
    try:
        await database.alter(change)
    finally:
        await database.close()


async def _rows(service: Service, sql: str) -> Sequence[tuple[Any, ...]]:
    async def load(reader: Reader) -> Sequence[tuple[Any, ...]]:
        return await reader.fetch(sql)

    database = _database_of(service)
    try:
        return await database.read(load)
    finally:
        await database.close()


def _database_of(service: Service) -> Database:
    address = service.environment().get("LEAFCRAFT_DATABASE_URL", EMBEDDED_DATABASE)
    return Database(address, service.data_dir)
