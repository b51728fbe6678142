"""What is sent of orders: on hand and reserved go down together, from where the goods are."""

import asyncio

import pytest

from tests.builders import Clock, Json, Shop, found, problem
from tests.orders.acting import (
    Move,
    all_there_is,
    confirmed,
    contents,
    do,
    edit,
    items,
    ledger,
    parcels,
    promised,
    send,
    sent,
    story,
    timeline,
    two_places,
    units,
)
from tests.orders.holding import assert_sound, location, receive, stock, stock_at

pytestmark = pytest.mark.anyio


async def test_a_whole_order_is_sent(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=5), await still.product(stock=5)
    order = await confirmed(still, (tea, 2), (mint, 1), (tea, 1))
    before = await ledger(still, order)
    made = await sent(still, order, carrier="DHL", tracking_number="JD 01")
    assert contents(made) == [(1, "main", 2), (2, "main", 1), (3, "main", 1)]
    assert (made["carrier"], made["tracking_number"], made["actor"]) == ("DHL", "JD 01", "user:1")
    assert sorted((await ledger(still, order))[len(before) :]) == [
        ("fulfill", tea["id"], "main", -2, -2),
        ("fulfill", tea["id"], "main", -1, -1),
        ("fulfill", mint["id"], "main", -1, -1),
    ]
    done = await still.reload(order)
    assert (done["status"], done["fulfilled_at"]) == ("Fulfilled", made["created_at"])
    assert await parcels(still, order) == [made]
    assert await promised(still, tea) == []
    await assert_sound(still, clock)


async def test_an_order_is_sent_part_by_part(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 4))
    first = await sent(still, order, (tea, 1))
    part = await still.reload(order)
    assert (part["status"], part["fulfilled_at"]) == ("Confirmed", None)
    assert await stock(still, tea) == (4, 3, 1)
    rest = await sent(still, order)
    assert await parcels(still, order) == [first, rest]
    assert contents(rest) == [(1, "main", 3)]
    assert await story(still, order) == ["created", "confirmed", "partly_fulfilled", "fulfilled"]
    problem(await send(still, order), 409, "order_not_confirmed")
    await assert_sound(still, clock)


async def test_two_parts_at_once_are_told_one_after_the_other(still: Shop, clock: Clock) -> None:
    """The first of them did not fulfill the order."""
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 2))
    answers = await asyncio.gather(*(send(still, order, (tea, 1)) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert await story(still, order) == ["created", "confirmed", "partly_fulfilled", "fulfilled"]
    await assert_sound(still, clock)


async def test_more_than_is_open_is_not_sent(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 4), (mint, 1))
    await sent(still, order, (tea, 3))
    before = await all_there_is(still)
    refusal = problem(await send(still, order, (tea, 2), (mint, 1)), 409, "quantity_exceeded")
    assert refusal["exceeded"] == [{"product_id": tea["id"], "requested": 2, "possible": 1}]
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_a_product_named_twice_is_one_wish(still: Shop, clock: Clock) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 2), (tea, 2))
    problem(await send(still, order, (tea, 3), (tea, 2)), 409, "quantity_exceeded")
    made = await sent(still, order, (tea, 1), (tea, 2))
    assert contents(made) == [(1, "main", 2), (2, "main", 1)]
    await assert_sound(still, clock)


async def test_a_line_that_is_named_is_the_one_that_is_sent(still: Shop, clock: Clock) -> None:
    """Although the same product without a line comes first, and could take it."""
    tea = await still.product()
    order = await confirmed(still, (tea, 2), (tea, 2))
    asked = [*items((tea, 2)), {**items((tea, 2))[0], "line": 1}]
    made = found(await do(still, order, "fulfillments", {"items": asked}), 201)
    assert contents(made) == [(1, "main", 2), (2, "main", 2)]
    await assert_sound(still, clock)


@pytest.mark.parametrize(("line", "place"), [(2, 0), (3, 0), (1, 1), (99, 0)])
async def test_a_line_of_another_product_or_of_nobody_has_nothing_to_send(
    still: Shop, line: int, place: int
) -> None:
    products = [await still.product(), await still.product()]
    order = await confirmed(still, *((one, 1) for one in products))
    asked = [{**items((products[place], 1))[0], "line": line}]
    refusal = await do(still, order, "fulfillments", {"items": asked})
    (excess,) = problem(refusal, 409, "quantity_exceeded")["exceeded"]
    assert (excess["line"], excess["possible"]) == (line, 0)


async def test_what_is_promised_at_two_locations_leaves_from_both(
    still: Shop, clock: Clock
) -> None:
    tea = await two_places(still, 2, 5)
    order = await confirmed(still, (tea, 4))
    assert contents(await sent(still, order)) == [(1, "main", 2), (1, "annex", 2)]
    assert await stock_at(still, tea) == [("main", 0, 0, 0), ("annex", 3, 0, 3)]
    await assert_sound(still, clock)


async def test_what_is_promised_elsewhere_is_promised_here_and_sent(
    still: Shop, clock: Clock
) -> None:
    tea = await two_places(still, 5, 3)
    order = await confirmed(still, (tea, 4))
    before = await ledger(still, order)
    made = await sent(still, order, (tea, 3), location="annex")
    assert contents(made) == [(1, "annex", 3)]
    number = tea["id"]
    assert (await ledger(still, order))[len(before) :] == [
        ("release", number, "main", 0, -3),
        ("reserve", number, "annex", 0, 3),
        ("fulfill", number, "annex", -3, -3),
    ]
    assert await stock_at(still, tea) == [("main", 5, 1, 4), ("annex", 0, 0, 0)]
    assert await promised(still, tea) == [(order["id"], "main", 1)]
    await assert_sound(still, clock)


async def moves_of_a_part(shop: Shop, tea: Json) -> list[Move]:
    order = await confirmed(shop, (tea, 4))
    before = await ledger(shop, order)
    await sent(shop, order, (tea, 2), location="main")
    return (await ledger(shop, order))[len(before) :]


async def test_what_is_promised_here_is_not_moved(still: Shop, clock: Clock) -> None:
    tea = await two_places(still, 3, 5)
    assert await moves_of_a_part(still, tea) == [("fulfill", tea["id"], "main", -2, -2)]
    await assert_sound(still, clock)


async def test_a_location_that_has_too_little_of_it_sends_nothing(
    still: Shop, clock: Clock
) -> None:
    """Two units of its own promise lie there, and one more is free: four can't be sent."""
    tea, mint = await two_places(still, 2, 3), await two_places(still, 0, 1)
    order = await confirmed(still, (tea, 4), (mint, 1))
    await confirmed(still, (tea, 0 + 1))
    before = await all_there_is(still)
    answer = await send(still, order, (tea, 3), (mint, 1), location="main")
    refusal = problem(answer, 409, "insufficient_stock")
    told = [(one["product_id"], one["requested"], one["available"]) for one in refusal["shortages"]]
    assert told == [(tea["id"], 3, 2), (mint["id"], 1, 0)]
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_two_lines_of_a_product_share_what_a_location_has(still: Shop, clock: Clock) -> None:
    tea = await two_places(still, 4, 3)
    order = await confirmed(still, (tea, 2), (tea, 2))
    answer = await send(still, order, location="annex")
    refusal = problem(answer, 409, "insufficient_stock")
    assert [(one["requested"], one["available"]) for one in refusal["shortages"]] == [(4, 3)]
    made = await sent(still, order, (tea, 3), location="annex")
    assert contents(made) == [(1, "annex", 2), (2, "annex", 1)]
    await assert_sound(still, clock)


async def test_a_location_that_is_closed_or_nobodys_sends_nothing(
    still: Shop, clock: Clock
) -> None:
    tea, shut = await still.product(), await location(still, "shut")
    found(await still.patch(f"/locations/{shut['id']}", {"active": False}))
    order = await confirmed(still, (tea, 1))
    before = await all_there_is(still)
    problem(await send(still, order, location="shut"), 409, "conflict")
    problem(await send(still, order, location="nowhere"), 422, "validation_error")
    assert await all_there_is(still) == before
    await assert_sound(still, clock)


async def test_an_order_on_hold_is_not_sent_until_it_is_off_hold(still: Shop, clock: Clock) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 2))
    held = found(await edit(still, order, on_hold_reason="address unclear"))
    assert (held["on_hold"], held["on_hold_reason"]) == (True, "address unclear")
    before = await all_there_is(still)
    refusal = problem(await send(still, order), 409, "order_on_hold")
    assert refusal["order_id"] == order["id"]
    assert await all_there_is(still) == before
    found(await edit(still, order, on_hold_reason=None))
    await sent(still, order)
    await assert_sound(still, clock)


async def test_a_parcel_gets_its_number_later(still: Shop) -> None:
    order = await confirmed(still, (await still.product(), 2))
    made = await sent(still, order)
    path = f"/orders/{order['id']}/fulfillments/{made['id']}"
    tracked = found(await still.patch(path, {"carrier": "DHL", "tracking_number": "7"}))
    assert tracked == {**made, "carrier": "DHL", "tracking_number": "7"}
    assert found(await still.patch(path, {"carrier": "DHL"})) == tracked
    assert found(await still.patch(path, {"carrier": None}))["carrier"] is None
    told = (await timeline(still, order))[-2:]
    assert [one["data"]["carrier"] for one in told] == ["DHL", None]
    other = await confirmed(still, (await still.product(), 1))
    astray = f"/orders/{other['id']}/fulfillments/{made['id']}"
    problem(await still.patch(astray, {"carrier": "UPS"}), 404, "not_found")


async def test_goods_that_came_later_are_promised_and_sent_by_rank(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=2)
    order = await confirmed(still, (tea, 2))
    await location(still, "near", priority=0)
    await receive(still, tea, 2, "near")
    assert contents(await sent(still, order, (tea, 1))) == [(1, "main", 1)]
    assert units(await still.reload(order)) == [(2, 1, 0, 0)]
    await assert_sound(still, clock)
