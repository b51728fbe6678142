"""Many orders placed, sent or cancelled in one call: each for itself, in the order asked."""

import pytest

from tests.builders import Clock, Json, Shop, found, problem, wanted
from tests.orders.acting import confirmed, contents, edit, parcels, sent, story, two_places
from tests.orders.holding import assert_sound, held, location, stock

pytestmark = pytest.mark.anyio


async def told(shop: Shop, verb: str, orders: list[Json], **members: object) -> list[object]:
    """The status or the code of each result."""
    body = {"order_ids": [one["id"] for one in orders], **members}
    results = found(await shop.post(f"/orders/{verb}", body))["results"]
    assert [one["order_id"] for one in results] == body["order_ids"]
    return [one["problem"]["code"] if "problem" in one else one["status_code"] for one in results]


async def test_all_that_is_open_of_many_orders_is_sent(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=20)
    whole, part = await confirmed(still, (tea, 2)), await confirmed(still, (tea, 3))
    await sent(still, part, (tea, 1))
    pending, waiting = await still.order((tea, 1)), await confirmed(still, (tea, 4))
    found(await edit(still, waiting, on_hold_reason="fraud?"))
    asked = [part, pending, whole, waiting, {"id": 999}, whole]
    assert await told(still, "fulfill", asked, carrier="DHL") == [
        *(200, "order_not_confirmed", 200, "order_on_hold", "not_found", "order_not_confirmed"),
    ]
    assert await stock(still, tea) == (15, 4, 11)
    made = await parcels(still, whole)
    assert [(contents(one), one["carrier"]) for one in made] == [([(1, "main", 2)], "DHL")]
    assert (await story(still, whole))[-1] == (await story(still, part))[-1] == "fulfilled"
    await assert_sound(still, clock)


async def test_many_orders_are_sent_from_one_location_as_far_as_it_has_enough(
    still: Shop, clock: Clock
) -> None:
    """Each sees what those before it took."""
    tea = await two_places(still, 9, 3)
    orders = [await confirmed(still, (tea, 2)) for _ in range(3)]
    assert await told(still, "fulfill", orders, location="annex") == [
        *(200, "insufficient_stock", "insufficient_stock"),
    ]
    assert await told(still, "fulfill", orders[1:]) == [200, 200]
    await assert_sound(still, clock)


async def test_a_location_that_is_closed_or_nobodys_is_told_of_each_order(
    still: Shop, clock: Clock
) -> None:
    tea, shut = await still.product(), await location(still, "shut")
    found(await still.patch(f"/locations/{shut['id']}", {"active": False}))
    orders = [await confirmed(still, (tea, 1)) for _ in range(2)]
    assert await told(still, "fulfill", orders, location="shut") == ["conflict"] * 2
    assert await told(still, "fulfill", orders, location="nowhere") == ["validation_error"] * 2
    assert await stock(still, tea) == (10, 2, 8)
    await assert_sound(still, clock)


async def test_many_orders_are_cancelled_whatever_they_had(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=20)
    part, done = await confirmed(still, (tea, 3)), await confirmed(still, (tea, 1))
    await sent(still, part, (tea, 1))
    await sent(still, done)
    holding, pending = await held(still, 10, (tea, 2)), await still.order((tea, 1))
    ended = await held(still, 5, (tea, 5))
    clock.advance(seconds=300)
    asked = [part, done, holding, pending, ended, part, {"id": 999}]
    assert await told(still, "cancel", asked) == [
        *(200, "order_not_cancellable", 200, 200, "order_expired"),
        *("order_already_cancelled", "not_found"),
    ]
    assert await stock(still, tea) == (18, 0, 18)
    await assert_sound(still, clock)


async def test_many_orders_are_placed_and_the_holds_among_them_share_what_there_is(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=3)
    bodies = [{**wanted((tea, 2)), "hold_minutes": n} for n in (5, 5, None, 5)]
    bodies[3]["items"] = wanted((tea, 1))["items"]
    results = found(await still.post("/orders/bulk", {"orders": bodies}))["results"]
    assert [one["index"] for one in results] == [0, 1, 2, 3]
    assert [one["status_code"] for one in results] == [201, 409, 201, 201]
    assert results[1]["problem"]["shortages"][0]["available"] == 1
    assert await stock(still, tea) == (3, 3, 0)
    assert [one["order"]["id"] for one in results if "order" in one] == [1, 2, 3]
    await assert_sound(still, clock)


@pytest.mark.parametrize("verb", ["fulfill", "cancel"])
@pytest.mark.parametrize("ids", [[], None, [0], ["1"], [True], list(range(1, 502))], ids=str)
async def test_a_list_of_no_orders_is_refused(shared_shop: Shop, verb: str, ids: object) -> None:
    answer = await shared_shop.post(f"/orders/{verb}", {"order_ids": ids})
    problem(answer, 422, "validation_error")


async def test_a_list_with_one_order_that_makes_no_sense_is_refused_whole(still: Shop) -> None:
    tea = await still.product()
    bodies = [wanted((tea, 1)), wanted((tea, 0))]
    refusal = problem(await still.post("/orders/bulk", {"orders": bodies}), 422, "validation_error")
    assert refusal["errors"][0]["pointer"].startswith("/orders/1/items/0")
    assert (await still.get("/orders/")).json() == []
