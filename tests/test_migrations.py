"""The schema's history: one line of steps that every database can walk, whoever else walks it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from leafcraft import migrations
from leafcraft.db import Base, Database
from leafcraft.errors import StartError
from leafcraft.verify import verify
from tests.builders import found, open_shop, problem, settings_of, signed_in

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def database_at(url: str) -> AsyncIterator[Database]:
    database = Database(url, Path())
    try:
        yield database
    finally:
        await database.close()


async def test_an_empty_database_is_brought_up_to_date_in_one_go(blank_database_url: str) -> None:
    async with database_at(blank_database_url) as database:
        assert await migrations.current(database) is None
        assert await migrations.migrate(database) == (None, migrations.newest())
        assert await migrations.current(database) == migrations.newest()
        assert await migrations.migrate(database) == (migrations.newest(), migrations.newest())


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


async def test_the_models_are_what_the_migrations_make(database_url: str) -> None:
    async with database_at(database_url) as database:
        assert await database.inspect(differences) == []


def guards(connection: Connection) -> dict[str, set[str | None]]:
    """Check constraints by table: autogenerate does not compare them, and they are the last line."""
    look = inspect(connection)
    return {
        name: {check["name"] for check in look.get_check_constraints(name)}
        for name in Base.metadata.tables
    }


async def test_the_migrations_make_every_check_that_the_models_declare(database_url: str) -> None:
    declared = {
        name: {str(check.name) for check in table.constraints if str(check.name).startswith("ck_")}
        for name, table in Base.metadata.tables.items()
    }
    async with database_at(database_url) as database:
        made = await database.inspect(guards)
    assert any(declared.values())
    for name, checks in declared.items():
        assert checks <= made[name]


async def test_processes_that_migrate_at_once_do_it_once(blank_database_url: str) -> None:
    async def run() -> tuple[str | None, str]:
        async with database_at(blank_database_url) as database:
            return await migrations.migrate(database)

    outcomes = await asyncio.gather(*(run() for _ in range(4)))
    newest = migrations.newest()
    assert sorted(outcomes, key=str) == sorted([(None, newest), *[(newest, newest)] * 3], key=str)


def walk_back(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.downgrade(config, revision)
    connection.commit()


def downgrade(connection: Connection) -> set[str]:
    """Back to nothing; the tables that are left."""
    walk_back(connection, "base")
    return set(inspect(connection).get_table_names())


async def test_every_step_can_be_walked_back_and_forth_again(blank_database_url: str) -> None:
    async with database_at(blank_database_url) as database:
        await migrations.migrate(database)
        assert await database.alter(downgrade) <= {"alembic_version"}
        assert await migrations.migrate(database) == (None, migrations.newest())
        assert await database.inspect(differences) == []


def before_orders_in_depth(connection: Connection) -> None:
    """Back to when an order could be no more than placed, held, confirmed and cancelled."""
    walk_back(connection, "0003")


async def test_a_shop_with_orders_is_brought_up_to_date(
    blank_database_url: str, tmp_path: Path
) -> None:
    """On SQLite their table is made anew, and what refers to it must not mind."""
    settings = settings_of(blank_database_url, tmp_path, auto_migrate=True)
    async with open_shop(settings) as shop:
        tea, mint = await shop.product(stock=9, price=2), await shop.product(stock=9, price=3)
        orders = [await shop.order((tea, 1), (mint, 2)) for _ in range(4)]
        found(await shop.post(f"/orders/{orders[1]['id']}/hold", {"hold_minutes": 60}))
        await shop.confirm(orders[2])
        await shop.cancel(await shop.confirm(orders[3]))
        before = (await shop.get("/orders/")).json()
        sold = (await shop.get("/reports/sales")).json()
    async with database_at(blank_database_url) as database:
        await database.alter(before_orders_in_depth)
        assert await migrations.migrate(database) == ("0003", migrations.newest())
        assert [one for one in await verify(database) if one.discrepancies] == []
        assert await database.inspect(differences) == []
    async with open_shop(settings) as shop:
        assert (await shop.get("/orders/")).json() == before
        assert (await shop.get("/reports/sales")).json() == sold
        counts = found(await shop.get("/orders/counts"))
        assert list(counts.values()) == [2, 1, 0, 1, 0]
        assert (await shop.order((tea, 1)))["id"] > orders[-1]["id"]


def before_browsers(connection: Connection) -> None:
    """Back to when all sessions were those of programs."""
    walk_back(connection, "0004")


async def test_who_is_signed_in_stays_so_when_browsers_come(
    blank_database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(blank_database_url, tmp_path, auto_migrate=True)
    async with open_shop(settings) as shop:
        session = found(await shop.sign_in())
    async with database_at(blank_database_url) as database:
        await database.alter(before_browsers)
        assert await migrations.migrate(database) == ("0004", migrations.newest())
        assert await database.inspect(differences) == []
    async with open_shop(settings) as shop:
        body = {"refresh_token": session["refresh_token"]}
        token = found(await shop.post("/auth/refresh", body))["access_token"]
        rows = (await shop.get("/auth/sessions", headers=signed_in(token))).json()
        kinds = [(row["id"], row["agent"], row["browser"], row["current"]) for row in rows]
        assert kinds[1:] == [(2, "", False, True), (1, "", False, False)]


def from_the_future(connection: Connection) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    connection.commit()


async def test_a_database_of_a_newer_version_is_left_alone(
    blank_database_url: str, tmp_path: Path
) -> None:
    async with database_at(blank_database_url) as database:
        await migrations.migrate(database)
        await database.alter(from_the_future)
        with pytest.raises(StartError, match="newer Leafcraft"):
            await migrations.migrate(database)
        assert await migrations.current(database) == "9999"
    for automatic in (True, False):
        settings = settings_of(blank_database_url, tmp_path, auto_migrate=automatic)
        with pytest.raises(StartError):
            async with open_shop(settings):
                pass


async def test_a_schema_that_is_out_of_date_stops_the_service_unless_it_may_migrate(
    blank_database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(blank_database_url, tmp_path)
    with pytest.raises(StartError, match="run `leafcraft migrate`"):
        async with open_shop(settings):
            pass
    async with open_shop(settings.model_copy(update={"auto_migrate": True})) as shop:
        assert (await shop.get("/readyz")).status_code == 200
        await shop.order((await shop.product(), 1))


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_embedded_database_migrates_by_itself(
    blank_database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(blank_database_url, tmp_path, auto_migrate=None)
    async with open_shop(settings) as shop:
        problem(await shop.get("/orders/1"), 404, "not_found")
        assert found(await shop.get("/readyz"))["schema"] == migrations.newest()
