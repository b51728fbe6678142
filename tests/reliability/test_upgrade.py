"""A shop that was in use before stock had locations, holds and moments: it goes on, and adds up."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData

from leafcraft import migrations
from leafcraft.db import Database
from leafcraft.verify import verify
from tests.builders import NOON, Shop, found, open_shop, problem, settings_of

pytestmark = pytest.mark.anyio

BEFORE: Final = "0002"
SECOND: Final = 1_000_000


class Entry(NamedTuple):
    """A movement as it was written then: by order (0: none), at so many seconds after noon."""

    product_id: int
    kind: str
    on_hand: int
    reserved: int
    order_id: int
    second: int


LEDGER: Final = (
    Entry(1, "receipt", 10, 0, 0, 0),
    Entry(1, "reserve", 0, 4, 1, 10),
    Entry(1, "reserve", 0, 3, 2, 20),
    Entry(1, "release", 0, -3, 2, 30),
    Entry(2, "receipt", 5, 0, 0, 0),
    Entry(2, "reserve", 0, 5, 1, 10),
)
"""Order 1 is Confirmed, 2 was and is Cancelled; 3 is Pending. Product 3 has never had any stock."""

LEVELS: Final = {1: (10, 4), 2: (5, 5), 3: (0, 0)}
ORDERS: Final = {1: "Confirmed", 2: "Cancelled", 3: "Pending"}
LINES: Final = {1: [(1, 4), (2, 5)], 2: [(1, 3)], 3: [(1, 6)]}


def walk_to_before(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, BEFORE)
    connection.commit()


def fill(connection: Connection, ledger: Sequence[Entry]) -> None:
    """The rows that the service of that time left behind."""
    metadata = MetaData()
    metadata.reflect(connection)

    def insert(table: str, *rows: dict[str, Any]) -> None:
        connection.execute(metadata.tables[table].insert(), list(rows))

    made = {"created_at": NOON, "updated_at": NOON}
    sold = {"price_minor": 100, "archived": False, "version": 1}
    named = [(n, f"tea-{n}") for n in LEVELS]
    insert(
        "products",
        *({"id": n, "sku": t, "sku_key": t, "name": t, **sold, **made} for n, t in named),
    )
    insert("stock_levels", *(level(n, ledger) for n in LEVELS))
    insert("stock_movements", *movements(ledger))
    insert("orders", *(order(n) | made for n in ORDERS))
    insert("order_lines", *(line for n in ORDERS for line in lines(n)))
    states = {1: "active", 2: "released"}
    kept = {"location_id": 1, "expires_at": None, **made}
    reserved = [(n, state, line) for n, state in states.items() for line in lines(n)]
    insert(
        "reservations", *({**r, **kept, "state": state} for _, state, r in map(promised, reserved))
    )
    insert("events", *(event(n, fact) for n in ORDERS for fact in facts(n)))
    connection.commit()


def level(product_id: int, ledger: Sequence[Entry]) -> dict[str, Any]:
    on_hand, reserved = LEVELS[product_id]
    seq = sum(entry.product_id == product_id for entry in ledger)
    balance = {"on_hand": on_hand, "reserved": reserved, "seq": seq}
    return {"product_id": product_id, "location_id": 1, **balance}


def movements(ledger: Sequence[Entry]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for entry in ledger:
        earlier = [row for row in rows if row["product_id"] == entry.product_id]
        rows.append(
            {
                "product_id": entry.product_id,
                "location_id": 1,
                "seq": len(earlier) + 1,
                "kind": entry.kind,
                "on_hand_delta": entry.on_hand,
                "reserved_delta": entry.reserved,
                "on_hand_after": sum(row["on_hand_delta"] for row in earlier) + entry.on_hand,
                "reserved_after": sum(row["reserved_delta"] for row in earlier) + entry.reserved,
                "order_id": entry.order_id or None,
                "actor": "user:1",
                "occurred_at": NOON + entry.second * SECOND,
            }
        )
    return rows


def order(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "status": ORDERS[number],
        "total_minor": sum(quantity * 100 for _, quantity in LINES[number]),
        "currency": "USD",
        "version": 1,
        "confirmed_at": None if number == 3 else NOON,
        "cancelled_at": NOON if number == 2 else None,
    }


def lines(number: int) -> list[dict[str, Any]]:
    return [
        {
            "order_id": number,
            "line_no": line_no,
            "product_id": product_id,
            "quantity": quantity,
            "unit_price_minor": 100,
        }
        for line_no, (product_id, quantity) in enumerate(LINES[number], start=1)
    ]


def promised(found_: tuple[int, str, dict[str, Any]]) -> tuple[int, str, dict[str, Any]]:
    """A reservation has no price."""
    number, state, line = found_
    return number, state, {k: v for k, v in line.items() if k != "unit_price_minor"}


def facts(number: int) -> list[str]:
    later = {1: ["confirmed"], 2: ["confirmed", "cancelled"], 3: []}[number]
    return [f"order.{fact}" for fact in ["created", *later]]


def event(number: int, fact: str) -> dict[str, Any]:
    about = {"type": fact, "subject_type": "order", "subject_id": number}
    by = {"actor": "user:1", "request_id": "then", "address": ""}
    return {**about, **by, "data": "{}", "occurred_at": NOON}


@pytest.fixture
def ledger() -> Sequence[Entry]:
    return LEDGER


@pytest.fixture
async def upgraded(blank_database_url: str, ledger: Sequence[Entry]) -> AsyncIterator[Database]:
    """The shop of then, with the schema of now."""
    database = Database(blank_database_url, Path())
    await database.alter(walk_to_before)
    await database.alter(lambda connection: fill(connection, ledger))
    assert await migrations.migrate(database) == (BEFORE, migrations.newest())
    yield database
    await database.close()


@pytest.fixture
async def shop(
    upgraded: Database,  # noqa: ARG001 what the shop opens
    blank_database_url: str,
    tmp_path: Path,
) -> AsyncIterator[Shop]:
    async with open_shop(settings_of(blank_database_url, tmp_path)) as opened:
        yield opened


async def assert_sound(database: Database) -> None:
    assert [finding for finding in await verify(database) if finding.discrepancies] == []


async def balance(shop: Shop, product_id: int, second: int) -> tuple[int, int]:
    as_of = f"2026-01-01T12:00:{second:02}Z"
    answer = await shop.get(f"/products/{product_id}/stock", params={"as_of": as_of})
    (main,) = found(answer)["levels"]
    return main["on_hand"], main["reserved"]


async def test_whatever_there_was_adds_up(upgraded: Database) -> None:
    await assert_sound(upgraded)


async def test_the_past_before_the_upgrade_can_be_told(shop: Shop) -> None:
    told = [await balance(shop, 1, second) for second in (0, 9, 10, 20, 30, 59)]
    assert told == [(10, 0), (10, 0), (10, 4), (10, 7), (10, 4), (10, 4)]


async def test_what_was_promised_stays_promised_and_can_be_given_back(
    shop: Shop, upgraded: Database
) -> None:
    shown = found(await shop.get("/products/1/availability"))
    assert (shown["on_hand"], shown["reserved"]) == (10, 4)
    (promise,) = shown["reservations"]
    assert (promise["order_id"], promise["quantity"], promise["expires_at"]) == (1, 4, None)
    problem(await shop.post("/orders/1/confirm"), 409, "order_not_pending")
    problem(await shop.post("/orders/2/cancel"), 409, "order_already_cancelled")
    found(await shop.post("/orders/3/confirm"))
    found(await shop.post("/orders/1/cancel"))
    await assert_sound(upgraded)


async def test_what_is_new_works_on_what_is_old(shop: Shop, upgraded: Database) -> None:
    found(await shop.post("/locations/", {"code": "annex"}), 201)
    places = {"from_location": "main", "to_location": "annex"}
    carry = {"product_id": 1, "quantity": 6, **places}
    found(await shop.post("/stock/transfers", carry), 201)
    found(await shop.post("/stock/movements/1/reverse"), 409)
    found(await shop.post("/stock/receipts", {"product_id": 3, "quantity": 2}), 201)
    body = {"items": [{"product_id": 3, "quantity": 2}], "hold_minutes": 1}
    found(await shop.post("/orders/create_order", body), 201)
    found(await shop.post("/orders/3/hold", {"hold_minutes": 1}))
    found(await shop.patch("/products/1", {"reorder_point": 10}))
    await assert_sound(upgraded)


TANGLED: Final = (
    Entry(1, "receipt", 10, 0, 0, 0),
    Entry(1, "reserve", 0, 3, 2, 20),
    Entry(1, "reserve", 0, 4, 1, 10),
    Entry(1, "release", 0, -3, 2, 15),
    *LEDGER[4:],
)
"""Two processes that waited for one level noted when they began, not when it was their turn."""


@pytest.mark.parametrize("ledger", [TANGLED], ids=["tangled"])
async def test_movements_that_were_not_in_the_order_of_their_moments_are_put_in_order(
    upgraded: Database, blank_database_url: str, tmp_path: Path
) -> None:
    await assert_sound(upgraded)
    async with open_shop(settings_of(blank_database_url, tmp_path)) as shop:
        assert await balance(shop, 1, 59) == (10, 4)
