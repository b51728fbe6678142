"""Goods that come in."""

import pytest

from tests.builders import Json, Shop, found, problem
from tests.stock.goods import (
    balances,
    close,
    events,
    open_location,
    pointers,
    receive,
    tamper,
    told,
)

pytestmark = pytest.mark.anyio

LEVEL_MAX = 10**15
QUANTITY_MAX = 1_000_000_000


def goods(product: Json, quantity: object = 1, **members: object) -> Json:
    return {"product_id": product["id"], "quantity": quantity, **members}


async def test_goods_come_into_main_unless_said_otherwise(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=2)
    movement = await receive(shop, tea, 5)
    assert told(movement) == ("receipt", "main", 5, 0, 7)
    assert await balances(shop, tea) == {"main": (7, 0)}
    assert (await shop.reload(tea))["stock_quantity"] == 7
    assert told(await receive(shop, tea, 4, location="annex")) == ("receipt", "annex", 4, 0, 4)
    assert await balances(shop, tea) == {"main": (7, 0), "annex": (4, 0)}
    assert (await shop.reload(tea))["stock_quantity"] == 11


async def test_the_answer_is_the_movement_as_the_ledger_has_it(shop: Shop) -> None:
    tea = await shop.product(stock=0)
    movement = await receive(shop, tea, 5, reason="late delivery", reference="PO-2026/17")
    assert await shop.movements() == [movement]
    assert movement.keys() == {
        *("id", "product_id", "location", "kind", "on_hand_delta", "reserved_delta"),
        *("on_hand_after", "reserved_after", "order_id", "reason", "reference", "note"),
        *("actor", "occurred_at", "counterpart", "reverses", "reversed_by"),
    }
    assert (movement["reason"], movement["reference"]) == ("late delivery", "PO-2026/17")
    assert (movement["product_id"], movement["actor"]) == (tea["id"], "user:1")
    for name in ("order_id", "note", "counterpart", "reverses", "reversed_by"):
        assert movement[name] is None


async def test_what_is_promised_stays_promised(shop: Shop) -> None:
    tea = await shop.product(stock=3)
    await shop.confirm(await shop.order((tea, 3)))
    movement = await receive(shop, tea, 1)
    assert (movement["on_hand_after"], movement["reserved_after"]) == (4, 3)


async def test_goods_that_came_in_make_an_order_good(shop: Shop) -> None:
    tea = await shop.product(stock=1)
    order = await shop.order((tea, 3))
    problem(await shop.patch(f"/orders/{order['id']}/confirm"), 409, "insufficient_stock")
    await receive(shop, tea, 2)
    assert (await shop.confirm(order))["status"] == "Confirmed"


async def test_an_archived_product_may_still_come_in(shop: Shop) -> None:
    tea = await shop.product(stock=0)
    found(await shop.post(f"/products/{tea['id']}/archive"))
    assert told(await receive(shop, tea, 2)) == ("receipt", "main", 2, 0, 2)


async def test_a_product_that_is_not_there_is_named(shared_shop: Shop) -> None:
    before = await shared_shop.everything()
    refused = await shared_shop.post("/stock/receipts", goods({"id": 999}))
    assert problem(refused, 422, "product_not_found")["product_ids"] == [999]
    assert await shared_shop.everything() == before


async def test_a_location_that_is_not_there_is_pointed_at(shared_shop: Shop) -> None:
    tea = await shared_shop.product()
    before = await shared_shop.everything()
    refused = await shared_shop.post("/stock/receipts", goods(tea, location="nowhere"))
    told_ = problem(refused, 422, "validation_error")
    assert pointers(told_) == ["/location"]
    assert "nowhere" in told_["errors"][0]["detail"]
    assert await shared_shop.everything() == before


async def test_nothing_comes_into_a_closed_location(shop: Shop) -> None:
    await close(shop, await open_location(shop))
    tea = await shop.product()
    before = await shop.everything()
    refused = await shop.post("/stock/receipts", goods(tea, location="annex"))
    assert problem(refused, 409, "conflict")["location"] == "annex"
    assert await shop.everything() == before


@pytest.mark.parametrize("quantity", [0, -1, 1.0, 1.5, True, "1", None, QUANTITY_MAX + 1, 10**30])
async def test_a_quantity_that_is_none_is_refused(shared_shop: Shop, quantity: object) -> None:
    refused = await shared_shop.post(
        "/stock/receipts", goods(await shared_shop.product(), quantity)
    )
    assert pointers(problem(refused, 422, "validation_error")) == ["/quantity"]


async def test_the_largest_quantity_comes_in_more_than_once(shop: Shop) -> None:
    tea = await shop.product(stock=QUANTITY_MAX)
    assert (await receive(shop, tea, QUANTITY_MAX))["on_hand_after"] == 2 * QUANTITY_MAX
    assert (await shop.reload(tea))["stock_quantity"] == 2 * QUANTITY_MAX


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("product_id", 0),
        ("product_id", "1"),
        ("product_id", 2**63),
        ("product_id", None),
        ("location", None),
        ("location", "MAIN"),
        ("location", 1),
        ("reason", ""),
        ("reason", "x" * 65),
        ("reason", "a\x07"),
        ("reference", ""),
        ("reference", "x" * 256),
        ("note", "not on a receipt"),
        ("price", 1),
    ],
    ids=str,
)
async def test_what_a_receipt_can_not_say_is_refused(
    shared_shop: Shop, member: str, wrong: object
) -> None:
    body = goods(await shared_shop.product()) | {member: wrong}
    refused = await shared_shop.post("/stock/receipts", body)
    assert pointers(problem(refused, 422, "validation_error")) == [f"/{member}"]


@pytest.mark.parametrize("missing", ["product_id", "quantity"])
async def test_what_is_missing_is_named(shared_shop: Shop, missing: str) -> None:
    body = goods(await shared_shop.product())
    del body[missing]
    refused = await shared_shop.post("/stock/receipts", body)
    assert pointers(problem(refused, 422, "validation_error")) == [f"/{missing}"]


async def test_a_reason_and_a_reference_may_be_long(shop: Shop) -> None:
    movement = await receive(shop, await shop.product(), 1, reason="ü" * 64, reference="🍃" * 255)
    assert (movement["reason"], movement["reference"]) == ("ü" * 64, "🍃" * 255)


async def test_a_level_holds_so_much_and_no_more(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    await tamper(shop, f"UPDATE stock_levels SET on_hand = {LEVEL_MAX - 3}")
    problem(await shop.post("/stock/receipts", goods(tea, 4)), 409, "conflict")
    assert (await receive(shop, tea, 3))["on_hand_after"] == LEVEL_MAX
    problem(await shop.post("/stock/receipts", goods(tea, 1)), 409, "conflict")
    assert len(await shop.movements()) == 2


async def test_a_receipt_is_an_event_about_its_product(shop: Shop) -> None:
    tea = await shop.product(stock=2)
    movement = await receive(shop, tea, 5, reason="delivery")
    (event,) = await events(shop, "stock.received")
    assert (event["subject_type"], event["subject_id"]) == ("stock", tea["id"])
    assert event["actor"] == "user:1"
    assert event["data"] == {
        "reason": "delivery",
        "movements": [
            {"movement_id": movement["id"], "location": "main", "on_hand_delta": 5, "on_hand": 7}
        ],
    }


async def test_a_refused_receipt_is_no_event(shop: Shop) -> None:
    problem(await shop.post("/stock/receipts", goods({"id": 9})), 422, "product_not_found")
    assert await events(shop, "stock.received") == []
