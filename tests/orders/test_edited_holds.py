"""A Pending order with a hold is edited together with what it holds, and its hold ends when it did."""

import pytest

from tests.builders import Clock, Shop, found, problem
from tests.orders.acting import (
    all_there_is,
    drop,
    edit,
    ledger,
    promised,
    reorder,
    story,
    two_places,
    units,
)
from tests.orders.holding import assert_sound, ends, held, stock, stock_at

pytestmark = pytest.mark.anyio


async def test_a_hold_grows_and_shrinks_with_its_order(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=5), await still.product(stock=5)
    end = ends(clock, 10)
    order = await held(still, 10, (tea, 2))
    clock.advance(seconds=60)
    more = found(await reorder(still, order, (tea, 4), (mint, 1)))
    assert (more["status"], more["expires_at"]) == ("Pending", end)
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 4, 1), (5, 1, 4))
    found(await reorder(still, order, (tea, 1)))
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 1, 4), (5, 0, 5))
    assert [move[0] for move in await ledger(still, order)] == [
        *("reserve", "reserve", "reserve", "release", "release"),
    ]
    await assert_sound(still, clock)


async def test_a_hold_ends_as_it_would_have_with_all_that_was_added(
    still: Shop, clock: Clock
) -> None:
    tea, mint = await still.product(stock=5), await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    found(await reorder(still, order, (tea, 3), (mint, 4)))
    clock.advance(seconds=600)
    assert (await still.reload(order))["status"] == "Expired"
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 0, 5), (5, 0, 5))
    assert (await still.confirm(await still.order((mint, 5))))["status"] == "Confirmed"
    await assert_sound(still, clock)


async def test_what_there_is_not_enough_of_is_not_held(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    before = await all_there_is(still)
    refusal = problem(await reorder(still, order, (tea, 6)), 409, "insufficient_stock")
    assert [(one["requested"], one["available"]) for one in refusal["shortages"]] == [(4, 3)]
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_an_edited_hold_is_confirmed_as_it_is_by_then(still: Shop, clock: Clock) -> None:
    tea = await two_places(still, 3, 3)
    order = await held(still, 10, (tea, 2))
    found(await reorder(still, order, (tea, 5)))
    await still.confirm(order)
    clock.advance(hours=1)
    assert (await still.reload(order))["status"] == "Confirmed"
    assert await promised(still, tea) == [(order["id"], "main", 3), (order["id"], "annex", 2)]
    await assert_sound(still, clock)


async def test_a_hold_that_ended_unnoticed_is_written_off_by_a_refused_edit(
    still: Shop, clock: Clock
) -> None:
    """At the moment when it ended."""
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    end = clock.at + 600 * 10**6
    clock.advance(seconds=900)
    problem(await reorder(still, order, (tea, 3)), 409, "order_expired")
    assert await story(still, order) == ["created", "expired"]
    assert await stock_at(still, tea, end - 1) == [("main", 5, 2, 3)]
    assert await stock_at(still, tea, end) == [("main", 5, 0, 5)]
    await assert_sound(still, clock)


async def test_a_hold_without_what_was_cancelled_holds_the_rest(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=5), await still.product(stock=5)
    order = await held(still, 10, (tea, 2), (mint, 3))
    found(await drop(still, order, (tea, 2), (mint, 1)))
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 0, 5), (5, 2, 3))
    confirmed = await still.confirm(order)
    assert units(confirmed) == [(2, 0, 0, 2), (3, 0, 0, 1)]
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 0, 5), (5, 2, 3))
    await assert_sound(still, clock)


async def test_a_hold_of_which_all_is_cancelled_is_gone(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    gone = found(await drop(still, order, (tea, 2)))
    assert (gone["status"], gone["expires_at"]) == ("Cancelled", None)
    clock.advance(seconds=601)
    assert (await still.reload(order))["status"] == "Cancelled"
    assert await stock(still, tea) == (5, 0, 5)
    await assert_sound(still, clock)


@pytest.mark.parametrize("fields", [{"note": "now"}, {"payment_status": "paid"}])
async def test_what_is_said_about_a_held_order_does_not_touch_its_hold(
    still: Shop, clock: Clock, fields: dict[str, str]
) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    before = await ledger(still, order)
    edited = found(await edit(still, order, **fields))
    assert edited["expires_at"] == order["expires_at"]
    assert await ledger(still, order) == before
    await assert_sound(still, clock)


async def test_an_order_read_as_expired_is_paid_with_the_tag_it_was_read_with(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    clock.advance(seconds=601)
    path = f"/orders/{order['id']}"
    read = await still.get(path)
    assert found(read)["status"] == "Expired"
    tag = {"if-match": read.headers["etag"]}
    paid = found(await still.patch(path, {"payment_status": "paid"}, headers=tag))
    assert (paid["status"], paid["payment_status"]) == ("Expired", "paid")


async def test_an_order_that_expires_by_itself_is_not_the_one_that_was_read(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 2))
    path = f"/orders/{order['id']}"
    tag = {"if-none-match": (await still.get(path)).headers["etag"]}
    assert (await still.get(path, headers=tag)).status_code == 304
    clock.advance(seconds=601)
    again = await still.get(path, headers=tag)
    assert found(again)["status"] == "Expired"
