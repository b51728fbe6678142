"""The life of an order: Pending, Confirmed, Cancelled; and everything it may not do."""

import asyncio

import pytest

from tests.builders import Json, Shop, found, problem, wanted

pytestmark = pytest.mark.anyio

MEMBERS = {
    "id",
    "items",
    "total_amount",
    "currency",
    "status",
    "created_at",
    "updated_at",
    "confirmed_at",
    "cancelled_at",
}


async def test_a_new_order_is_pending_and_takes_no_stock(shop: Shop) -> None:
    tea, mint = await shop.product(price=2.5, stock=3), await shop.product(price=1)
    answer = await shop.post("/orders/", wanted((tea, 2), (mint, 1)))
    order = found(answer, 201)
    assert order.keys() >= MEMBERS
    assert order["status"] == "Pending"
    assert [(i["product_id"], i["quantity"], i["unit_price"]) for i in order["items"]] == [
        (tea["id"], 2, 2.5),
        (mint["id"], 1, 1.0),
    ]
    assert (order["total_amount"], order["currency"]) == (6.0, "USD")
    assert (order["confirmed_at"], order["cancelled_at"]) == (None, None)
    assert answer.headers["location"] == f"/orders/{order['id']}"
    assert (await shop.reload(tea))["stock_quantity"] == 3


async def test_more_than_there_is_may_be_ordered_but_not_confirmed(shop: Shop) -> None:
    tea = await shop.product(stock=3)
    order = await shop.order((tea, 4))
    problem(await shop.patch(f"/orders/{order['id']}/confirm"), 409, "insufficient_stock")
    assert await shop.reload(order) == order


async def test_a_confirmed_order_tells_when(shop: Shop) -> None:
    order = await shop.order((await shop.product(), 1))
    confirmed = await shop.confirm(order)
    assert confirmed["status"] == "Confirmed"
    assert confirmed["confirmed_at"] == confirmed["updated_at"] > order["created_at"]
    assert await shop.reload(order) == confirmed


async def test_a_cancelled_order_tells_when(shop: Shop) -> None:
    order = await shop.order((await shop.product(), 1))
    confirmed = await shop.confirm(order)
    cancelled = await shop.cancel(order)
    assert cancelled["status"] == "Cancelled"
    assert cancelled["confirmed_at"] == confirmed["confirmed_at"]
    assert cancelled["cancelled_at"] == cancelled["updated_at"] > confirmed["updated_at"]
    assert await shop.reload(order) == cancelled


async def refused(shop: Shop, order: Json, verb: str, code: str) -> None:
    """The verb is a 409 with this code, and changes nothing at all."""
    before = await shop.everything()
    body = problem(await shop.patch(f"/orders/{order['id']}/{verb}"), 409, code)
    assert body["order_id"] == order["id"]
    assert await shop.everything() == before


async def test_an_order_is_confirmed_once(shop: Shop) -> None:
    order = await shop.order((await shop.product(), 1))
    await shop.confirm(order)
    await refused(shop, order, "confirm", "order_not_pending")


async def test_a_cancelled_order_can_not_be_confirmed(shop: Shop) -> None:
    order = await shop.order((await shop.product(), 1))
    await shop.cancel(order)
    await refused(shop, order, "confirm", "order_not_pending")


async def test_an_order_is_cancelled_once_and_its_stock_comes_back_once(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    order = await shop.order((tea, 2))
    await shop.confirm(order)
    await shop.cancel(order)
    await refused(shop, order, "cancel", "order_already_cancelled")
    assert (await shop.reload(tea))["stock_quantity"] == 5


async def test_cancelling_a_pending_order_moves_no_stock(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    before = await shop.movements()
    await shop.cancel(await shop.order((tea, 2)))
    assert await shop.movements() == before


@pytest.mark.parametrize("verb", ["confirm", "cancel"])
async def test_an_order_that_is_not_there_is_not_found(shared_shop: Shop, verb: str) -> None:
    problem(await shared_shop.patch(f"/orders/999/{verb}"), 404, "not_found")


async def test_the_same_product_on_two_lines_is_one_demand(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    order = await shop.order((tea, 3), (tea, 3))
    answer = await shop.patch(f"/orders/{order['id']}/confirm")
    assert problem(answer, 409, "insufficient_stock")["shortages"] == [
        {"product_id": tea["id"], "sku": tea["sku"], "requested": 6, "available": 5}
    ]
    assert (await shop.reload(tea))["reserved"] == 0


async def test_two_lines_of_one_product_are_kept_apart_and_taken_together(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    order = await shop.order((tea, 3), (tea, 2))
    confirmed = await shop.confirm(order)
    assert [item["quantity"] for item in confirmed["items"]] == [3, 2]
    assert (await shop.reload(tea))["stock_quantity"] == 0
    await shop.cancel(order)
    assert (await shop.reload(tea))["stock_quantity"] == 5


async def test_every_shortage_is_listed_and_nothing_is_taken(shop: Shop) -> None:
    tea, mint, rooibos = [await shop.product(stock=n) for n in (1, 5, 0)]
    order = await shop.order((tea, 2), (mint, 5), (rooibos, 1))
    before = await shop.everything()
    answer = await shop.patch(f"/orders/{order['id']}/confirm")
    body = problem(answer, 409, "insufficient_stock")
    assert body["shortages"] == [
        {"product_id": tea["id"], "sku": tea["sku"], "requested": 2, "available": 1},
        {"product_id": rooibos["id"], "sku": rooibos["sku"], "requested": 1, "available": 0},
    ]
    assert await shop.everything() == before


async def test_a_refused_confirmation_succeeds_once_there_is_stock_again(shop: Shop) -> None:
    tea = await shop.product(stock=1)
    first, second = await shop.order((tea, 1)), await shop.order((tea, 1))
    await shop.confirm(first)
    problem(await shop.patch(f"/orders/{second['id']}/confirm"), 409, "insufficient_stock")
    await shop.cancel(first)
    assert (await shop.confirm(second))["status"] == "Confirmed"


async def test_the_last_unit_is_sold_once(shop: Shop) -> None:
    tea = await shop.product(stock=1)
    orders = [await shop.order((tea, 1)) for _ in range(3)]
    answers = [await shop.patch(f"/orders/{order['id']}/confirm") for order in orders]
    assert [answer.status_code for answer in answers] == [200, 409, 409]


async def test_every_missing_product_is_named(shop: Shop) -> None:
    tea = await shop.product()
    body = wanted(({"id": 99}, 1), (tea, 1), ({"id": 77}, 1), ({"id": 99}, 1))
    answer = problem(await shop.post("/orders/", body), 422, "product_not_found")
    assert answer["product_ids"] == [77, 99]
    assert "77" in answer["detail"]
    assert (await shop.get("/orders/")).json() == []


async def test_a_refused_order_uses_up_no_number(shop: Shop) -> None:
    tea = await shop.product()
    first = await shop.order((tea, 1))
    problem(await shop.post("/orders/", wanted(({"id": 99}, 1))), 422, "product_not_found")
    assert (await shop.order((tea, 1)))["id"] == first["id"] + 1


async def test_the_largest_quantity_is_confirmed(shop: Shop) -> None:
    tea = await shop.product(stock=1_000_000_000, price=0.01)
    order = await shop.confirm(await shop.order((tea, 1_000_000_000)))
    assert order["total_amount"] == 10_000_000
    assert (await shop.reload(tea))["reserved"] == 1_000_000_000


async def test_an_order_of_five_hundred_products_is_confirmed_and_cancelled(shop: Shop) -> None:
    products = await asyncio.gather(*(shop.product(stock=1) for _ in range(500)))
    order = await shop.order(*((product, 1) for product in reversed(products)))
    await shop.confirm(order)
    answer = await shop.get("/products/?limit=500")
    assert {row["stock_quantity"] for row in answer.json()} == {0}
    await shop.cancel(order)
    answer = await shop.get("/products/?limit=500")
    assert {row["stock_quantity"] for row in answer.json()} == {1}
