"""What people do in the stockroom, in one word each; and a look into the books behind the service's back."""

from collections.abc import Sequence
from typing import Any

from leafcraft.db import Database
from leafcraft.verify import verify
from tests.builders import Json, Shop, found


async def open_location(shop: Shop, code: str = "annex", **members: Any) -> Json:
    return found(await shop.post("/locations/", {"code": code, **members}), 201)


async def close(shop: Shop, location: Json) -> Json:
    return found(await shop.patch(f"/locations/{location['id']}", {"active": False}))


async def receive(shop: Shop, product: Json, quantity: int, **members: Any) -> Json:
    """The movement of a receipt, into `main` unless said otherwise."""
    body = {"product_id": product["id"], "quantity": quantity, **members}
    return found(await shop.post("/stock/receipts", body), 201)


async def adjust(shop: Shop, product: Json, **members: Any) -> Json:
    """The movement of an adjustment; the reason is a correction unless said otherwise."""
    body = {"product_id": product["id"], "reason": "correction", **members}
    return found(await shop.post("/stock/adjustments", body), 201)


def carrying(product: Json, quantity: int, *, there: str = "main", here: str = "annex") -> Json:
    """The body of a transfer."""
    places = {"from_location": there, "to_location": here}
    return {"product_id": product["id"], "quantity": quantity, **places}


async def transfer(shop: Shop, product: Json, quantity: int, **places: str) -> list[Json]:
    """What left, and what arrived."""
    answer = await shop.post("/stock/transfers", carrying(product, quantity, **places))
    movements: list[Json] = found(answer, 201)["movements"]
    return movements


async def reverse(shop: Shop, movement: Json) -> list[Json]:
    answer = await shop.post(f"/stock/movements/{movement['id']}/reverse")
    movements: list[Json] = found(answer, 201)["movements"]
    return movements


async def balances(shop: Shop, product: Json) -> dict[str, tuple[int, int]]:
    """On hand and reserved of a product, by location."""
    answer = await shop.get("/stock/levels", params={"product_id": product["id"]})
    assert answer.status_code == 200, answer.text
    return {row["location"]: (row["on_hand"], row["reserved"]) for row in answer.json()}


def told(movement: Json) -> tuple[Any, ...]:
    """Kind, place and what it changed."""
    names = ("kind", "location", "on_hand_delta", "reserved_delta", "on_hand_after")
    return tuple(movement[name] for name in names)


def results(found_: Json) -> list[tuple[int, str | None]]:
    """Status and code of each result of a list; each stands at its own place."""
    rows = found_["results"]
    assert [row["index"] for row in rows] == list(range(len(rows)))
    assert all(("movements" in row) != ("problem" in row) for row in rows)
    assert all(row["status_code"] == row.get("problem", {"status": 201})["status"] for row in rows)
    return [(row["status_code"], row.get("problem", {}).get("code")) for row in rows]


def pointers(refused: Json) -> list[str]:
    return [error["pointer"] for error in refused["errors"]]


async def events(shop: Shop, fact: str) -> list[Json]:
    """The events of this type, the oldest first."""
    answer = await shop.get("/events/", params={"type": fact, "sort": "id"})
    assert answer.status_code == 200, answer.text
    rows: list[Json] = answer.json()
    return rows


async def tamper(shop: Shop, *statements: str) -> None:
    """Changes rows behind the service's back; each statement must find some."""
    database = Database(shop.settings.database_url, shop.settings.data_dir)
    link = await database.link()

    async def work() -> None:
        await link.begin()
        for statement in statements:
            assert await link.change(statement) > 0, statement
        await link.commit()

    try:
        await link.run(work)
    finally:
        await link.close()
        await database.close()


async def broken(shop: Shop) -> dict[str, Sequence[str]]:
    """The claims of `leafcraft verify` that don't hold, with what it says about each."""
    database = Database(shop.settings.database_url, shop.settings.data_dir)
    try:
        findings = await verify(database)
    finally:
        await database.close()
    return {one.claim: one.discrepancies for one in findings if one.discrepancies}
