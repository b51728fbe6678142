"""The end of a hold: from that very moment it counts no more, whether or not anybody sweeps."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.builders import Clock, Json, Shop, found, problem
from tests.orders.holding import (
    HELD_BY_ENDED_HOLDS,
    MICRO,
    assert_sound,
    availability,
    balances,
    facts,
    held,
    hold,
    ids,
    location,
    place,
    releases,
    rows,
    stock,
    stock_at,
    sweep,
)

pytestmark = pytest.mark.anyio

END = "2026-01-01T12:10:00Z"


async def shown(shop: Shop, product: Json, order: Json) -> dict[str, Any]:
    """Everything that tells of the hold, by what it is read from."""
    number = product["id"]
    open_now = await availability(shop, product)
    return {
        "product": await stock(shop, product),
        "products": [one["reserved"] for one in await rows(shop, "/products/")],
        "in stock": await ids(shop, "/products/?in_stock=true"),
        "sold out": await ids(shop, "/products/?in_stock=false"),
        "low": await ids(shop, "/products/?low_stock=true"),
        "not low": await ids(shop, "/products/?low_stock=false"),
        "to reorder": [one["product_id"] for one in await rows(shop, "/stock/low")],
        "advised": found(await shop.get(f"/products/{number}/reorder"))["reserved"],
        "levels": balances(await rows(shop, f"/stock/levels?product_id={number}")),
        "all levels": balances(await rows(shop, "/stock/levels")),
        "stock": await stock_at(shop, product),
        "availability": (open_now["reserved"], open_now["available"]),
        "promised": [one["order_id"] for one in open_now["reservations"]],
        "order": (await shop.reload(order))["status"],
        "orders": [one["status"] for one in await rows(shop, "/orders/")],
        "Pending": await ids(shop, "/orders/?status=Pending"),
        "Expired": await ids(shop, "/orders/?status=Expired"),
    }


def while_it_runs(tea: int, order: int) -> dict[str, Any]:
    return {
        "product": (5, 5, 0),
        "products": [5],
        "in stock": [],
        "sold out": [tea],
        "low": [tea],
        "not low": [],
        "to reorder": [tea],
        "advised": 5,
        "levels": [("main", 5, 5, 0)],
        "all levels": [("main", 5, 5, 0)],
        "stock": [("main", 5, 5, 0)],
        "availability": (5, 0),
        "promised": [order],
        "order": "Pending",
        "orders": ["Pending"],
        "Pending": [order],
        "Expired": [],
    }


def once_it_has_ended(tea: int, order: int) -> dict[str, Any]:
    return {
        "product": (5, 0, 5),
        "products": [0],
        "in stock": [tea],
        "sold out": [],
        "low": [],
        "not low": [tea],
        "to reorder": [],
        "advised": 0,
        "levels": [("main", 5, 0, 5)],
        "all levels": [("main", 5, 0, 5)],
        "stock": [("main", 5, 0, 5)],
        "availability": (0, 5),
        "promised": [],
        "order": "Expired",
        "orders": ["Expired"],
        "Pending": [],
        "Expired": [order],
    }


async def test_every_read_changes_at_the_moment_a_hold_ends(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5, reorder_point=2)
    order = await held(still, 10, (tea, 5))
    number = order["id"]
    clock.advance(seconds=600 - MICRO)
    assert await shown(still, tea, order) == while_it_runs(tea["id"], number)
    clock.advance(seconds=MICRO)  # each was cached just before
    assert await shown(still, tea, order) == once_it_has_ended(tea["id"], number)
    assert await releases(still, order) == []
    assert await sweep(still) == 1
    assert await shown(still, tea, order) == once_it_has_ended(tea["id"], number)
    await assert_sound(still, clock)


async def test_every_read_changes_with_each_of_several_holds(still: Shop, clock: Clock) -> None:
    """The second ends while the first has not been written off yet."""
    tea = await still.product(stock=5, reorder_point=2)
    first, second = await held(still, 10, (tea, 1)), await held(still, 20, (tea, 4))
    clock.advance(seconds=600)
    reads = await shown(still, tea, second)
    assert (reads["product"], reads["levels"]) == ((5, 4, 1), [("main", 5, 4, 1)])
    assert (reads["low"], reads["promised"]) == ([tea["id"]], [second["id"]])
    clock.advance(seconds=600)
    ended = once_it_has_ended(tea["id"], second["id"])
    both = {"orders": ["Expired"] * 2, "Expired": [first["id"], second["id"]]}
    assert await shown(still, tea, second) == {**ended, **both}


async def test_every_read_changes_at_the_end_of_a_prolonged_hold(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5, reorder_point=2)
    order = await held(still, 10, (tea, 5))
    found(await hold(still, order, 20))
    clock.advance(seconds=900)  # past the end it had at first
    assert await shown(still, tea, order) == while_it_runs(tea["id"], order["id"])
    clock.advance(seconds=300)
    assert await shown(still, tea, order) == once_it_has_ended(tea["id"], order["id"])


@pytest.mark.parametrize("path", HELD_BY_ENDED_HOLDS)
async def test_a_list_that_was_read_before_is_another_once_a_hold_has_ended(
    still: Shop, clock: Clock, path: str
) -> None:
    tea = await still.product(stock=5, reorder_point=2)
    await held(still, 10, (tea, 5))
    clock.advance(seconds=600 - MICRO)
    before = await still.get(path)
    assert (await still.get(path)).content == before.content
    clock.advance(seconds=MICRO)
    tag = {"If-None-Match": before.headers["etag"]} if "etag" in before.headers else {}
    after = await still.get(path, headers=tag)
    assert (after.status_code, after.content == before.content) == (200, False)


async def test_the_stock_of_an_ended_hold_is_held_by_another_at_that_moment(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    first = await held(still, 10, (tea, 5))
    clock.advance(seconds=600 - MICRO)
    problem(await place(still, 10, (tea, 5)), 409, "insufficient_stock")
    clock.advance(seconds=MICRO)
    second = await held(still, 10, (tea, 5))
    assert await stock(still, tea) == (5, 5, 0)
    assert await releases(still, first) == [(tea["id"], 5, "hold ended", "system", END)]
    assert [(await still.reload(one))["status"] for one in (first, second)] == [
        "Expired",
        "Pending",
    ]
    await assert_sound(still, clock)


Take = Callable[[Shop, Json, Json], Awaitable[Any]]


async def _confirm(shop: Shop, _: Json, order: Json) -> None:
    await shop.confirm(order)


async def _hold(shop: Shop, _: Json, order: Json) -> None:
    found(await hold(shop, order, 10))


async def _confirm_many(shop: Shop, _: Json, order: Json) -> None:
    (result,) = found(await shop.post("/orders/confirm", {"order_ids": [order["id"]]}))["results"]
    assert result["status_code"] == 200


async def _adjust(shop: Shop, product: Json, _: Json) -> None:
    body = {"product_id": product["id"], "delta": -5, "reason": "lost"}
    found(await shop.post("/stock/adjustments", body), 201)


async def _transfer(shop: Shop, product: Json, _: Json) -> None:
    places = {"from_location": "main", "to_location": "attic"}
    body = {"product_id": product["id"], "quantity": 5, **places}
    found(await shop.post("/stock/transfers", body), 201)


async def _reverse(shop: Shop, product: Json, _: Json) -> None:
    (receipt,) = await shop.movements(product_id=product["id"], kind="receipt")
    found(await shop.post(f"/stock/movements/{receipt['id']}/reverse"), 201)


@pytest.mark.parametrize("take", [_confirm, _hold, _confirm_many, _adjust, _transfer, _reverse])
async def test_whoever_wants_the_stock_has_it_once_the_hold_has_ended(
    still: Shop, clock: Clock, take: Take
) -> None:
    await location(still, "attic")
    tea = await still.product(stock=5)
    first, other = await held(still, 10, (tea, 5)), await still.order((tea, 5))
    clock.advance(seconds=700)
    await take(still, tea, other)
    assert await releases(still, first) == [(tea["id"], 5, "hold ended", "system", END)]
    assert await facts(still, first) == ["order.created"]
    assert await sweep(still) == 1
    assert await facts(still, first) == ["order.created", "order.expired"]
    assert len(await releases(still, first)) == 1
    await assert_sound(still, clock)


async def test_a_product_that_an_edit_makes_low_counts_no_ended_hold(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    await held(still, 10, (tea, 5))
    clock.advance(seconds=600)
    edited = found(await still.patch(f"/products/{tea['id']}", {"reorder_point": 4}))
    assert edited["stock_quantity"] == 5
    assert await ids(still, "/products/?low_stock=true") == []
    await assert_sound(still, clock)


async def test_a_hold_that_has_ended_is_no_demand(still: Shop, clock: Clock) -> None:
    """Neither before it is written off nor afterwards."""
    tea = await still.product(stock=60, reorder_point=0)
    await held(still, 10, (tea, 30))
    await still.confirm(await still.order((tea, 30)))
    path = f"/products/{tea['id']}/reorder"
    assert found(await still.get(path))["demand_per_day"] == 2.0
    clock.advance(seconds=600)
    assert found(await still.get(path))["demand_per_day"] == 1.0
    assert await sweep(still) == 1
    assert found(await still.get(path))["demand_per_day"] == 1.0


@pytest.mark.parametrize("verb", ["confirm", "cancel", "hold"])
async def test_an_expired_order_is_refused_and_written_off_by_that(
    still: Shop, clock: Clock, verb: str
) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 5))
    clock.advance(seconds=660)
    path, body = f"/orders/{order['id']}/{verb}", {"hold_minutes": 5} if verb == "hold" else None
    for _ in range(2):
        refusal = problem(await still.post(path, body), 409, "order_expired")
        assert refusal["order_id"] == order["id"]
    ended = await still.reload(order)
    assert (ended["status"], ended["expires_at"]) == ("Expired", END)
    assert (ended["confirmed_at"], ended["cancelled_at"]) == (None, None)
    assert ended["updated_at"] == "2026-01-01T12:11:00Z"
    assert await releases(still, order) == [(tea["id"], 5, "hold ended", "system", END)]
    assert await facts(still, order) == ["order.created", "order.expired"]
    assert await sweep(still) == 0
    await assert_sound(still, clock)


async def test_an_expired_order_changes_its_tag(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 5))
    path, tags = f"/orders/{order['id']}", []
    for step in (lambda: clock.advance(seconds=600), None):
        tags.append((await still.get(path)).headers["etag"])
        if step is not None:
            step()
    await sweep(still)
    tags.append((await still.get(path)).headers["etag"])
    assert len(set(tags)) == 3
    answer = await still.get(path, headers={"If-None-Match": tags[-1]})
    assert answer.status_code == 304
