"""How the service is: up, ready, and in figures."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from leafcraft import migrations
from leafcraft.db import Database
from tests.builders import Shop, another, found, open_shop, problem
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio


async def test_a_running_process_is_healthy(shared_shop: Shop) -> None:
    assert found(await shared_shop.get("/healthz")) == {"status": "ok"}


async def test_a_shop_with_the_right_schema_and_a_durable_database_is_ready(
    shared_shop: Shop,
) -> None:
    expected = {"status": "ready", "schema": migrations.newest(), "shortfalls": []}
    assert expected.items() <= found(await shared_shop.get("/readyz")).items()


async def test_a_shop_whose_schema_changes_under_it_is_not_ready(
    shop: Shop, database_url: str
) -> None:
    database = Database(database_url, Path())

    async def revise(revision: str) -> None:
        def write(connection: Connection) -> None:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
            connection.commit()

        await database.alter(write)

    try:
        await revise("0000")
        assert (await shop.get("/readyz")).status_code == 503
    finally:
        await revise(migrations.newest())
        await database.close()
    assert (await shop.get("/readyz")).status_code == 200


async def test_requests_are_counted_by_operation_and_status(shop: Shop) -> None:
    def count(text: str) -> float:
        match = re.search(
            r'leafcraft_requests_total\{operation="get_order",status="404"\} (\S+)', text
        )
        return float(match[1]) if match else 0.0

    before = count((await shop.get("/metrics")).text)
    problem(await shop.get("/orders/1"), 404, "not_found")
    assert count((await shop.get("/metrics")).text) == before + 1


async def test_a_path_that_a_stranger_makes_up_makes_no_new_figure(shop: Shop) -> None:
    async with another(shop) as stranger:
        await stranger.get("/made/up/by/me")
        assert "made" not in (await stranger.get("/metrics")).text


async def test_the_figures_can_be_switched_off(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings(metrics=False)) as shop:
        problem(await shop.get("/metrics"), 404, "not_found")
