"""A fulfillment that was a mistake: once undone, its goods lie and are promised where they were."""

import asyncio

import pytest

from tests.builders import Clock, Shop, found, problem
from tests.orders.acting import (
    all_there_is,
    confirmed,
    contents,
    do,
    ledger,
    parcels,
    promised,
    reorder,
    sent,
    story,
    take_back,
    two_places,
    undo,
    units,
)
from tests.orders.holding import assert_sound, location, receive, stock, stock_at

pytestmark = pytest.mark.anyio


async def test_an_undone_fulfillment_is_as_if_it_had_never_been(still: Shop, clock: Clock) -> None:
    tea = await two_places(still, 2, 5)
    order = await confirmed(still, (tea, 4))
    shelves, promises = await stock_at(still, tea), await promised(still, tea)
    made = await sent(still, order, (tea, 3))
    before = await ledger(still, order)
    undone = found(await undo(still, order, made))
    assert {**undone, "undone_at": None} == made
    assert undone["undone_at"] is not None
    assert sorted((await ledger(still, order))[len(before) :]) == [
        ("fulfill", tea["id"], "annex", 1, 1),
        ("fulfill", tea["id"], "main", 2, 2),
    ]
    assert (await stock_at(still, tea), await promised(still, tea)) == (shelves, promises)
    assert units(await still.reload(order)) == [(4, 0, 0, 0)]
    assert await parcels(still, order) == [undone]
    await assert_sound(still, clock)


async def test_an_undone_order_is_confirmed_again_and_can_be_sent_again(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 3))
    made = await sent(still, order)
    found(await undo(still, order, made))
    again = await still.reload(order)
    assert (again["status"], again["fulfilled_at"]) == ("Confirmed", None)
    assert again["confirmed_at"] == order["confirmed_at"]
    assert contents(await sent(still, order)) == contents(made)
    assert await stock(still, tea) == (2, 0, 2)
    told = ["fulfilled", "fulfillment_undone", "fulfilled"]
    assert await story(still, order) == ["created", "confirmed", *told]
    await assert_sound(still, clock)


async def test_an_undone_order_can_be_cancelled_and_gives_everything_back(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 3))
    found(await undo(still, order, await sent(still, order)))
    await still.cancel(order)
    assert await stock(still, tea) == (5, 0, 5)
    await assert_sound(still, clock)


async def test_a_fulfillment_is_undone_once(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 4))
    made = await sent(still, order, (tea, 2))
    await sent(still, order, (tea, 1))
    found(await undo(still, order, made))
    before = await all_there_is(still)
    refusal = problem(await undo(still, order, made), 409, "fulfillment_already_undone")
    assert refusal["fulfillment_id"] == made["id"]
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_many_who_undo_at_once_undo_once(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 4))
    first, _ = [await sent(still, order, (tea, 2)) for _ in range(2)]
    answers = await asyncio.gather(*(undo(still, order, first) for _ in range(4)))
    found(answers[0])
    for answer in answers[1:]:
        problem(answer, 409, "fulfillment_already_undone")
    assert await stock(still, tea) == (7, 2, 5)
    await assert_sound(still, clock)


async def test_one_of_two_is_undone_and_the_other_stays_sent(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=9), await still.product(stock=9)
    order = await confirmed(still, (tea, 4), (mint, 2))
    first = await sent(still, order, (tea, 4))
    await sent(still, order)
    found(await undo(still, order, first))
    assert units(await still.reload(order)) == [(4, 0, 0, 0), (2, 2, 0, 0)]
    assert contents(await sent(still, order)) == [(1, "main", 4)]
    await assert_sound(still, clock)


async def test_what_has_come_back_was_sent_and_is_not_undone(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 4))
    first = await sent(still, order, (tea, 1))
    second = await sent(still, order, (tea, 3))
    found(await take_back(still, order, (tea, 2)), 201)
    before = await all_there_is(still)
    problem(await undo(still, order, second), 409, "conflict")
    assert await all_there_is(still) == before
    found(await undo(still, order, first))
    problem(await undo(still, order, second), 409, "conflict")
    await assert_sound(still, clock)


async def test_nothing_is_undone_into_a_closed_location(still: Shop, clock: Clock) -> None:
    tea = await two_places(still, 0, 2)
    order = await confirmed(still, (tea, 2))
    made = await sent(still, order)
    annex = (await still.get("/locations/")).json()[-1]
    path = f"/locations/{annex['id']}"
    found(await still.patch(path, {"active": False}))
    before = await all_there_is(still)
    problem(await undo(still, order, made), 409, "conflict")
    assert await all_there_is(still) == before
    found(await still.patch(path, {"active": True}))
    found(await undo(still, order, made))
    await assert_sound(still, clock)


async def test_what_was_sent_from_elsewhere_is_promised_where_it_was_sent_from(
    still: Shop, clock: Clock
) -> None:
    tea = await two_places(still, 3, 3)
    order = await confirmed(still, (tea, 2))
    made = await sent(still, order, location="annex")
    found(await undo(still, order, made))
    assert await stock_at(still, tea) == [("main", 3, 0, 3), ("annex", 3, 2, 1)]
    assert await promised(still, tea) == [(order["id"], "annex", 2)]
    await assert_sound(still, clock)


async def test_units_that_are_promised_again_join_those_that_still_are(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 5))
    found(await undo(still, order, await sent(still, order, (tea, 2))))
    assert await promised(still, tea) == [(order["id"], "main", 5)]
    found(await reorder(still, order, (tea, 1)))
    assert await promised(still, tea) == [(order["id"], "main", 1)]
    await assert_sound(still, clock)


async def test_a_fulfillment_of_another_order_or_of_none_is_not_found(still: Shop) -> None:
    tea = await still.product(stock=9)
    order, other = await confirmed(still, (tea, 1)), await confirmed(still, (tea, 1))
    made = await sent(still, order)
    await sent(still, other)
    before = await all_there_is(still)
    problem(await undo(still, other, made), 404, "not_found")
    problem(await undo(still, order, {"id": 10**9}), 404, "not_found")
    problem(await undo(still, {"id": 10**9}, made), 404, "not_found")
    assert await all_there_is(still) == before


async def test_a_line_that_was_undone_and_edited_away_leaves_its_number_to_another(
    still: Shop, clock: Clock
) -> None:
    tea, mint, sage = [await still.product(stock=9) for _ in range(3)]
    order = await confirmed(still, (tea, 1), (mint, 2))
    found(await undo(still, order, await sent(still, order, (mint, 2))))
    found(await reorder(still, order, (tea, 1)))
    found(await reorder(still, order, (tea, 1), (sage, 3)))
    assert contents(await sent(still, order)) == [(1, "main", 1), (2, "main", 3)]
    assert [await stock(still, one) for one in (tea, mint, sage)] == [
        *((8, 0, 8), (9, 0, 9), (6, 0, 6)),
    ]
    await assert_sound(still, clock)


async def test_a_fulfillment_of_many_products_is_undone_whole(still: Shop, clock: Clock) -> None:
    await location(still, "annex")
    teas = [await still.product(stock=1) for _ in range(4)]
    for tea in teas:
        await receive(still, tea, 1, "annex")
    order = await confirmed(still, *((tea, 2) for tea in teas))
    made = await sent(still, order)
    assert len(made["items"]) == 8
    found(await do(still, order, f"fulfillments/{made['id']}/undo"))
    assert [await stock(still, tea) for tea in teas] == [(2, 2, 0)] * 4
    await assert_sound(still, clock)
