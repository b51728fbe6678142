"""What is printed of orders, and the reservations that a pick list is made of."""

import re

import pytest

from tests.builders import Clock, Shop, found, problem
from tests.orders.acting import confirmed, sent, two_places
from tests.orders.desk import Person, at, said
from tests.orders.holding import hold, rows

pytestmark = pytest.mark.anyio


async def test_reservations_tell_where_what_is_promised_lies(still: Shop, clock: Clock) -> None:
    tea, mint = await two_places(still, 2, 9), await still.product()
    order = await still.order((tea, 3), (mint, 1))
    path = at(order, "reservations")
    assert await rows(still, path) == []
    until = found(await hold(still, order, 10))["expires_at"]
    held = await rows(still, path)
    assert [(one["line"], one["location"], one["quantity"]) for one in held] == [
        *((1, "main", 2), (1, "annex", 1), (2, "main", 1)),
    ]
    assert {one["expires_at"] for one in held} == {until}
    await still.confirm(order)
    assert {one["expires_at"] for one in await rows(still, path)} == {None}
    await sent(still, order, (tea, 2))
    left = [(one["location"], one["quantity"]) for one in await rows(still, path)]
    assert sum(units for _, units in left) == 2
    await still.cancel(order)
    assert await rows(still, path) == []
    problem(await still.get("/orders/999/reservations"), 404, "not_found")
    other = await still.order((mint, 1))
    found(await hold(still, other, 10))
    assert len(await rows(still, at(other, "reservations"))) == 1
    clock.advance(hours=1)
    assert await rows(still, at(other, "reservations")) == []


async def test_a_pick_list_goes_from_place_to_place_in_the_order_of_skus(
    still: Shop, me: Person
) -> None:
    pear, fig = await two_places(still, 2, 9), await still.product(sku="a-fig")
    first, second = await confirmed(still, (pear, 3), (fig, 1)), await confirmed(still, (fig, 2))
    idle = await still.order((fig, 1))
    query = "&".join(f"order={one['id']}" for one in (first, second, second, idle))
    page = await me.look(f"/orders/pick-list?{query}")
    words = said(page)
    assert words.index("Main") < words.index("annex")
    fig_row, pear_row, *_ = re.findall(r'<tr><td><span class="box">.*?</tr>', page, re.DOTALL)
    assert f"3 {fig['name']}" in said(fig_row)
    assert f"1 for order {first['id']} , 2 for order {second['id']}" in said(fig_row)
    assert f"2 {pear['name']}" in said(pear_row)
    assert 'aria-label="Barcode: a-fig"' in fig_row
    assert f"Nothing is reserved for order {idle['id']} (Pending)" in words
    alone = said(await me.look(at(first, "pick-list")))
    assert alone.count("Pick list ·") == 2
    assert "For" not in alone.split()


async def test_a_packing_slip_lists_one_parcel_or_all_that_is_to_be_sent(
    still: Shop, me: Person
) -> None:
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 3), (mint, 1))
    body = {"reference": "A-7", "customer": {"name": "Ada", "address": "Lane 1\nTown"}}
    found(await still.patch(at(order), body))
    parcel = await sent(still, order, (tea, 2), carrier="Post", tracking_number="RV 1")
    rest = await me.look(at(order, "packing-slip"))
    assert f"{tea['name']} {tea['sku']} 3 1 {mint['name']} {mint['sku']} 1 1" in said(rest)
    assert 'aria-label="Barcode: A-7"' in rest
    assert "Ada Lane 1 Town" in said(rest)
    one = said(await me.look(f"{at(order, 'packing-slip')}?fulfillment={parcel['id']}"))
    assert f"{tea['name']} {tea['sku']} 3 2" in one
    assert mint["name"] not in one
    assert "Post RV 1" in one
    await me.look(f"{at(order, 'packing-slip')}?fulfillment=999", 404)


async def test_an_order_without_a_reference_has_its_number_as_its_barcode(
    still: Shop, me: Person
) -> None:
    order = await still.order((await still.product(), 1))
    page = await me.look(at(order, "packing-slip"))
    assert f'aria-label="Barcode: {order["id"]}"' in page
    found(await still.patch(at(order), {"reference": "Übung 🍵"}))
    page = await me.look(at(order, "packing-slip"))
    assert f'aria-label="Barcode: {order["id"]}"' in page


async def test_a_pick_list_has_a_bound(me: Person) -> None:
    query = "&".join(f"order={number}" for number in range(1, 102))
    await me.look(f"/orders/pick-list?{query}", 422)
    await me.look("/orders/pick-list?order=x", 422)
    await me.look("/orders/pick-list?order=404", 404)
