"""What clients can ask about stock, one word each, and a crowd that asks all at once."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import uuid4

from tests.reliability.client import Ask, Client, Reply, create

CLIENTS: Final = 64
MAIN: Final = "main"


class Site(NamedTuple):
    """A location, as the service knows it."""

    id: int
    code: str


def receive(product_id: int, quantity: int, here: str = MAIN, key: str = "") -> Ask:
    return Ask("POST", "/stock/receipts", receipt(product_id, quantity, here), key)


def receipt(product_id: int, quantity: int, here: str = MAIN) -> dict[str, Any]:
    return {"product_id": product_id, "quantity": quantity, "location": here}


def adjust(product_id: int, delta: int, here: str = MAIN, key: str = "") -> Ask:
    body = {"product_id": product_id, "delta": delta, "location": here, "reason": "correction"}
    return Ask("POST", "/stock/adjustments", body, key)


def count(product_id: int, counted: int, expected: int) -> Ask:
    body = {"counted": counted, "expected_on_hand": expected, "reason": "count"}
    return Ask("POST", "/stock/adjustments", {"product_id": product_id, **body})


def transfer(product_id: int, quantity: int, way: tuple[str, str], key: str = "") -> Ask:
    return Ask("POST", "/stock/transfers", carrying(product_id, quantity, way), key)


def carrying(product_id: int, quantity: int, way: tuple[str, str]) -> dict[str, Any]:
    there, here = way
    what = {"product_id": product_id, "quantity": quantity}
    return {**what, "from_location": there, "to_location": here}


def reverse(movement_id: int, key: str = "") -> Ask:
    return Ask("POST", f"/stock/movements/{movement_id}/reverse", None, key)


def activate(site: Site, active: bool) -> Ask:
    return Ask("PATCH", f"/locations/{site.id}", {"active": active})


def holding(lines: Sequence[tuple[int, int]], minutes: int = 60, key: str = "") -> Ask:
    """A new order that holds its stock at once."""
    ask = create(lines, key)
    return Ask(ask.method, ask.path, {**ask.body, "hold_minutes": minutes}, key)


def hold(order_id: int, minutes: int = 60, key: str = "") -> Ask:
    return Ask("POST", f"/orders/{order_id}/hold", {"hold_minutes": minutes}, key, order_id)


async def crowd(client: Client, asks: Iterable[Ask]) -> list[Reply]:
    """All of them, from so many clients at once, each on a connection of its own."""
    free = asyncio.Semaphore(CLIENTS)

    async def one(ask: Ask) -> Reply:
        async with free:
            return await client.ask(ask)

    return list(await asyncio.gather(*map(one, asks)))


async def open_site(client: Client) -> Site:
    """A new location, at the end of the line."""
    code = f"s-{uuid4()}"
    reply = await client.ask(Ask("POST", "/locations/", {"code": code, "priority": 1000}))
    assert reply.status == 201, reply
    return Site(reply.json["id"], code)


async def balances(client: Client, product_id: int) -> dict[str, tuple[int, int]]:
    """On hand and reserved by location."""
    rows = await client.get(f"/stock/levels?product_id={product_id}")
    return {row["location"]: (row["on_hand"], row["reserved"]) for row in rows}


async def total(client: Client, product_id: int) -> tuple[int, int]:
    """On hand and reserved over all locations."""
    found = (await balances(client, product_id)).values()
    return sum(on_hand for on_hand, _ in found), sum(reserved for _, reserved in found)


def moved(reply: Reply) -> list[dict[str, Any]]:
    """The movements that an answer tells of; of a list, those of all that were not refused."""
    told = reply.json
    if reply.status >= 400:
        return []
    if "results" in told:
        return [one for result in told["results"] for one in result.get("movements", ())]
    found: list[dict[str, Any]] = told.get("movements") or [told]
    return found
