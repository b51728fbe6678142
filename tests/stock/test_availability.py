"""Availability explains the number: on hand, less each open reservation, is what can be sold."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.builders import Clock, Json, Shop, found, problem
from tests.conftest import MakeSettings
from tests.orders.holding import (
    DAY_MINUTES,
    MICRO,
    availability,
    balances,
    held,
    hold,
    location,
    next_page,
    receive,
    stock,
    unswept,
)

pytestmark = pytest.mark.anyio

IN_TEN = "2026-01-01T12:10:00Z"
IN_TWENTY = "2026-01-01T12:20:00Z"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def still(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Shop]:
    """The service, where ended holds are written off only when somebody comes."""
    async with unswept(make_settings(token_minutes=DAY_MINUTES), clock) as shop:
        yield shop


def told(shown: Json) -> list[tuple[Any, ...]]:
    names = ("order_id", "location", "quantity", "expires_at")
    return [tuple(one[name] for name in names) for one in shown["reservations"]]


def adds_up(shown: Json) -> None:
    """The page shows every reservation, and they are all that is missing from what is on hand."""
    promised = sum(one["quantity"] for one in shown["reservations"])
    assert shown["reserved"] == promised == sum(one["reserved"] for one in shown["levels"])
    assert shown["on_hand"] == sum(one["on_hand"] for one in shown["levels"])
    assert shown["available"] == shown["on_hand"] - promised
    for level in shown["levels"]:
        here = [one for one in shown["reservations"] if one["location"] == level["location"]]
        assert level["reserved"] == sum(one["quantity"] for one in here)
        assert level["available"] == level["on_hand"] - level["reserved"]


async def test_a_product_without_orders_is_wholly_available(still: Shop) -> None:
    tea = await still.product(stock=7)
    assert await availability(still, tea) == {
        "product_id": tea["id"],
        "on_hand": 7,
        "reserved": 0,
        "available": 7,
        "levels": [{"location": "main", "on_hand": 7, "reserved": 0, "available": 7}],
        "reservations": [],
    }


async def test_every_open_reservation_is_named_holds_first_as_they_end(still: Shop) -> None:
    tea, mint = await still.product(stock=20), await still.product(stock=20)
    firm = await still.confirm(await still.order((tea, 3), (mint, 1)))
    late = await held(still, 20, (tea, 4), (mint, 1), (tea, 2))
    early = await held(still, 10, (tea, 1))
    await still.order((tea, 9))
    await still.cancel(await held(still, 10, (tea, 1)))
    await held(still, 10, (mint, 5))
    shown = await availability(still, tea)
    assert told(shown) == [
        (early["id"], "main", 1, IN_TEN),
        (late["id"], "main", 4, IN_TWENTY),
        (late["id"], "main", 2, IN_TWENTY),
        (firm["id"], "main", 3, None),
    ]
    adds_up(shown)
    assert (shown["on_hand"], shown["reserved"], shown["available"]) == (20, 10, 10)
    assert await stock(still, tea) == (20, 10, 10)


async def test_where_stock_is_promised_is_said(still: Shop) -> None:
    await location(still, "attic", priority=2)
    await location(still, "shop", priority=1)
    tea = await still.product(stock=2)
    for code, units in (("attic", 9), ("shop", 3)):
        await receive(still, tea, units, code)
    first, second = await held(still, 10, (tea, 4)), await still.order((tea, 4))
    await still.confirm(second)
    shown = await availability(still, tea)
    assert told(shown) == [
        (first["id"], "main", 2, IN_TEN),
        (first["id"], "shop", 2, IN_TEN),
        (second["id"], "attic", 3, None),
        (second["id"], "shop", 1, None),
    ]
    adds_up(shown)
    levels = [("main", 2, 2, 0), ("attic", 9, 3, 6), ("shop", 3, 3, 0)]
    assert balances(shown["levels"]) == levels


async def test_it_adds_up_at_every_moment(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=20)
    first, second = await held(still, 10, (tea, 5)), await held(still, 20, (tea, 4))
    moments: Sequence[tuple[float, list[int]]] = (
        (600 - MICRO, [1, 2]),
        (MICRO, [2]),
        (600 - MICRO, [2]),
        (MICRO, []),
    )
    for seconds, orders in moments:
        clock.advance(seconds=seconds)
        shown = await availability(still, tea)
        adds_up(shown)
        assert [one["order_id"] for one in shown["reservations"]] == orders
    assert [first["id"], second["id"]] == [1, 2]
    found(await hold(still, await still.order((tea, 20)), 10))
    shown = await availability(still, tea)
    adds_up(shown)
    assert shown["available"] == 0


async def pages(shop: Shop, product: Json, limit: int) -> list[Json]:
    shown: list[Json] = []
    place: str | None = f"/products/{product['id']}/availability?limit={limit}"
    while place is not None:
        answer = await shop.get(place)
        shown.append(found(answer))
        place = next_page(answer)
    return shown


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
async def test_many_orders_come_a_page_at_a_time(still: Shop, limit: int) -> None:
    """Each order is on one page with all it has been promised; the numbers are those of them all."""
    await location(still, "attic", priority=2)
    tea = await still.product(stock=10)
    await receive(still, tea, 90, "attic")
    orders = [await held(still, minutes, (tea, 4), (tea, 1)) for minutes in (30, 10, 20, 10, 20)]
    firm = [await still.confirm(await still.order((tea, 2))) for _ in range(5)]
    by_end = sorted(orders, key=lambda order: (order["expires_at"], order["id"]))
    expected = [order["id"] for order in [*by_end, *firm]]
    shown = await pages(still, tea, limit)
    on_pages = [list(dict.fromkeys(o for o, *_ in told(page))) for page in shown]
    assert [number for page in on_pages for number in page] == expected
    assert all(len(page) == limit for page in on_pages[:-1])
    numbers = {(page["on_hand"], page["reserved"], page["available"]) for page in shown}
    assert numbers == {(100, 35, 65)}
    whole = {**shown[0], "reservations": [one for page in shown for one in page["reservations"]]}
    adds_up(whole)


async def test_pages_go_on_where_they_were_while_holds_end(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=20)
    orders = [await held(still, minutes, (tea, 1)) for minutes in (10, 20, 30)]
    path = f"/products/{tea['id']}/availability?limit=1"
    place = next_page(await still.get(path))
    assert place is not None
    clock.advance(seconds=1200)
    answer = await still.get(place)
    assert [one[0] for one in told(found(answer))] == [orders[2]["id"]]
    assert next_page(answer) is None


@pytest.mark.parametrize("view", ["availability", "stock"])
async def test_a_product_that_is_not_there_is_not_found(shared_shop: Shop, view: str) -> None:
    problem(await shared_shop.get(f"/products/999/{view}"), 404, "not_found")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "sort=id", "as_of=2026-01-01T00:00:00Z", "cursor=x"]
)
async def test_what_it_can_not_be_asked_is_refused(shared_shop: Shop, query: str) -> None:
    product = await shared_shop.product()
    path = f"/products/{product['id']}/availability?{query}"
    problem(await shared_shop.get(path), 422, "validation_error")
