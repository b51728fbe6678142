"""Looks at the service's database from outside: does everything add up?"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

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
