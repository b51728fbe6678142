"""`POST /orders/{id}/hold`: a hold lasts longer, never shorter, or begins on an order that has none."""

import asyncio

import pytest

from tests.builders import Clock, Json, Shop, found, problem
from tests.orders.holding import (
    MICRO,
    assert_sound,
    availability,
    ends,
    facts,
    held,
    hold,
    receive,
    releases,
    stock,
    sweep,
)

pytestmark = pytest.mark.anyio


async def promised_until(shop: Shop, product: Json) -> list[str | None]:
    return [one["expires_at"] for one in (await availability(shop, product))["reservations"]]


async def test_a_hold_is_prolonged_from_now_on(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=5), await still.product(stock=5)
    order = await held(still, 10, (tea, 2), (tea, 1), (mint, 4))
    movements = await still.movements()
    clock.advance(seconds=300)
    longer = found(await hold(still, order, 10))
    assert longer["expires_at"] == "2026-01-01T12:15:00Z"
    assert (longer["status"], longer["updated_at"]) == ("Pending", "2026-01-01T12:05:00Z")
    assert await still.reload(order) == longer
    assert await promised_until(still, tea) == ["2026-01-01T12:15:00Z"] * 2
    assert await promised_until(still, mint) == ["2026-01-01T12:15:00Z"]
    assert await still.movements() == movements
    assert await facts(still, order) == ["order.created", "order.held"]
    clock.advance(seconds=600 - MICRO)
    assert await sweep(still) == 0
    assert await stock(still, tea) == (5, 3, 2)
    clock.advance(seconds=MICRO)
    assert await sweep(still) == 1
    assert await stock(still, tea) == (5, 0, 5)
    await assert_sound(still, clock)


@pytest.mark.parametrize("minutes", [1, 9, 10])
async def test_a_hold_is_never_cut_short(still: Shop, clock: Clock, minutes: int) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    kept = found(await hold(still, order, minutes))
    assert kept["expires_at"] == order["expires_at"] == ends(clock, 10)
    assert await promised_until(still, tea) == [order["expires_at"]]
    await assert_sound(still, clock)


async def test_a_hold_begins_on_an_order_without_one(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await still.order((tea, 2), (tea, 1))
    begun = found(await hold(still, order, 10))
    assert (begun["status"], begun["expires_at"]) == ("Pending", ends(clock, 10))
    assert await stock(still, tea) == (5, 3, 2)
    assert await promised_until(still, tea) == [ends(clock, 10)] * 2
    await assert_sound(still, clock)
    clock.advance(seconds=600)
    assert await stock(still, tea) == (5, 0, 5)
    assert (await still.reload(order))["status"] == "Expired"


async def test_a_hold_that_can_not_begin_lists_every_shortage(still: Shop) -> None:
    tea, mint, rooibos = [await still.product(stock=n) for n in (1, 5, 0)]
    order = await still.order((tea, 2), (mint, 5), (rooibos, 1))
    before = await still.everything()
    body = problem(await hold(still, order, 10), 409, "insufficient_stock")
    assert body["order_id"] == order["id"]
    assert [tuple(one.values()) for one in body["shortages"]] == [
        (tea["id"], tea["sku"], 2, 1),
        (rooibos["id"], rooibos["sku"], 1, 0),
    ]
    assert await still.everything() == before


async def test_an_order_is_held_once_there_is_stock(still: Shop) -> None:
    tea = await still.product(stock=1)
    order = await still.order((tea, 2))
    problem(await hold(still, order, 10), 409, "insufficient_stock")
    await receive(still, tea, 1)
    found(await hold(still, order, 10))
    assert await stock(still, tea) == (2, 2, 0)


async def test_only_a_pending_order_can_be_held(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=9)
    confirmed = await still.confirm(await held(still, 10, (tea, 1)))
    cancelled = await still.cancel(await held(still, 10, (tea, 1)))
    ended = await held(still, 10, (tea, 1))
    for order in (confirmed, cancelled):
        refusal = problem(await hold(still, order, 10), 409, "order_not_pending")
        assert (refusal["order_id"], refusal["order_status"]) == (order["id"], order["status"])
        assert await still.reload(order) == order
    clock.advance(seconds=600)
    assert problem(await hold(still, ended, 10), 409, "order_expired")["order_id"] == ended["id"]
    problem(await hold(still, {"id": 999}, 10), 404, "not_found")


async def test_a_hold_is_prolonged_twice_at_once(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    answers = await asyncio.gather(*(hold(still, order, minutes) for minutes in (30, 20)))
    assert [found(answer)["expires_at"] for answer in answers] == [ends(clock, 30)] * 2
    assert answers[0].headers["etag"] != answers[1].headers["etag"]
    assert await promised_until(still, tea) == [ends(clock, 30)]
    assert await still.reload(order) == found(answers[1])
    await assert_sound(still, clock)


async def test_a_hold_begins_and_is_prolonged_at_once(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await still.order((tea, 2), (tea, 3))
    asked = (hold(still, order, minutes) for minutes in (10, 30, 20))
    answers = await asyncio.gather(*asked)
    until = [found(answer)["expires_at"] for answer in answers]
    assert until == [ends(clock, 10), ends(clock, 30), ends(clock, 30)]
    assert await promised_until(still, tea) == [ends(clock, 30)] * 2
    assert await stock(still, tea) == (5, 5, 0)
    await assert_sound(still, clock)


async def test_holds_that_begin_at_once_share_what_there_is(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    orders = [await still.order((tea, 3)) for _ in range(2)]
    running = await held(still, 10, (tea, 2))
    asked = (hold(still, order, 10) for order in (orders[0], running, orders[1]))
    answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert answers[2].json()["shortages"][0]["available"] == 0
    await assert_sound(still, clock)


@pytest.mark.parametrize(("verb", "status"), [("confirm", "Confirmed"), ("cancel", "Cancelled")])
async def test_a_hold_is_prolonged_while_its_order_moves_on(
    still: Shop, clock: Clock, verb: str, status: str
) -> None:
    """In either order of the two, in one transaction."""
    tea = await still.product(stock=5)
    first, second, third = [await held(still, 10, (tea, 1)) for _ in range(3)]
    answers = await asyncio.gather(
        hold(still, first, 20),
        still.patch(f"/orders/{first['id']}/{verb}"),
        still.patch(f"/orders/{second['id']}/{verb}"),
        hold(still, second, 20),
        hold(still, third, 20),
    )
    # One action after the other: all prolongations first, as the first of them came first.
    assert [answer.status_code for answer in answers] == [200] * 5
    shown = [await still.reload(order) for order in (first, second, third)]
    assert [one["status"] for one in shown] == [status, status, "Pending"]
    assert [one["expires_at"] for one in shown] == [None, None, ends(clock, 20)]
    clock.advance(seconds=600)
    assert await sweep(still) == 0
    assert await stock(still, tea) == ((5, 3, 2) if verb == "confirm" else (5, 1, 4))
    await assert_sound(still, clock)


async def test_a_prolonged_hold_is_confirmed_after_its_first_end(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=2)
    order = await held(still, 10, (tea, 2))
    found(await hold(still, order, 20))
    clock.advance(seconds=900)
    await receive(still, tea, 1)  # looks after ended holds, and finds none
    assert (await still.confirm(order))["status"] == "Confirmed"
    assert await stock(still, tea) == (3, 2, 1)
    assert await releases(still, order) == []
    await assert_sound(still, clock)


async def test_a_repeated_hold_with_a_key_gives_the_first_answer(still: Shop, clock: Clock) -> None:
    tea, key = await still.product(stock=5), {"Idempotency-Key": "prolong"}
    order = await held(still, 10, (tea, 2))
    first = await hold(still, order, 20, headers=key)
    clock.advance(seconds=300)
    again = await hold(still, order, 20, headers=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await still.reload(order))["expires_at"] == found(first)["expires_at"]
    problem(await hold(still, order, 30, headers=key), 422, "idempotency_key_reused")


async def test_every_change_of_a_hold_changes_the_orders_tag(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order, tags = await held(still, 10, (tea, 2)), []
    path = f"/orders/{order['id']}"
    tags.append((await still.get(path)).headers["etag"])
    for minutes in (20, 30):
        answer = await hold(still, order, minutes)
        tags.append(answer.headers["etag"])
        assert (await still.get(path)).headers["etag"] == tags[-1]
    await still.confirm(order)
    tags.append((await still.get(path)).headers["etag"])
    assert len(set(tags)) == 4
    versions = [int(tag.strip('"').partition(".")[0]) for tag in tags]
    assert versions == sorted(set(versions))
    clock.advance(hours=1)
    assert (await still.get(path)).headers["etag"] == tags[-1]
