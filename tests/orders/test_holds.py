"""Holds: an order that reserves its stock before it is confirmed, all of it or not at all."""

import asyncio
from typing import Any

import pytest

from tests.builders import Clock, Json, Shop, found, problem, wanted
from tests.orders.holding import (
    MICRO,
    assert_sound,
    availability,
    ends,
    facts,
    held,
    hold,
    location,
    place,
    receive,
    releases,
    stock,
)

pytestmark = pytest.mark.anyio

MINUTES_MAX = 31 * 24 * 60


def short(product: Json, requested: int, available: int) -> Json:
    return {
        "product_id": product["id"],
        "sku": product["sku"],
        "requested": requested,
        "available": available,
    }


async def test_a_hold_reserves_now_and_says_until_when(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    answer = await place(still, 10, (tea, 2))
    order = found(answer, 201)
    assert (order["status"], order["expires_at"]) == ("Pending", "2026-01-01T12:10:00Z")
    assert order["confirmed_at"] is None
    assert await still.reload(order) == order
    assert await stock(still, tea) == (5, 2, 3)
    (reserve,) = await still.movements(kind="reserve")
    told = (reserve["order_id"], reserve["reserved_delta"], reserve["actor"])
    assert told == (order["id"], 2, "user:1")
    assert await facts(still, order) == ["order.created"]
    await assert_sound(still, clock)


async def test_an_order_without_a_hold_has_no_end_and_takes_nothing(still: Shop) -> None:
    tea = await still.product(stock=5)
    for order in (await still.order((tea, 2)), found(await place(still, None, (tea, 2)), 201)):
        assert order["expires_at"] is None
    assert await stock(still, tea) == (5, 0, 5)


async def test_every_shortage_is_listed_and_no_order_is_made(still: Shop) -> None:
    tea, mint, rooibos = [await still.product(stock=n) for n in (1, 5, 0)]
    before = await still.everything()
    answer = await place(still, 10, (tea, 2), (mint, 5), (rooibos, 1))
    body = problem(answer, 409, "insufficient_stock")
    assert body["shortages"] == [short(tea, 2, 1), short(rooibos, 1, 0)]
    assert await still.everything() == before
    assert (await still.order((mint, 1)))["id"] == 1


async def test_the_same_product_on_two_lines_is_one_demand(still: Shop) -> None:
    tea = await still.product(stock=5)
    answer = await place(still, 10, (tea, 3), (tea, 3))
    assert problem(answer, 409, "insufficient_stock")["shortages"] == [short(tea, 6, 5)]
    order = await held(still, 10, (tea, 3), (tea, 2))
    assert [item["quantity"] for item in order["items"]] == [3, 2]
    assert await stock(still, tea) == (5, 5, 0)


async def test_what_one_order_holds_no_other_can_have(still: Shop) -> None:
    tea = await still.product(stock=5)
    await held(still, 10, (tea, 4))
    answer = await place(still, 10, (tea, 2))
    assert problem(answer, 409, "insufficient_stock")["shortages"] == [short(tea, 2, 1)]
    late = await still.order((tea, 2))
    answer = await still.patch(f"/orders/{late['id']}/confirm")
    assert problem(answer, 409, "insufficient_stock")["shortages"] == [short(tea, 2, 1)]


async def test_holds_that_come_at_once_share_what_there_is_in_their_order(
    still: Shop, clock: Clock
) -> None:
    tea, mint = await still.product(stock=5), await still.product(stock=1)
    asked = [[(tea, 3)], [(tea, 2), (mint, 2)], [(tea, 3)], [(tea, 2), (mint, 1)], [(tea, 1)]]
    answers = await asyncio.gather(*(place(still, 10, *lines) for lines in asked))
    assert [answer.status_code for answer in answers] == [201, 409, 409, 201, 409]
    shortages = [answer.json()["shortages"] for answer in answers if answer.status_code == 409]
    assert shortages == [[short(mint, 2, 1)], [short(tea, 3, 2)], [short(tea, 1, 0)]]
    assert [answer.json()["id"] for answer in answers if answer.status_code == 201] == [1, 2]
    assert await stock(still, tea) == (5, 5, 0)
    await assert_sound(still, clock)


async def test_orders_with_and_without_a_hold_come_at_once(still: Shop) -> None:
    tea, ghost = await still.product(stock=2), {"id": 99}
    answers = await asyncio.gather(
        place(still, 10, (tea, 2)),
        still.post("/orders/", wanted((tea, 2))),
        place(still, 10, (ghost, 1)),
        place(still, 10, (tea, 1)),
    )
    assert [answer.status_code for answer in answers] == [201, 201, 422, 409]
    assert [bool(answer.json().get("expires_at")) for answer in answers[:2]] == [True, False]


@pytest.mark.parametrize("minutes", [1, MINUTES_MAX])
async def test_a_hold_lasts_from_a_minute_to_a_month(
    still: Shop, clock: Clock, minutes: int
) -> None:
    tea = await still.product()
    assert (await held(still, minutes, (tea, 1)))["expires_at"] == ends(clock, minutes)
    order = await still.order((tea, 1))
    assert found(await hold(still, order, minutes))["expires_at"] == ends(clock, minutes)


@pytest.mark.parametrize(
    "minutes", [0, -1, MINUTES_MAX + 1, True, 1.5, "5", "", [5], {}, 10**30], ids=repr
)
async def test_no_other_number_of_minutes_makes_sense(shared_shop: Shop, minutes: Any) -> None:
    tea = await shared_shop.product()
    before = await shared_shop.everything()
    for answer in (
        await place(shared_shop, minutes, (tea, 1)),
        await hold(shared_shop, {"id": 999}, minutes),
    ):
        (error,) = problem(answer, 422, "validation_error")["errors"]
        assert error["pointer"] == "/hold_minutes"
    assert await shared_shop.everything() == before


@pytest.mark.parametrize("body", [{}, {"hold_minutes": None}, {"hold_minutes": 1, "x": 1}, None])
async def test_a_hold_says_for_how_long_and_nothing_else(shared_shop: Shop, body: Any) -> None:
    problem(await shared_shop.post("/orders/1/hold", body), 422, "validation_error")


async def test_a_confirmation_consumes_the_orders_own_hold(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 3))
    await still.confirm(await still.order((tea, 2)))  # others have taken the rest
    before = await still.movements()
    clock.advance(seconds=60)
    confirmed = await still.confirm(order)
    assert (confirmed["status"], confirmed["expires_at"]) == ("Confirmed", None)
    assert await still.movements() == before
    assert await stock(still, tea) == (5, 5, 0)
    assert await facts(still, order) == ["order.created", "order.confirmed"]
    await assert_sound(still, clock)


async def test_what_a_confirmed_order_had_on_hold_does_not_end(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 3))
    confirmed = await still.confirm(order)
    clock.advance(hours=1)
    assert await still.reload(order) == confirmed
    (promised,) = (await availability(still, tea))["reservations"]
    assert promised["expires_at"] is None
    answer = await place(still, 10, (tea, 3))
    assert problem(answer, 409, "insufficient_stock")["shortages"] == [short(tea, 3, 2)]
    await assert_sound(still, clock)


async def test_an_order_is_confirmed_until_the_very_end_of_its_hold(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    early, late = [await held(still, 10, (tea, 1)) for _ in range(2)]
    clock.advance(seconds=600 - MICRO)
    assert (await still.confirm(early))["status"] == "Confirmed"
    clock.advance(seconds=MICRO)
    body = problem(await still.patch(f"/orders/{late['id']}/confirm"), 409, "order_expired")
    assert body["order_id"] == late["id"]
    assert await stock(still, tea) == (5, 1, 4)
    await assert_sound(still, clock)


async def test_many_are_confirmed_each_as_its_hold_allows(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=4)
    running, ended = await held(still, 20, (tea, 2)), await held(still, 10, (tea, 2))
    plain = await still.order((tea, 2))
    clock.advance(seconds=600)
    ids = [ended["id"], plain["id"], running["id"], ended["id"]]
    results = found(await still.post("/orders/confirm", {"order_ids": ids}))["results"]
    assert [one["status_code"] for one in results] == [409, 200, 200, 409]
    assert results[0]["problem"]["code"] == results[3]["problem"]["code"] == "order_expired"
    assert await facts(still, ended) == ["order.created", "order.expired"]
    assert await stock(still, tea) == (4, 4, 0)
    await assert_sound(still, clock)


@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_cancelled_order_gives_its_hold_back_once(
    still: Shop, clock: Clock, confirmed: bool
) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 3), (tea, 1))
    if confirmed:
        await still.confirm(order)
    clock.advance(seconds=60)
    cancelled = await still.cancel(order)
    assert (cancelled["status"], cancelled["expires_at"]) == ("Cancelled", None)
    problem(await still.patch(f"/orders/{order['id']}/cancel"), 409, "order_already_cancelled")
    at = "2026-01-01T12:01:00Z"
    freed = [(tea["id"], units, None, "user:1", at) for units in (3, 1)]
    assert await releases(still, order) == freed
    clock.advance(hours=1)
    assert await stock(still, tea) == (5, 0, 5)
    assert (await still.reload(order))["status"] == "Cancelled"
    await assert_sound(still, clock)


async def test_of_two_cancellations_at_once_one_gives_back(still: Shop) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 3))
    path = f"/orders/{order['id']}/cancel"
    answers = await asyncio.gather(still.patch(path), still.patch(path))
    assert [answer.status_code for answer in answers] == [200, 409]
    assert await stock(still, tea) == (5, 0, 5)


async def test_a_repeated_order_with_a_key_holds_once(still: Shop, clock: Clock) -> None:
    tea, key = await still.product(stock=5), {"Idempotency-Key": "hold"}
    first, beside = await asyncio.gather(
        place(still, 10, (tea, 3), headers=key), place(still, 10, (tea, 3), headers=key)
    )
    clock.advance(hours=1)  # the answer is what it was, although the hold has ended
    again = await place(still, 10, (tea, 3), headers=key)
    assert first.content == beside.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await still.get("/orders/")).json()) == 1
    other = await place(still, 11, (tea, 3), headers=key)
    problem(other, 422, "idempotency_key_reused")


async def test_a_refused_hold_with_a_key_is_refused_again(still: Shop) -> None:
    tea, key = await still.product(stock=1), {"Idempotency-Key": "hold"}
    first = await place(still, 10, (tea, 3), headers=key)
    await receive(still, tea, 5)
    again = await place(still, 10, (tea, 3), headers=key)
    assert (again.status_code, again.content) == (409, first.content)
    assert (await still.get("/orders/")).json() == []


async def test_a_hold_is_split_over_locations_by_their_priority(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=2)
    await location(still, "attic", priority=5)
    await location(still, "shop", priority=1)
    await receive(still, tea, 3, "attic")
    await receive(still, tea, 1, "shop")
    order = await held(still, 10, (tea, 2), (tea, 3))
    number, end = order["id"], order["expires_at"]
    shown = await availability(still, tea)
    assert [tuple(one.values()) for one in shown["reservations"]] == [
        (number, "main", 2, end),
        (number, "attic", 2, end),
        (number, "shop", 1, end),
    ]
    reserved = {one["location"]: one["reserved"] for one in shown["levels"]}
    assert reserved == {"main": 2, "attic": 2, "shop": 1}
    clock.advance(seconds=600)
    assert (await availability(still, tea))["reservations"] == []
    await held(still, 10, (tea, 6))
    assert len(await releases(still, order)) == 3
    await assert_sound(still, clock)
