"""The timeline of an order: what happened, who did it, when, and what people wrote beside it."""

import pytest

from tests.builders import Clock, Shop, found, problem
from tests.orders.acting import (
    confirmed,
    do,
    drop,
    edit,
    items,
    reorder,
    sent,
    story,
    take_back,
    timeline,
    undo,
)
from tests.orders.holding import assert_sound, hold, rows

pytestmark = pytest.mark.anyio


async def test_every_step_is_told_once_by_whom_and_when(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=9)
    order = await still.order((tea, 4))
    clock.advance(seconds=1)
    found(await hold(still, order, 10))
    clock.advance(seconds=1)
    await still.confirm(order)
    made = await sent(still, order, (tea, 1))
    found(await undo(still, order, made))
    found(await drop(still, order, (tea, 1)))
    await sent(still, order)
    found(await take_back(still, order, (tea, 1)), 201)
    told = await timeline(still, order)
    assert [one["type"].removeprefix("order.") for one in told] == [
        *("created", "held", "confirmed", "partly_fulfilled", "fulfillment_undone"),
        *("partly_cancelled", "fulfilled", "returned"),
    ]
    assert {one["actor"] for one in told} == {"user:1"}
    assert [one["occurred_at"][17:19] for one in told] == ["00", "01", *6 * ["02"]]
    assert len({one["request_id"] for one in told}) == len(told)
    await assert_sound(still, clock)


async def test_a_note_is_kept_with_its_lines_and_never_changes(still: Shop, clock: Clock) -> None:
    order = await still.order((await still.product(), 1))
    text = "called at 5:\n\t- gate code 12\r\n  «ring twice» 🍵"
    note = found(await do(still, order, "notes", {"text": f"  {text}\n"}), 201)
    assert (note["order_id"], note["text"], note["actor"]) == (order["id"], text, "user:1")
    found(await do(still, order, "notes", {"text": "second"}), 201)
    told = (await timeline(still, order))[1:]
    assert [one["data"] for one in told] == [{"text": text}, {"text": "second"}]
    assert [one["type"] for one in told] == ["order.noted"] * 2
    assert await still.reload(order) == order
    await assert_sound(still, clock)


@pytest.mark.parametrize("text", ["", " \n ", "x" * 1001, "a\u0000b", "a\u001bb", 1, None])
async def test_what_is_no_note_is_refused(shared_shop: Shop, text: object) -> None:
    problem(await shared_shop.post("/orders/1/notes", {"text": text}), 422, "validation_error")


async def test_the_longest_note_of_the_widest_letters_is_kept(still: Shop) -> None:
    order = await still.order((await still.product(), 1))
    text = "🍵" * 1000
    found(await do(still, order, "notes", {"text": text}), 201)
    found(await edit(still, order, note=text))
    assert (await timeline(still, order))[1]["data"]["text"] == text
    assert (await still.reload(order))["note"] == text


async def test_an_order_that_is_not_there_has_no_timeline_and_takes_no_note(
    shared_shop: Shop,
) -> None:
    problem(await shared_shop.get("/orders/999/timeline"), 404, "not_found")
    problem(await shared_shop.post("/orders/999/notes", {"text": "x"}), 404, "not_found")
    for what in ("fulfillments", "returns"):
        problem(await shared_shop.get(f"/orders/999/{what}"), 404, "not_found")


async def test_an_edit_tells_what_was_and_what_is(still: Shop) -> None:
    tea, mint = await still.product(price=2.5), await still.product(price=1)
    order = await confirmed(still, (tea, 1))
    found(await edit(still, order, items=items((tea, 2), (mint, 1)), note="x", reference="A"))
    assert (await timeline(still, order))[-1]["data"] == {
        "items": [
            [{"product_id": tea["id"], "quantity": 1}],
            [{"product_id": tea["id"], "quantity": 2}, {"product_id": mint["id"], "quantity": 1}],
        ],
        "total_amount": [2.5, 6.0],
        "note": [None, "x"],
        "reference": [None, "A"],
    }


async def test_one_edit_of_everything_tells_each_kind_of_thing(still: Shop) -> None:
    order = await confirmed(still, (await still.product(), 1))
    all_of_it = {"note": "x", "on_hold_reason": "fraud?", "payment_status": "paid"}
    found(await edit(still, order, **all_of_it, payment_reference="ch_1"))
    told = (await timeline(still, order))[-3:]
    assert [(one["type"], one["data"]) for one in told] == [
        ("order.edited", {"note": [None, "x"]}),
        ("order.put_on_hold", {"reason": "fraud?"}),
        (
            "order.payment_changed",
            {"payment_status": ["unpaid", "paid"], "payment_reference": [None, "ch_1"]},
        ),
    ]
    found(await edit(still, order, on_hold_reason=None))
    assert (await story(still, order))[-1] == "taken_off_hold"


async def test_an_edit_that_leaves_nothing_open_tells_that_the_order_is_fulfilled(
    still: Shop,
) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 3))
    await sent(still, order, (tea, 2))
    assert found(await reorder(still, order, (tea, 2)))["status"] == "Fulfilled"
    assert "fulfilled" in await story(still, order)


async def test_a_timeline_goes_on_from_page_to_page_both_ways(still: Shop) -> None:
    tea = await still.product(stock=99)
    order = await still.order((tea, 1))
    for n in range(2, 8):
        found(await reorder(still, order, (tea, n)))
    path = f"/orders/{order['id']}/timeline"
    whole = await timeline(still, order)
    assert len(whole) == 7
    assert await rows(still, f"{path}?limit=2") == whole
    assert await rows(still, f"{path}?limit=3&sort=-id") == whole[::-1]


async def test_the_timelines_of_two_orders_are_kept_apart(still: Shop) -> None:
    tea = await still.product()
    first, second = await still.order((tea, 1)), await still.order((tea, 1))
    found(await do(still, first, "notes", {"text": "first"}), 201)
    await still.confirm(second)
    assert await story(still, first) == ["created", "noted"]
    assert await story(still, second) == ["created", "confirmed"]
