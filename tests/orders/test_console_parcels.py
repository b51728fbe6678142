"""What is sent of an order, comes back or is cancelled of it, by the console's forms."""

import re

import pytest

from tests.builders import Shop
from tests.orders.acting import confirmed, parcels, sent, take_back, two_places, units
from tests.orders.desk import Person, at, pressed, refused, said

pytestmark = pytest.mark.anyio


async def test_a_part_is_sent_tracked_undone_and_sent_again_from_elsewhere(
    still: Shop, me: Person
) -> None:
    tea = await two_places(still, 5, 5)
    order = await confirmed(still, (tea, 3))
    page = await me.look(at(order, "fulfill"))
    assert re.search(r'name="quantity-1"[^>]*max="3"[^>]*value="3"', page)
    how = {"quantity-1": "2", "carrier": "Post"}
    answer = await me.send(at(order, "fulfill"), at(order, "fulfill"), **how)
    assert answer.status_code == 303
    (first,) = await parcels(still, order)
    await pressed(me, order, f"fulfillments/{first['id']}/tracking", tracking_number="RV 1")
    assert "RV 1" in await me.look(at(order))
    await pressed(me, order, f"fulfillments/{first['id']}/undo")
    assert "It was undone on" in (refused(await me.look(at(order)), "Undo") or "")
    answer = await me.send(
        at(order, "fulfill"), at(order, "fulfill"), **{"quantity-1": "3", "location": "annex"}
    )
    assert answer.status_code == 303
    assert (await still.reload(order))["status"] == "Fulfilled"


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [("4", 409, "3 at most"), ("x", 422, "quantity-1-error"), ("0", 422, "at least one line")],
)
async def test_what_can_not_be_sent_is_told_beside_its_line_and_nothing_typed_is_lost(
    still: Shop, me: Person, typed: str, status: int, told: str
) -> None:
    order = await confirmed(still, (await still.product(), 3))
    how = {"quantity-1": typed, "carrier": "Red Van", "tracking_number": "RV 4711"}
    answer = await me.send(at(order, "fulfill"), at(order, "fulfill"), **how)
    assert answer.status_code == status
    for kept in (f'value="{typed}"', 'value="Red Van"', 'value="RV 4711"', told):
        assert kept in answer.text, kept
    assert await still.reload(order) == order


async def test_what_another_location_lacks_is_told_by_the_name_of_the_product(
    still: Shop, me: Person
) -> None:
    tea = await two_places(still, 5, 1)
    order = await confirmed(still, (tea, 3))
    how = {"quantity-1": "3", "location": "annex"}
    answer = await me.send(at(order, "fulfill"), at(order, "fulfill"), **how)
    assert answer.status_code == 409
    assert f"{tea['name']} 3 1 2" in said(answer.text)
    assert re.search(r'<option value="annex" selected>', answer.text)


async def test_units_come_back_or_are_cancelled_line_by_line(still: Shop, me: Person) -> None:
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 3), (mint, 2))
    await sent(still, order, (tea, 3))
    page = await me.look(at(order, "return"))
    assert 'name="quantity-1"' in page
    assert 'name="quantity-2"' not in page
    back = {"quantity-1": "2", "disposition": "write_off", "reason": "wet", "location": "main"}
    assert (await me.send(at(order, "return"), at(order, "return"), **back)).status_code == 303
    assert "Written off" in said(await me.look(at(order)))
    less = {"quantity-2": "1"}
    answer = await me.send(at(order, "cancel-units"), at(order, "cancel-units"), **less)
    assert answer.status_code == 303
    assert units(await still.reload(order)) == [(3, 3, 2, 0), (2, 0, 0, 1)]


async def test_more_than_was_sent_does_not_come_back(still: Shop, me: Person) -> None:
    order = await confirmed(still, (await still.product(), 3))
    await sent(still, order)
    typed = {"quantity-1": "9", "disposition": "restock", "reason": "all of it"}
    answer = await me.send(at(order, "return"), at(order, "return"), **typed)
    assert answer.status_code == 409
    assert "3 at most" in said(answer.text).lower()
    assert 'value="all of it"' in answer.text
    await take_back(still, order, *[({"id": order["items"][0]["product_id"]}, 3)])
    assert refused(await me.look(at(order)), "Return") == "All that was sent has come back."
