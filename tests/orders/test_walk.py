"""One order from its first moment to its last, with all that people do to it on the way."""

import pytest

from tests.builders import Clock, Json, Shop, found, problem, wanted
from tests.orders.acting import (
    contents,
    do,
    drop,
    edit,
    reorder,
    send,
    sent,
    story,
    take_back,
    undo,
)
from tests.orders.holding import assert_sound, stock

pytestmark = pytest.mark.anyio

ADA = {
    "name": "Ada Lovelace",
    "email": "Ada@Example.com",
    "phone": "+44 20 7946 0000",
    "addresses": {"shipping": {"street": "12 St James's Square\nLondon", "floor": 2}},
    "metadata": {"weight": 1.50, "vip": True},
    "since": 1843,
}


async def placed(shop: Shop, tea: Json, mint: Json) -> Json:
    body = {**wanted((tea, 4), (mint, 2), (tea, 1)), "reference": "SHOP-1001", "customer": ADA}
    order = found(await shop.post("/orders/", {**body, "note": "ring\ntwice"}), 201)
    assert order["customer"] == ADA
    assert (order["reference"], order["note"]) == ("SHOP-1001", "ring\ntwice")
    taken = problem(await shop.post("/orders/", body), 409, "reference_taken")
    assert taken["order_id"] == order["id"]
    return order


async def edited(shop: Shop, order: Json, tea: Json, mint: Json) -> None:
    changed = found(await reorder(shop, order, (tea, 2), (mint, 3), (tea, 3)))
    assert [line["quantity"] for line in changed["items"]] == [2, 3, 3]
    assert changed["total_amount"] == 24.5
    assert (await stock(shop, tea), await stock(shop, mint)) == ((10, 5, 5), (5, 3, 2))
    problem(await reorder(shop, order, (tea, 11)), 409, "insufficient_stock")
    assert await shop.reload(order) == changed
    found(await edit(shop, order, on_hold_reason="address unclear"))
    problem(await send(shop, order), 409, "order_on_hold")
    found(await edit(shop, order, on_hold_reason=None, payment_status="paid"))


async def sent_with_a_mistake(shop: Shop, order: Json, tea: Json, mint: Json) -> None:
    first = await sent(shop, order, (tea, 3), carrier="DHL")
    assert contents(first) == [(1, "main", 2), (3, "main", 1)]
    assert await stock(shop, tea) == (7, 2, 5)
    assert found(await undo(shop, order, first))["undone_at"] is not None
    problem(await undo(shop, order, first), 409, "fulfillment_already_undone")
    assert await stock(shop, tea) == (10, 5, 5)
    await sent(shop, order, (tea, 3), carrier="DHL")
    found(await drop(shop, order, (mint, 1)))
    assert await stock(shop, mint) == (5, 2, 3)
    assert contents(await sent(shop, order)) == [(2, "main", 2), (3, "main", 2)]
    done = await shop.reload(order)
    assert (done["status"], done["net_amount"]) == ("Fulfilled", 20.5)
    assert await stock(shop, tea) == (5, 0, 5)


async def came_back(shop: Shop, order: Json, tea: Json, mint: Json) -> None:
    found(await take_back(shop, order, (tea, 2)), 201)
    wet = {"disposition": "write_off", "reason": "wet"}
    found(await take_back(shop, order, (mint, 1), **wet), 201)
    assert (await stock(shop, tea), await stock(shop, mint)) == ((7, 0, 7), (3, 0, 3))
    problem(await take_back(shop, order, (tea, 4)), 409, "quantity_exceeded")
    found(await do(shop, order, "notes", {"text": "was wet"}), 201)


async def test_an_order_is_placed_edited_sent_and_taken_back(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=10, price=2.5), await still.product(stock=5, price=4)
    order = await placed(still, tea, mint)
    await still.confirm(order)
    for step in (edited, sent_with_a_mistake, came_back):
        await step(still, order, tea, mint)
        await assert_sound(still, clock)
    assert await story(still, order) == [
        *("created", "confirmed", "edited", "put_on_hold", "taken_off_hold", "payment_changed"),
        *("partly_fulfilled", "fulfillment_undone", "partly_fulfilled", "partly_cancelled"),
        *("fulfilled", "returned", "returned", "noted"),
    ]
    for asked in ("shop-10", "lovelace ada", "ADA@exa", tea["sku"], "7946"):
        answer = await still.get("/orders/", params={"q": asked})
        assert [one["id"] for one in answer.json()] == [order["id"]], asked
    assert (await still.get("/orders/", params={"q": "byron"})).json() == []
    counts = found(await still.get("/orders/counts"))
    assert counts == {"Pending": 0, "Confirmed": 0, "Fulfilled": 1, "Cancelled": 0, "Expired": 0}


async def test_many_orders_are_placed_confirmed_sent_and_cancelled_at_once(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    named = [{**wanted((tea, 2)), "reference": name} for name in ("A", "B", "A", "C")]
    made = found(await still.post("/orders/bulk", {"orders": named}))["results"]
    assert [one["status_code"] for one in made] == [201, 201, 409, 201]
    assert made[2]["problem"]["order_id"] == made[0]["order"]["id"]
    ids = [made[place]["order"]["id"] for place in (0, 1, 3)]
    for verb, codes in (("confirm", [200, 200, 409]), ("fulfill", [200, 200, 409])):
        done = found(await still.post(f"/orders/{verb}", {"order_ids": ids}))["results"]
        assert [one["status_code"] for one in done] == codes, done
    done = found(await still.post("/orders/cancel", {"order_ids": ids}))["results"]
    assert [one["status_code"] for one in done] == [409, 409, 200]
    assert await stock(still, tea) == (1, 0, 1)
    await assert_sound(still, clock)
