"""One order from its first moment to its last, with all that people do to it on the way."""

import pytest

from tests.builders import Clock, Shop, found, problem, wanted
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


async def test_an_order_is_placed_edited_sent_and_taken_back(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=10, price=2.5), await still.product(stock=5, price=4)
    body = {**wanted((tea, 4), (mint, 2), (tea, 1)), "reference": "SHOP-1001", "customer": ADA}
    order = found(await still.post("/orders/", {**body, "note": "ring\ntwice"}), 201)
    assert order["customer"] == ADA
    assert (order["reference"], order["note"]) == ("SHOP-1001", "ring\ntwice")
    taken = problem(await still.post("/orders/", body), 409, "reference_taken")
    assert taken["order_id"] == order["id"]

    path = f"/orders/{order['id']}"
    await still.confirm(order)
    edit = {"items": wanted((tea, 2), (mint, 3), (tea, 3))["items"]}
    edited = found(await still.patch(path, edit))
    assert [line["quantity"] for line in edited["items"]] == [2, 3, 3]
    assert edited["total_amount"] == 24.5
    assert await stock(still, tea) == (10, 5, 5)
    assert await stock(still, mint) == (5, 3, 2)
    problem(
        await still.patch(path, {"items": wanted((tea, 11))["items"]}), 409, "insufficient_stock"
    )
    assert await still.reload(order) == edited

    found(await still.patch(path, {"on_hold_reason": "address unclear"}))
    problem(await still.post(f"{path}/fulfillments", {}), 409, "order_on_hold")
    found(await still.patch(path, {"on_hold_reason": None, "payment_status": "paid"}))

    part = {"items": [{"product_id": tea["id"], "quantity": 3}], "carrier": "DHL"}
    sent = found(await still.post(f"{path}/fulfillments", part), 201)
    assert [(one["line"], one["quantity"]) for one in sent["items"]] == [(1, 2), (3, 1)]
    assert await stock(still, tea) == (7, 2, 5)
    undone = found(await still.post(f"{path}/fulfillments/{sent['id']}/undo"))
    assert undone["undone_at"] is not None
    again = await still.post(f"{path}/fulfillments/{sent['id']}/undo")
    problem(again, 409, "fulfillment_already_undone")
    assert await stock(still, tea) == (10, 5, 5)

    found(await still.post(f"{path}/fulfillments", part), 201)
    less = {"items": [{"product_id": mint["id"], "quantity": 1}]}
    found(await still.post(f"{path}/cancellations", less))
    assert await stock(still, mint) == (5, 2, 3)
    rest = found(await still.post(f"{path}/fulfillments", {}), 201)
    assert [(one["line"], one["quantity"]) for one in rest["items"]] == [(2, 2), (3, 2)]
    done = await still.reload(order)
    assert (done["status"], done["net_amount"]) == ("Fulfilled", 20.5)
    assert await stock(still, tea) == (5, 0, 5)

    back = {"items": [{"product_id": tea["id"], "quantity": 2}], "disposition": "restock"}
    found(await still.post(f"{path}/returns", back), 201)
    spoilt = {"items": [{"product_id": mint["id"], "quantity": 1}], "disposition": "write_off"}
    found(await still.post(f"{path}/returns", {**spoilt, "reason": "wet"}), 201)
    assert await stock(still, tea) == (7, 0, 7)
    assert await stock(still, mint) == (3, 0, 3)
    more = {"items": [{"product_id": tea["id"], "quantity": 4}], "disposition": "restock"}
    problem(await still.post(f"{path}/returns", more), 409, "quantity_exceeded")

    found(await still.post(f"{path}/notes", {"text": "was wet"}), 201)
    told = (await still.get(f"{path}/timeline")).json()
    assert [one["type"].removeprefix("order.") for one in told] == [
        *("created", "confirmed", "edited", "put_on_hold", "taken_off_hold", "payment_changed"),
        *("partly_fulfilled", "fulfillment_undone", "partly_fulfilled", "partly_cancelled"),
        *("fulfilled", "returned", "returned", "noted"),
    ]
    for asked in ("shop-10", "lovelace ada", "ADA@exa", tea["sku"], "7946"):
        assert [one["id"] for one in (await still.get("/orders/", params={"q": asked})).json()] == [
            order["id"]
        ], asked
    assert (await still.get("/orders/", params={"q": "byron"})).json() == []
    counts = found(await still.get("/orders/counts"))
    assert counts == {"Pending": 0, "Confirmed": 0, "Fulfilled": 1, "Cancelled": 0, "Expired": 0}
    await assert_sound(still, clock)


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
