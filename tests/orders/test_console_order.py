"""An order's page: what it shows of each state, and each verb done by its form."""

import re

import pytest

from leafcraft.orders.rules import Status, Verb, why_not
from tests.builders import Clock, Shop
from tests.orders.acting import confirmed, sent, story, two_places, units
from tests.orders.desk import Person, at, pressed, refused, said, viewer
from tests.orders.holding import hold

pytestmark = pytest.mark.anyio

NOTHING_SENT = "Nothing of it has been sent."
ONLY_PENDING = "Only a Pending order can be confirmed or held."
BUTTONS = {
    "Confirm": (None, ONLY_PENDING, ONLY_PENDING, ONLY_PENDING),
    "Hold stock": (None, ONLY_PENDING, ONLY_PENDING, ONLY_PENDING),
    "Fulfill": (
        *("Only what is open of a Confirmed order can be fulfilled.", None),
        *2 * ("Only what is open of a Confirmed order can be fulfilled.",),
    ),
    "Edit": (None, None, *2 * ("Only a Pending or a Confirmed order can be edited.",)),
    "Return": (*2 * (NOTHING_SENT,), None, NOTHING_SENT),
    "Cancel units": (None, None, "Nothing of it is left to cancel.", "An order is cancelled once."),
    "Cancel the order": (
        *(None, None),
        *("Nothing of it is left to cancel.", "An order is cancelled once."),
    ),
}
"""Why each is refused in Pending, Confirmed, Fulfilled and Cancelled orders."""


# ── what it shows ────────────────────────────────────────────────────────────


async def test_each_state_offers_what_can_be_done_and_says_why_not_the_rest(
    still: Shop, me: Person, clock: Clock
) -> None:
    tea = await still.product(stock=20)
    orders = [await still.order((tea, 1)) for _ in range(5)]
    for order in orders[1:4]:
        await still.confirm(order)
    await sent(still, orders[2])
    await still.cancel(orders[3])
    pages = [await me.look(at(order)) for order in orders[:4]]
    for label, reasons in BUTTONS.items():
        assert tuple(refused(page, label) for page in pages) == reasons, label
    await hold(still, orders[4], 10)
    clock.advance(hours=1)
    page = await me.look(at(orders[4]))
    assert {refused(page, label) for label in BUTTONS if label != "Return"} == {
        "Its hold has ended, and it with it."
    }


def test_every_verb_that_is_refused_has_a_reason() -> None:
    told = {(verb, status): why_not(verb, status) for verb in Verb for status in Status}
    assert told[Verb.CONFIRM, Status.PENDING] is None
    assert told[Verb.CANCEL, Status.CANCELLED] == "an order is cancelled once"
    assert all(told[verb, Status.EXPIRED] for verb in Verb)


async def test_a_pending_order_shows_what_it_lacks_and_where_the_rest_is(
    still: Shop, me: Person
) -> None:
    tea = await two_places(still, 3, 2)
    order = await still.order((tea, 4), (tea, 3))
    page = said(await me.look(at(order)))
    assert page.count("Short by 2 only 3 at main, 2 at annex") == 2
    answer = await me.send(at(order), at(order, "confirm"))
    assert answer.status_code == 409
    assert tea["name"] in said(answer.text)
    assert "7 5 2" in said(answer.text)
    assert (await still.reload(order))["status"] == "Pending"


async def test_a_confirmed_order_shows_where_its_stock_is_reserved(still: Shop, me: Person) -> None:
    order = await confirmed(still, (await two_places(still, 2, 9), 5))
    assert "Reserved 2 at main, 3 at annex" in said(await me.look(at(order)))


async def test_a_viewer_sees_the_order_and_no_button_and_is_refused(still: Shop) -> None:
    order = await confirmed(still, (await still.product(), 1))
    async with viewer(still) as somebody:
        page = await somebody.look(at(order))
        assert "Confirmed" in said(page)
        assert not re.search(r">(Fulfill|Edit|Add note|Change|Cancel the order)<", page)
        assert f'action="/console{at(order)}' not in page
        for task in ("edit", "fulfill", "return", "cancel-units"):
            await somebody.look(at(order, task), 403)
        csrf = re.search(r'name="csrf" value="([^"]+)"', page)
        assert csrf
        for verb in ("cancel", "notes", "fulfill", "edit", "payment", "hold"):
            answer = await somebody.post(at(order, verb), {"csrf": csrf[1], "key": verb})
            assert answer.status_code == 403, verb
    assert await still.reload(order) == order


async def test_an_order_that_is_not_there_is_a_page_that_says_so(me: Person) -> None:
    for path in ("/orders/999", "/orders/999/edit", "/orders/999/packing-slip"):
        await me.look(path, 404)
    await me.look("/orders/pick-list?order=999", 404)
    await me.look("/orders/pick-list", 422)


async def test_what_is_free_text_is_never_markup(still: Shop, me: Person) -> None:
    tea = await still.product("<b>Tea</b>")
    order = await still.order((tea, 1))
    body = {"note": "<i>x</i>", "customer": {"name": "<u>y</u>", "gate": {"code": "<s>z</s>"}}}
    await still.patch(at(order), body)
    for path in (at(order), at(order, "edit"), at(order, "packing-slip")):
        page = await me.look(path)
        assert not re.search(r"<b>Tea|<i>x|<u>y|<s>z", page), path


# ── its verbs ────────────────────────────────────────────────────────────────


async def test_an_order_is_held_confirmed_paid_and_put_on_hold_by_its_buttons(
    still: Shop, me: Person
) -> None:
    order = await still.order((await still.product(), 2))
    await pressed(me, order, "hold", hold_minutes="60")
    await pressed(me, order, "confirm")
    await pressed(me, order, "payment", payment_status="paid", payment_reference="ch_1")
    await pressed(me, order, "put-on-hold", on_hold_reason="fraud?")
    held = await still.reload(order)
    assert (held["status"], held["payment_status"], held["payment_reference"]) == (
        *("Confirmed", "paid", "ch_1"),
    )
    page = await me.look(at(order))
    assert refused(page, "Fulfill") == "It is on hold. Take it off hold first."
    await pressed(me, order, "take-off-hold")
    await pressed(me, order, "notes", text="called\nat 5")
    await pressed(me, order, "cancel")
    assert await story(still, order) == [
        *("created", "held", "confirmed", "payment_changed", "put_on_hold", "taken_off_hold"),
        *("noted", "cancelled"),
    ]
    told = said(await me.look(at(order)))
    for words in ("Stock held", "fraud?", "Paid, Reference: ch_1", "called at 5 by you"):
        assert words in told


async def test_the_same_form_sent_twice_is_done_once(still: Shop, me: Person) -> None:
    order = await confirmed(still, (await still.product(), 4))
    form = {**await me.form(at(order, "fulfill"), at(order, "fulfill")), "quantity-1": "2"}
    note = {**await me.form(at(order), at(order, "notes")), "text": "once"}
    for _ in range(2):
        assert (await me.post(at(order, "fulfill"), form)).status_code == 303
        assert (await me.post(at(order, "notes"), note)).status_code == 303
    assert units(await still.reload(order)) == [(4, 2, 0, 0)]
    assert (await story(still, order)).count("noted") == 1


async def test_a_refused_dialog_is_shown_again_as_it_was_filled_in(still: Shop, me: Person) -> None:
    order = await still.order((await still.product(), 1))
    answer = await me.send(at(order), at(order, "payment"), payment_reference="x" * 300)
    assert answer.status_code == 422
    assert "x" * 300 in answer.text
    assert re.search(r'id="payment" role="dialog"[^>]*(?<!popover)>', answer.text)
    answer = await me.send(at(order), at(order, "put-on-hold"), on_hold_reason=" ")
    assert answer.status_code == 422
    assert 'aria-describedby="f-on_hold_reason-error"' in answer.text
    answer = await me.send(at(order), at(order, "notes"), text="y" * 1001)
    assert "y" * 1001 in answer.text
    answer = await me.send(at(order), at(order, "hold"), hold_minutes="soon")
    assert answer.status_code == 422


async def test_a_verb_that_somebody_was_faster_with_is_told_with_the_order_as_it_is(
    still: Shop, me: Person
) -> None:
    order = await still.order((await still.product(), 1))
    form = await me.form(at(order), at(order, "confirm"))
    await still.cancel(order)
    answer = await me.post(at(order, "confirm"), form)
    assert answer.status_code == 409
    assert f"Order {order['id']} is Cancelled" in said(answer.text)


@pytest.mark.parametrize("verb", ["confirm", "hold", "payment", "cancel", "notes"])
async def test_whoever_reloads_what_came_of_a_form_is_led_to_the_order(
    still: Shop, me: Person, verb: str
) -> None:
    order = await still.order((await still.product(), 1))
    answer = await me.client.get(f"/console{at(order, verb)}")
    assert answer.headers["location"] == f"/console{at(order)}"
