"""What people take back: a mistake is undone by its opposite, once."""

import asyncio

import pytest

from tests.builders import Json, Shop, found, problem
from tests.stock.goods import (
    adjust,
    balances,
    broken,
    close,
    events,
    open_location,
    receive,
    reverse,
    tamper,
    told,
    transfer,
)

pytestmark = pytest.mark.anyio


async def refused(shop: Shop, movement: Json, code: str) -> Json:
    """The problem; nothing has changed."""
    before = await shop.everything()
    answer = await shop.post(f"/stock/movements/{movement['id']}/reverse")
    document = problem(answer, 409, code)
    assert await shop.everything() == before
    return document


async def ledger(shop: Shop) -> dict[int, Json]:
    return {row["id"]: row for row in await shop.movements(limit=500)}


async def test_a_receipt_is_taken_back(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=2)
    mistake = await receive(shop, tea, 5, location="annex", reason="delivery", reference="PO-1")
    (opposite,) = await reverse(shop, mistake)
    assert told(opposite) == ("receipt", "annex", -5, 0, 0)
    assert (opposite["reason"], opposite["reference"]) == ("reversal", None)
    assert opposite["actor"] == "user:1"
    assert await balances(shop, tea) == {"main": (2, 0), "annex": (0, 0)}
    assert (await shop.reload(tea))["stock_quantity"] == 2


async def test_an_opening_stock_is_taken_back(shop: Shop) -> None:
    tea = await shop.product(stock=2)
    (opening,) = await shop.movements()
    await reverse(shop, opening)
    assert (await shop.reload(tea))["on_hand"] == 0


@pytest.mark.parametrize("how", [{"delta": -3}, {"delta": 4}, {"counted": 1}, {"counted": 10}])
async def test_an_adjustment_is_taken_back(shop: Shop, how: Json) -> None:
    tea = await shop.product(stock=10)
    mistake = await adjust(shop, tea, **how)
    (opposite,) = await reverse(shop, mistake)
    assert told(opposite) == ("adjustment", "main", -mistake["on_hand_delta"], 0, 10)
    assert (await shop.reload(tea))["stock_quantity"] == 10
    assert await broken(shop) == {}


@pytest.mark.parametrize("half", [0, 1])
async def test_a_transfer_is_taken_back_by_either_of_its_halves(shop: Shop, half: int) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    out, into = await transfer(shop, tea, 4)
    back_out, back_in = await reverse(shop, (out, into)[half])
    assert told(back_out) == ("transfer_out", "annex", -4, 0, 0)
    assert told(back_in) == ("transfer_in", "main", 4, 0, 10)
    assert (back_out["reverses"], back_in["reverses"]) == (into["id"], out["id"])
    assert (back_out["counterpart"], back_in["counterpart"]) == (back_in["id"], back_out["id"])
    assert await balances(shop, tea) == {"main": (10, 0), "annex": (0, 0)}
    assert await broken(shop) == {}


async def test_the_ledger_shows_what_took_back_what(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    mistake = await receive(shop, tea, 5)
    (opposite,) = await reverse(shop, mistake)
    out, into = await transfer(shop, tea, 4)
    back_out, back_in = await reverse(shop, out)
    shown = await ledger(shop)
    assert shown[mistake["id"]] == {**mistake, "reversed_by": opposite["id"]}
    assert shown[opposite["id"]] == opposite
    assert (opposite["reverses"], opposite["reversed_by"]) == (mistake["id"], None)
    assert shown[out["id"]] == {**out, "reversed_by": back_in["id"]}
    assert shown[into["id"]] == {**into, "reversed_by": back_out["id"]}
    assert (shown[back_out["id"]], shown[back_in["id"]]) == (back_out, back_in)


async def test_a_mistake_is_taken_back_once(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    mistake = await receive(shop, tea, 5)
    await reverse(shop, mistake)
    document = await refused(shop, mistake, "conflict")
    assert document["movement_id"] == mistake["id"]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (1, 0), (1, 1)])
async def test_a_transfer_is_taken_back_once_by_whichever_half(
    shop: Shop, first: int, second: int
) -> None:
    await open_location(shop)
    halves = await transfer(shop, await shop.product(stock=10), 4)
    await reverse(shop, halves[first])
    assert (await refused(shop, halves[second], "conflict"))["movement_id"] == halves[second]["id"]


async def test_of_many_at_once_one_takes_it_back(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    mistake = await receive(shop, tea, 5)
    out, into = await transfer(shop, tea, 4)
    for these in ([mistake] * 3, [out, into, out]):
        answers = await asyncio.gather(
            *(shop.post(f"/stock/movements/{one['id']}/reverse") for one in these)
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert await balances(shop, tea) == {"main": (10, 0), "annex": (0, 0)}
    assert await broken(shop) == {}


async def test_a_reversal_is_not_taken_back_itself(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    opposites = await reverse(shop, await receive(shop, tea, 5))
    opposites += await reverse(shop, (await transfer(shop, tea, 4))[0])
    for one in opposites:
        assert (await refused(shop, one, "conflict"))["movement_id"] == one["id"]


async def test_what_belongs_to_an_order_goes_with_its_order(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    order = await shop.order((tea, 2))
    await shop.confirm(order)
    await shop.cancel(order)
    for kind in ("reserve", "release"):
        (movement,) = await shop.movements(kind=kind)
        assert (await refused(shop, movement, "conflict"))["movement_id"] == movement["id"]


async def test_a_movement_that_is_not_there_is_not_found(shared_shop: Shop) -> None:
    before = await shared_shop.everything()
    problem(await shared_shop.post("/stock/movements/999999/reverse"), 404, "not_found")
    assert await shared_shop.everything() == before


async def test_what_is_promised_by_now_can_not_be_taken_back(shop: Shop) -> None:
    tea = await shop.product(stock=0)
    mistake = await receive(shop, tea, 5)
    order = await shop.order((tea, 2))
    await shop.confirm(order)
    document = await refused(shop, mistake, "insufficient_stock")
    assert document["shortages"] == [
        {"product_id": tea["id"], "sku": tea["sku"], "requested": 5, "available": 3}
    ]
    await shop.cancel(order)
    await reverse(shop, mistake)


@pytest.mark.parametrize("half", [0, 1])
async def test_what_has_gone_on_from_there_can_not_be_carried_back(shop: Shop, half: int) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    halves = await transfer(shop, tea, 4)
    await adjust(shop, tea, location="annex", delta=-1)
    (short,) = (await refused(shop, halves[half], "insufficient_stock"))["shortages"]
    assert (short["requested"], short["available"]) == (4, 3)


async def test_nothing_comes_back_into_a_closed_location(shop: Shop) -> None:
    shed, annex = await open_location(shop, "shed"), await open_location(shop)
    tea = await shop.product(stock=0)
    await receive(shop, tea, 5, location="annex")
    lost = await adjust(shop, tea, location="annex", delta=-2)
    halves = await transfer(shop, tea, 3, there="annex", here="shed")
    await close(shop, annex)
    for one in (lost, *halves):
        assert (await refused(shop, one, "conflict"))["location"] == "annex"
    found(await shop.patch(f"/locations/{annex['id']}", {"active": True}))
    await reverse(shop, halves[0])
    await close(shop, shed)


async def test_what_came_into_a_location_that_is_closed_now_is_not_there(shop: Shop) -> None:
    annex, tea = await open_location(shop), await shop.product(stock=0)
    mistake = await receive(shop, tea, 5, location="annex")
    await transfer(shop, tea, 5, there="annex", here="main")
    await close(shop, annex)
    await refused(shop, mistake, "insufficient_stock")


async def test_what_does_not_fit_any_more_can_not_be_taken_back(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    lost = await adjust(shop, tea, delta=-2)
    await tamper(shop, f"UPDATE stock_levels SET on_hand = {10**15}")
    answer = await shop.post(f"/stock/movements/{lost['id']}/reverse")
    problem(answer, 409, "conflict")


async def test_a_retry_takes_back_nothing_twice(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    mistake = await receive(shop, tea, 2)
    key = {"Idempotency-Key": "take it back"}
    path = f"/stock/movements/{mistake['id']}/reverse"
    first, again = [await shop.post(path, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await shop.reload(tea))["on_hand"] == 5


async def test_a_reversal_is_an_event_with_all_its_movements(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    (opposite,) = await reverse(shop, await receive(shop, tea, 5))
    back_out, back_in = await reverse(shop, (await transfer(shop, tea, 4))[0])
    await refused(shop, opposite, "conflict")
    receipt, carried = await events(shop, "stock.reversed")
    for event, movements in ((receipt, [opposite]), (carried, [back_out, back_in])):
        assert (event["subject_type"], event["subject_id"]) == ("stock", tea["id"])
        assert event["data"]["reason"] == "reversal"
        assert event["data"]["movements"] == [
            {
                "movement_id": row["id"],
                "location": row["location"],
                "on_hand_delta": row["on_hand_delta"],
                "on_hand": row["on_hand_after"],
            }
            for row in movements
        ]
