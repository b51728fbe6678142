"""Edits of what is ordered: only the difference is moved, all of it or none."""

import asyncio

import pytest

from tests.builders import Clock, Json, Shop, found, problem
from tests.orders.acting import (
    all_there_is,
    confirmed,
    edit,
    items,
    ledger,
    promised,
    reorder,
    sent,
    story,
    two_places,
    units,
)
from tests.orders.holding import assert_sound, location, receive, stock

pytestmark = pytest.mark.anyio


def lines(order: Json) -> list[tuple[int, int, int]]:
    """Number, product and quantity of each line."""
    return [(one["line"], one["product_id"], one["quantity"]) for one in order["items"]]


async def test_more_of_a_confirmed_order_reserves_the_difference(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=10), await still.product(stock=10)
    order = await confirmed(still, (tea, 4), (mint, 1))
    before = await ledger(still, order)
    edited = found(await reorder(still, order, (tea, 7), (mint, 1)))
    assert lines(edited) == [(1, tea["id"], 7), (2, mint["id"], 1)]
    assert await ledger(still, order) == [*before, ("reserve", tea["id"], "main", 0, 3)]
    assert await stock(still, tea) == (10, 7, 3)
    assert await promised(still, tea) == [(order["id"], "main", 7)]
    await assert_sound(still, clock)


async def test_less_of_a_confirmed_order_releases_the_difference(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=4)
    order = await confirmed(still, (tea, 4))
    before = await ledger(still, order)
    found(await reorder(still, order, (tea, 1)))
    assert await ledger(still, order) == [*before, ("release", tea["id"], "main", 0, -3)]
    assert await promised(still, tea) == [(order["id"], "main", 1)]
    await assert_sound(still, clock)


async def test_a_line_that_goes_and_one_that_comes_are_all_that_moves(
    still: Shop, clock: Clock
) -> None:
    tea, mint, sage = [await still.product(stock=5) for _ in range(3)]
    order = await confirmed(still, (tea, 2), (mint, 3))
    before = await ledger(still, order)
    edited = found(await reorder(still, order, (tea, 2), (sage, 4)))
    assert lines(edited) == [(1, tea["id"], 2), (3, sage["id"], 4)]
    assert sorted((await ledger(still, order))[len(before) :]) == [
        ("release", mint["id"], "main", 0, -3),
        ("reserve", sage["id"], "main", 0, 4),
    ]
    await assert_sound(still, clock)


async def test_two_lines_of_a_product_become_one_and_nothing_more_is_wanted(
    still: Shop, clock: Clock
) -> None:
    """There is not one unit left, and none is needed."""
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 3), (tea, 2))
    edited = found(await reorder(still, order, (tea, 5)))
    assert lines(edited) == [(1, tea["id"], 5)]
    assert await stock(still, tea) == (5, 5, 0)
    assert await promised(still, tea) == [(order["id"], "main", 5)]
    await assert_sound(still, clock)


async def test_units_that_change_lines_ask_for_no_stock(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 4), (tea, 1))
    edited = found(await reorder(still, order, (tea, 1), (tea, 4)))
    assert units(edited) == [(1, 0, 0, 0), (4, 0, 0, 0)]
    assert await stock(still, tea) == (5, 5, 0)
    await assert_sound(still, clock)


async def test_one_line_of_a_product_becomes_two(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 2))
    edited = found(await reorder(still, order, (tea, 2), (tea, 3)))
    assert lines(edited) == [(1, tea["id"], 2), (2, tea["id"], 3)]
    assert await stock(still, tea) == (5, 5, 0)
    await assert_sound(still, clock)


async def test_an_edit_is_done_with_all_its_lines_or_not_at_all(still: Shop, clock: Clock) -> None:
    """Every shortage is told, by how much more is wanted than the order gives back itself."""
    tea, mint, sage = [await still.product(stock=5) for _ in range(3)]
    order = await confirmed(still, (tea, 2), (mint, 2))
    before = await all_there_is(still)
    wants = {"items": items((tea, 8), (mint, 1), (sage, 6)), "note": "more"}
    refusal = problem(await edit(still, order, **wants), 409, "insufficient_stock")
    assert [(one["product_id"], one["requested"]) for one in refusal["shortages"]] == [
        (tea["id"], 6),
        (sage["id"], 6),
    ]
    assert refusal["order_id"] == order["id"]
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_a_pending_order_may_ask_for_more_than_there_is(still: Shop) -> None:
    tea = await still.product(stock=5)
    order = await still.order((tea, 1))
    assert lines(found(await reorder(still, order, (tea, 50)))) == [(1, tea["id"], 50)]
    assert await ledger(still, order) == []


async def test_lines_that_stay_keep_their_price_and_new_products_take_todays(
    still: Shop, clock: Clock
) -> None:
    tea, mint = await still.product(price=2.5), await still.product(price=4)
    order = await confirmed(still, (tea, 1))
    for product, price in ((tea, 9.75), (mint, 5.25)):
        found(await still.patch(f"/products/{product['id']}", {"price": price}))
    edited = found(await reorder(still, order, (tea, 2), (mint, 2), (tea, 1)))
    priced = [(one["product_id"], one["unit_price"]) for one in edited["items"]]
    assert priced == [(tea["id"], 2.5), (mint["id"], 5.25), (tea["id"], 2.5)]
    assert edited["total_amount"] == edited["net_amount"] == 18
    await assert_sound(still, clock)


async def test_a_change_of_price_alone_changes_no_order(still: Shop) -> None:
    tea = await still.product(price=2.5)
    order = await confirmed(still, (tea, 2))
    found(await still.patch(f"/products/{tea['id']}", {"price": 9}))
    assert found(await reorder(still, order, (tea, 2))) == order


async def test_an_archived_product_can_not_be_added_but_what_was_ordered_of_it_may_change(
    still: Shop, clock: Clock
) -> None:
    tea, mint = await still.product(stock=9), await still.product()
    order = await confirmed(still, (tea, 2))
    for product in (tea, mint):
        found(await still.post(f"/products/{product['id']}/archive"))
    refusal = problem(await reorder(still, order, (tea, 2), (mint, 1)), 422, "product_archived")
    assert refusal["product_ids"] == [mint["id"]]
    assert lines(found(await reorder(still, order, (tea, 3)))) == [(1, tea["id"], 3)]
    await assert_sound(still, clock)


async def test_products_that_are_not_there_are_named(still: Shop) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 2))
    before = await all_there_is(still)
    refusal = await reorder(still, order, (tea, 3), ({"id": 99}, 1), ({"id": 77}, 1))
    assert problem(refusal, 422, "product_not_found")["product_ids"] == [77, 99]
    assert await all_there_is(still) == before


async def test_the_same_again_is_no_change(still: Shop) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 2))
    same = {"items": items((tea, 2)), "note": None, "payment_status": "unpaid"}
    path = f"/orders/{order['id']}"
    tag = (await still.get(path)).headers["etag"]
    answer = await edit(still, order, **same)
    assert (found(answer), answer.headers["etag"]) == (order, tag)
    assert found(await edit(still, order)) == order
    assert await story(still, order) == ["created", "confirmed"]


async def test_an_edit_of_what_has_changed_since_is_refused(still: Shop) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 2))
    path = f"/orders/{order['id']}"
    read = {"if-match": (await still.get(path)).headers["etag"]}
    answer = await still.patch(path, {"items": items((tea, 3))}, headers=read)
    assert found(answer)["items"][0]["quantity"] == 3
    before = await all_there_is(still)
    late = await still.patch(path, {"items": items((tea, 4))}, headers=read)
    problem(late, 412, "precondition_failed")
    assert await all_there_is(still) == before
    now = {"if-match": answer.headers["etag"]}
    found(await still.patch(path, {"items": items((tea, 4))}, headers=now))


async def test_what_was_sent_can_not_be_edited_away(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 4), (mint, 1))
    await sent(still, order, (tea, 3))
    before = await all_there_is(still)
    for wish in ([(tea, 2), (mint, 1)], [(mint, 1)]):
        refusal = problem(await reorder(still, order, *wish), 409, "quantity_exceeded")
        (excess,) = refusal["exceeded"]
        assert (excess["line"], excess["minimum"]) == (1, 3)
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_what_is_left_without_its_open_lines_is_fulfilled(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=9), await still.product(stock=9)
    order = await confirmed(still, (tea, 4), (mint, 1))
    await sent(still, order, (tea, 3))
    edited = found(await reorder(still, order, (tea, 3)))
    assert (edited["status"], edited["fulfilled_at"]) == ("Fulfilled", edited["updated_at"])
    assert (await stock(still, tea), await stock(still, mint)) == ((6, 0, 6), (9, 0, 9))
    await assert_sound(still, clock)


async def test_more_of_an_order_at_two_locations_is_taken_where_there_is_some(
    still: Shop, clock: Clock
) -> None:
    tea = await two_places(still, 3, 5)
    order = await confirmed(still, (tea, 2))
    found(await reorder(still, order, (tea, 6)))
    assert await promised(still, tea) == [(order["id"], "main", 3), (order["id"], "annex", 3)]
    before = await ledger(still, order)
    found(await reorder(still, order, (tea, 2)))
    assert (await ledger(still, order))[len(before) :] == [
        ("release", tea["id"], "annex", 0, -3),
        ("release", tea["id"], "main", 0, -1),
    ]
    await assert_sound(still, clock)


async def test_less_gives_back_first_what_was_the_last_choice(still: Shop, clock: Clock) -> None:
    """Whatever the ids of the locations say."""
    await location(still, "near", priority=0)
    tea = await still.product(stock=3)
    await receive(still, tea, 3, "near")
    main = found(await still.patch("/locations/1", {"priority": 5}))
    assert main["priority"] == 5
    order = await confirmed(still, (tea, 5))
    found(await reorder(still, order, (tea, 3)))
    assert await promised(still, tea) == [(order["id"], "near", 3)]
    await assert_sound(still, clock)


async def test_two_edits_at_once_of_one_order_come_one_after_the_other(
    still: Shop, clock: Clock
) -> None:
    """The number of a line that has just gone may be that of another product's line."""
    tea, mint, sage = [await still.product(stock=9, price=n) for n in (1, 2, 3)]
    order = await confirmed(still, (tea, 1), (mint, 2))
    wishes = [[(tea, 1)], [(tea, 1), (sage, 4)]]
    answers = await asyncio.gather(*(reorder(still, order, *wish) for wish in wishes))
    last = [found(answer) for answer in answers][-1]
    assert await still.reload(order) == last
    assert [(one["product_id"], one["quantity"]) for one in last["items"]] == [
        (tea["id"], 1),
        (sage["id"], 4),
    ]
    assert [await stock(still, one) for one in (tea, mint, sage)] == [
        *((9, 1, 8), (9, 0, 9), (9, 4, 5)),
    ]
    await assert_sound(still, clock)
