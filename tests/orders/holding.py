"""Words for holds: a shop on a clock that a test moves, where nobody sweeps unless the test says so."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from httpx2 import Response

from leafcraft import times, worker
from leafcraft.app import compose, opened
from leafcraft.cause import SYSTEM
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.orders import holds
from leafcraft.orders.holds import Expire
from leafcraft.verify import verify
from leafcraft.web.call import Runtime
from tests.builders import Clock, Json, Shop, found, open_shop, signed_in, wanted

NEVER_SECONDS = 10.0**9
DAY_MINUTES = 24 * 60
"""How long a test stays signed in."""

MICRO = 1 / times.MICROS_PER_SECOND

HELD_BY_ENDED_HOLDS = (
    "/products/",
    "/products/?in_stock=true",
    "/products/?in_stock=false",
    "/products/?low_stock=true",
    "/products/?low_stock=false",
    "/stock/levels",
    "/stock/low",
    "/orders/",
    "/orders/?status=Pending",
    "/orders/?status=Expired",
)
"""The lists that look different once a hold has ended."""


@asynccontextmanager
async def unswept(settings: Settings, clock: times.Clock) -> AsyncIterator[Shop]:
    """The service with a clock of the test's own; ended holds are written off when somebody comes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "EXPIRE_SECONDS", NEVER_SECONDS)
        async with open_shop(settings, clock) as shop:
            yield shop


@asynccontextmanager
async def beside(shop: Shop, clock: times.Clock) -> AsyncIterator[Runtime]:
    """Another process on the same database, with a clock of its own."""
    async with opened(compose(shop.settings, clock).runtime) as runtime:
        yield runtime


async def later(shop: Shop, clock: Clock, *, hours: float) -> None:
    """Time passes; whoever is signed in signs in again."""
    clock.advance(hours=hours)
    shop.client.headers.update(signed_in(found(await shop.sign_in())["access_token"]))


async def sweep(shop: Shop) -> int:
    """What the worker does every second; how many orders have expired."""
    writer = shop.app.runtime.writer  # type: ignore[attr-defined]
    expired: int = await writer.perform(holds.expire, Expire(SYSTEM))
    return expired


async def place(shop: Shop, minutes: Any, *lines: tuple[Json, int], **options: Any) -> Response:
    """Asks for an order that holds its stock for so many minutes."""
    body = {**wanted(*lines), "hold_minutes": minutes}
    return await shop.post("/orders/", body, **options)


async def held(shop: Shop, minutes: int, *lines: tuple[Json, int]) -> Json:
    """A Pending order that holds its stock."""
    return found(await place(shop, minutes, *lines), 201)


async def hold(shop: Shop, order: Json, minutes: Any, **options: Any) -> Response:
    return await shop.post(f"/orders/{order['id']}/hold", {"hold_minutes": minutes}, **options)


async def stock(shop: Shop, product: Json) -> tuple[int, int, int]:
    """On hand, reserved, available."""
    shown = await shop.reload(product)
    return shown["on_hand"], shown["reserved"], shown["stock_quantity"]


async def location(shop: Shop, code: str, priority: int = 1) -> Json:
    return found(await shop.post("/locations/", {"code": code, "priority": priority}), 201)


async def receive(shop: Shop, product: Json, quantity: int, code: str = "main") -> Json:
    body = {"product_id": product["id"], "quantity": quantity, "location": code}
    return found(await shop.post("/stock/receipts", body), 201)


async def availability(shop: Shop, product: Json) -> Json:
    return found(await shop.get(f"/products/{product['id']}/availability"))


async def stock_at(shop: Shop, product: Json, moment: int | None = None) -> list[tuple[Any, ...]]:
    """(location, on hand, reserved, available) at a moment; None: now."""
    query = {} if moment is None else {"as_of": times.write(moment)}
    shown = found(await shop.get(f"/products/{product['id']}/stock", params=query))
    return balances(shown["levels"])


def balances(levels: Sequence[Json]) -> list[tuple[Any, ...]]:
    return [(one["location"], one["on_hand"], one["reserved"], one["available"]) for one in levels]


async def releases(shop: Shop, order: Json) -> list[tuple[Any, ...]]:
    """Product, units, reason, actor and moment of each release of an order's stock."""
    return [
        (one["product_id"], -one["reserved_delta"], one["reason"], one["actor"], one["occurred_at"])
        for one in await shop.movements(order_id=order["id"], kind="release", limit=500)
    ]


async def facts(shop: Shop, order: Json) -> list[str]:
    """The types of the events about an order, in their order."""
    about = {"subject_type": "order", "subject_id": order["id"], "sort": "id"}
    answer = await shop.get("/events/", params=about)
    assert answer.status_code == 200, answer.text
    return [one["type"] for one in answer.json()]


async def rows(shop: Shop, path: str) -> list[Json]:
    """A whole list, following the `Link` header."""
    shown: list[Json] = []
    place: str | None = path
    while place is not None:
        answer = await shop.get(place)
        assert answer.status_code == 200, answer.text
        shown += answer.json()
        place = next_page(answer)
    return shown


def next_page(answer: Response) -> str | None:
    link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
    return link and link[1]


async def ids(shop: Shop, path: str) -> list[int]:
    return [row["id"] for row in await rows(shop, path)]


async def assert_sound(shop: Shop, clock: times.Clock) -> None:
    """All checks of `leafcraft verify`, at this moment."""
    database = Database(shop.settings.database_url, shop.settings.data_dir, clock)
    try:
        findings = await verify(database)
    finally:
        await database.close()
    assert [finding for finding in findings if finding.discrepancies] == []


def ends(clock: Clock, minutes: int) -> str:
    """The end of a hold that begins now, as it stands on the wire."""
    return times.write(clock.at + minutes * times.MICROS_PER_MINUTE)
