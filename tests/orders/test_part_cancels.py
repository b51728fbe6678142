"""Units that are not wanted any more: cancelled one by one, or all that is left, and given back once."""

import asyncio

import pytest

from tests.builders import Clock, Shop, found, problem
from tests.orders.acting import (
    all_there_is,
    confirmed,
    do,
    drop,
    items,
    ledger,
    promised,
    reorder,
    sent,
    story,
    timeline,
    two_places,
    units,
)
from tests.orders.holding import assert_sound, stock

pytestmark = pytest.mark.anyio


async def test_units_that_are_cancelled_are_available_again(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=5, price=2), await still.product(stock=5, price=1)
    order = await confirmed(still, (tea, 4), (mint, 1))
    before = await ledger(still, order)
    after = found(await drop(still, order, (tea, 3)))
    assert (after["status"], after["total_amount"], after["net_amount"]) == ("Confirmed", 9, 3)
    assert units(after) == [(4, 0, 0, 3), (1, 0, 0, 0)]
    assert (await ledger(still, order))[len(before) :] == [("release", tea["id"], "main", 0, -3)]
    assert await stock(still, tea) == (5, 1, 4)
    await assert_sound(still, clock)


async def test_units_are_given_back_first_where_they_were_the_last_choice(
    still: Shop, clock: Clock
) -> None:
    tea = await two_places(still, 2, 3)
    order = await confirmed(still, (tea, 5))
    found(await drop(still, order, (tea, 4)))
    assert await promised(still, tea) == [(order["id"], "main", 1)]
    await assert_sound(still, clock)


async def test_an_order_without_its_last_open_unit_is_cancelled(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 3))
    found(await drop(still, order, (tea, 2)))
    gone = found(await drop(still, order, (tea, 1)))
    assert (gone["status"], gone["cancelled_at"]) == ("Cancelled", gone["updated_at"])
    assert await stock(still, tea) == (5, 0, 5)
    assert await story(still, order) == ["created", "confirmed", "partly_cancelled", "cancelled"]
    problem(await drop(still, order, (tea, 1)), 409, "order_already_cancelled")
    problem(await do(still, order, "cancel"), 409, "order_already_cancelled")
    await assert_sound(still, clock)


async def test_a_cancellation_after_a_part_gives_back_the_rest_and_no_more(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 4))
    found(await drop(still, order, (tea, 1)))
    before = await ledger(still, order)
    gone = await still.cancel(order)
    assert units(gone) == [(4, 0, 0, 4)]
    assert (await ledger(still, order))[len(before) :] == [("release", tea["id"], "main", 0, -3)]
    assert await stock(still, tea) == (5, 0, 5)
    problem(await do(still, order, "cancel"), 409, "order_already_cancelled")
    await assert_sound(still, clock)


async def test_the_rest_of_a_partly_sent_order_is_cancelled(still: Shop, clock: Clock) -> None:
    """One of its lines has been sent whole, one in part, and one not at all."""
    teas = [await still.product(stock=5, price=1) for _ in range(3)]
    order = await confirmed(still, *((tea, 2) for tea in teas))
    await sent(still, order, (teas[0], 2), (teas[1], 1))
    gone = await still.cancel(order)
    assert units(gone) == [(2, 2, 0, 0), (2, 1, 0, 1), (2, 0, 0, 2)]
    assert (gone["total_amount"], gone["net_amount"]) == (6, 3)
    assert [await stock(still, tea) for tea in teas] == [(3, 0, 3), (4, 0, 4), (5, 0, 5)]
    await assert_sound(still, clock)


async def test_the_last_open_units_of_a_partly_sent_order_are_cancelled_one_by_one(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 3))
    await sent(still, order, (tea, 1))
    assert found(await drop(still, order, (tea, 1)))["status"] == "Confirmed"
    assert found(await drop(still, order, (tea, 1)))["status"] == "Fulfilled"
    assert await stock(still, tea) == (4, 0, 4)
    await assert_sound(still, clock)


async def test_more_than_is_open_is_not_cancelled(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 4), (mint, 1))
    await sent(still, order, (tea, 2))
    before = await all_there_is(still)
    refusal = problem(await drop(still, order, (tea, 3), (mint, 2)), 409, "quantity_exceeded")
    assert refusal["exceeded"] == [
        {"product_id": tea["id"], "requested": 3, "possible": 2},
        {"product_id": mint["id"], "requested": 2, "possible": 1},
    ]
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_a_pending_order_is_confirmed_without_what_was_cancelled(
    still: Shop, clock: Clock
) -> None:
    tea, mint = await still.product(stock=2), await still.product(stock=0)
    order = await still.order((tea, 3), (mint, 1))
    found(await drop(still, order, (tea, 1), (mint, 1)))
    assert await ledger(still, order) == []
    confirmed = await still.confirm(order)
    assert units(confirmed) == [(3, 0, 0, 1), (1, 0, 0, 1)]
    assert await stock(still, tea) == (2, 2, 0)
    await sent(still, order)
    assert (await still.reload(order))["status"] == "Fulfilled"
    await assert_sound(still, clock)


async def test_what_was_cancelled_can_not_be_edited_away_but_more_can_be_wanted(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 4))
    found(await drop(still, order, (tea, 3)))
    problem(await reorder(still, order, (tea, 2)), 409, "quantity_exceeded")
    problem(await reorder(still, order, (tea, 3)), 409, "conflict")
    assert units(found(await reorder(still, order, (tea, 6)))) == [(6, 0, 0, 3)]
    assert await stock(still, tea) == (5, 3, 2)
    await assert_sound(still, clock)


async def test_many_who_cancel_the_same_units_at_once_cancel_what_there_is(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 5))
    answers = await asyncio.gather(*(drop(still, order, (tea, 2)) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, *3 * [409]]
    assert await stock(still, tea) == (9, 1, 8)
    await assert_sound(still, clock)


async def test_two_lines_of_a_product_are_cancelled_as_they_come_or_as_they_are_named(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 2), (tea, 3))
    named = [{**items((tea, 1))[0], "line": 2}]
    found(await do(still, order, "cancellations", {"items": named}))
    after = found(await drop(still, order, (tea, 2), (tea, 1)))
    assert [one[3] for one in units(after)] == [2, 2]
    assert await promised(still, tea) == [(order["id"], "main", 1)]
    await assert_sound(still, clock)


async def test_a_part_is_told_in_the_timeline(still: Shop) -> None:
    tea = await still.product(price=2)
    order = await confirmed(still, (tea, 3))
    found(await drop(still, order, (tea, 1)))
    assert (await timeline(still, order))[-1]["data"] == {
        "total_amount": 6,
        "items": [{"line": 1, "product_id": tea["id"], "quantity": 1}],
    }
