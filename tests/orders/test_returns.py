"""What comes back of orders: on sale again or written off, and never more than was sent."""

import asyncio

import pytest

from tests.builders import Clock, Shop, found, problem
from tests.orders.acting import (
    all_there_is,
    confirmed,
    contents,
    do,
    items,
    ledger,
    parcels,
    sent,
    story,
    take_back,
    timeline,
    two_places,
    undo,
    units,
)
from tests.orders.holding import assert_sound, location, stock, stock_at

pytestmark = pytest.mark.anyio


async def test_what_comes_back_is_on_sale_again(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5, price=2.5)
    order = await confirmed(still, (tea, 3))
    await sent(still, order)
    before = await ledger(still, order)
    back = found(await take_back(still, order, (tea, 2), reason="too green"), 201)
    assert (back["disposition"], back["reason"], back["actor"]) == (
        "restock",
        "too green",
        "user:1",
    )
    assert contents(back) == [(1, "main", 2)]
    assert (await ledger(still, order))[len(before) :] == [("return", tea["id"], "main", 2, 0)]
    assert await stock(still, tea) == (4, 0, 4)
    after = await still.reload(order)
    assert (after["status"], after["total_amount"], after["net_amount"]) == ("Fulfilled", 7.5, 2.5)
    assert units(after) == [(3, 3, 2, 0)]
    assert await parcels(still, order, "returns") == [back]
    await assert_sound(still, clock)


async def test_what_is_written_off_is_told_of_and_is_not_there(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 3))
    await sent(still, order)
    before = await ledger(still, order)
    found(await take_back(still, order, (tea, 2), disposition="write_off"), 201)
    assert (await ledger(still, order))[len(before) :] == [
        ("return", tea["id"], "main", 2, 0),
        ("adjustment", tea["id"], "main", -2, 0),
    ]
    assert await stock(still, tea) == (2, 0, 2)
    assert units(await still.reload(order)) == [(3, 3, 2, 0)]
    await assert_sound(still, clock)


async def test_never_more_comes_back_than_was_sent(still: Shop, clock: Clock) -> None:
    """In whatever parts, to whatever end, and with a fulfillment undone in between."""
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 5))
    first = await sent(still, order, (tea, 2))
    problem(await take_back(still, order, (tea, 3)), 409, "quantity_exceeded")
    await sent(still, order, (tea, 2))
    found(await take_back(still, order, (tea, 1)), 201)
    found(await take_back(still, order, (tea, 1), disposition="write_off"), 201)
    found(await undo(still, order, first))
    before = await all_there_is(still)
    refusal = problem(await take_back(still, order, (tea, 1)), 409, "quantity_exceeded")
    assert refusal["exceeded"] == [{"product_id": tea["id"], "requested": 1, "possible": 0}]
    assert await all_there_is(still) == before
    await sent(still, order)
    found(await take_back(still, order, (tea, 3)), 201)
    assert units(await still.reload(order)) == [(5, 5, 5, 0)]
    await assert_sound(still, clock)


async def test_many_who_bring_the_same_back_at_once_bring_it_once(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 3))
    await sent(still, order)
    answers = await asyncio.gather(*(take_back(still, order, (tea, 2)) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *5 * [409]]
    assert await stock(still, tea) == (4, 0, 4)
    await assert_sound(still, clock)


async def test_what_was_sent_of_a_cancelled_order_comes_back(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5, price=2)
    order = await confirmed(still, (tea, 3))
    await sent(still, order, (tea, 1))
    await still.cancel(order)
    problem(await take_back(still, order, (tea, 2)), 409, "quantity_exceeded")
    found(await take_back(still, order, (tea, 1)), 201)
    after = await still.reload(order)
    assert (after["status"], after["net_amount"]) == ("Cancelled", 0)
    assert await stock(still, tea) == (5, 0, 5)
    await assert_sound(still, clock)


async def test_goods_come_back_to_the_location_that_is_named(still: Shop, clock: Clock) -> None:
    """Also where the product has never lain."""
    tea = await still.product(stock=5)
    await location(still, "returns", priority=9)
    order = await confirmed(still, (tea, 3))
    await sent(still, order)
    back = found(await take_back(still, order, (tea, 2), location="returns"), 201)
    assert contents(back) == [(1, "returns", 2)]
    assert await stock_at(still, tea) == [("main", 2, 0, 2), ("returns", 2, 0, 2)]
    await assert_sound(still, clock)


async def test_nothing_comes_back_to_a_location_that_is_closed_or_nobodys(
    still: Shop, clock: Clock
) -> None:
    tea, shut = await still.product(), await location(still, "shut")
    found(await still.patch(f"/locations/{shut['id']}", {"active": False}))
    order = await confirmed(still, (tea, 3))
    await sent(still, order)
    before = await all_there_is(still)
    problem(await take_back(still, order, (tea, 1), location="shut"), 409, "conflict")
    problem(await take_back(still, order, (tea, 1), location="nowhere"), 422, "validation_error")
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_a_return_is_taken_with_all_its_items_or_not_at_all(
    still: Shop, clock: Clock
) -> None:
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 2), (mint, 2))
    await sent(still, order, (tea, 2))
    before = await all_there_is(still)
    problem(await take_back(still, order, (tea, 1), (mint, 1)), 409, "quantity_exceeded")
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_units_come_back_of_the_line_that_is_named(still: Shop, clock: Clock) -> None:
    tea = await still.product(price=3)
    order = await confirmed(still, (tea, 2), (tea, 2))
    await sent(still, order)
    named = [{**items((tea, 1))[0], "line": 2}, *items((tea, 2))]
    body = {"items": named, "disposition": "restock"}
    back = found(await do(still, order, "returns", body), 201)
    assert contents(back) == [(1, "main", 2), (2, "main", 1)]
    assert [one[2] for one in units(await still.reload(order))] == [2, 1]
    await assert_sound(still, clock)


async def test_what_came_back_can_be_sold_again(still: Shop, clock: Clock) -> None:
    tea = await two_places(still, 2, 0)
    order = await confirmed(still, (tea, 2))
    await sent(still, order)
    problem(
        await do(still, await still.order((tea, 1)), "confirm"),
        *(409, "insufficient_stock"),
    )
    found(await take_back(still, order, (tea, 1)), 201)
    await confirmed(still, (tea, 1))
    assert await stock(still, tea) == (1, 1, 0)
    await assert_sound(still, clock)


async def test_a_return_is_told_in_the_timeline(still: Shop) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 2))
    await sent(still, order)
    back = found(
        await take_back(still, order, (tea, 1), disposition="write_off", reason="wet"), 201
    )
    assert (await story(still, order))[-1] == "returned"
    assert (await timeline(still, order))[-1]["data"] == {
        "return_id": back["id"],
        "items": [{"line": 1, "product_id": tea["id"], "quantity": 1}],
        "disposition": "write_off",
        "reason": "wet",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"disposition": "burn"},
        {"disposition": None},
        {"items": []},
        {"items": None},
        {"reason": "x" * 201},
        {"reason": "a\u0000b"},
        {"location": ""},
        {"quantity": 1},
    ],
    ids=str,
)
async def test_a_return_that_makes_no_sense_is_refused(
    shared_shop: Shop, change: dict[str, object]
) -> None:
    body = {"items": items(({"id": 1}, 1)), "disposition": "restock", **change}
    problem(await shared_shop.post("/orders/1/returns", body), 422, "validation_error")
