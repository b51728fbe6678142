"""Many orders confirmed in one call, each for itself."""

from typing import Any

import pytest

from tests.builders import Json, Shop, found, problem

pytestmark = pytest.mark.anyio


async def confirmed(shop: Shop, order_ids: list[int], **options: Any) -> list[Json]:
    answer = await shop.post("/orders/confirm", {"order_ids": order_ids}, **options)
    results: list[Json] = found(answer)["results"]
    return results


def told(results: list[Json]) -> list[tuple[int, int, str | None]]:
    """Order, status and code of each result."""
    return [
        (row["order_id"], row["status_code"], row.get("problem", {}).get("code")) for row in results
    ]


async def test_results_come_in_the_order_asked_and_no_refusal_stops_the_others(shop: Shop) -> None:
    tea, mint = await shop.product(stock=3), await shop.product(stock=1)
    first = await shop.order((tea, 2))
    big = await shop.order((tea, 2), (mint, 1))
    last = await shop.order((tea, 1), (mint, 1))
    results = await confirmed(shop, [last["id"], big["id"], 999, first["id"]])
    assert told(results) == [
        (last["id"], 200, None),
        (big["id"], 409, "insufficient_stock"),
        (999, 404, "not_found"),
        (first["id"], 200, None),
    ]
    assert (await shop.reload(tea))["stock_quantity"] == 0
    assert (await shop.reload(mint))["stock_quantity"] == 0
    assert (await shop.reload(big))["status"] == "Pending"


async def test_a_refusal_is_a_whole_problem(shop: Shop) -> None:
    tea = await shop.product(stock=1)
    order = await shop.order((tea, 2))
    answer = await shop.post("/orders/confirm", {"order_ids": [order["id"]]})
    (result,) = found(answer)["results"]
    told = result["problem"]
    assert told["status"] == result["status_code"] == 409
    assert told["instance"] == f"/orders/{order['id']}/confirm"
    assert told["request_id"] == answer.headers["x-request-id"]
    shortage = {"product_id": tea["id"], "sku": tea["sku"], "requested": 2, "available": 1}
    assert told["shortages"] == [shortage]


async def test_an_order_named_twice_is_confirmed_once(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    order = await shop.order((tea, 2))
    results = await confirmed(shop, [order["id"], order["id"]])
    assert told(results) == [(order["id"], 200, None), (order["id"], 409, "order_not_pending")]
    assert (await shop.reload(tea))["reserved"] == 2


async def test_all_of_five_hundred_are_confirmed_and_one_more_is_refused(shop: Shop) -> None:
    tea = await shop.product(stock=499, price=0.01)
    ids = [(await shop.order((tea, 1)))["id"] for _ in range(3)]
    ids += list(range(10_000, 10_497))
    results = await confirmed(shop, ids)
    assert [row["order_id"] for row in results] == ids
    assert sum(row["status_code"] == 200 for row in results) == 3
    answer = await shop.post("/orders/confirm", {"order_ids": [*ids, 1]})
    problem(answer, 422, "validation_error")


@pytest.mark.parametrize(
    "ids", [[], None, 1, "1", [None], ["1"], [1.0], [True], [0], [-1]], ids=str
)
async def test_a_list_of_no_orders_is_refused(shared_shop: Shop, ids: object) -> None:
    answer = await shared_shop.post("/orders/confirm", {"order_ids": ids})
    problem(answer, 422, "validation_error")


async def test_a_repeated_bulk_call_gives_the_first_results_again(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    order = await shop.order((tea, 2))
    key = {"Idempotency-Key": "bulk"}
    first = await confirmed(shop, [order["id"]], headers=key)
    assert await confirmed(shop, [order["id"]], headers=key) == first
    assert told(first) == [(order["id"], 200, None)]
    assert (await shop.reload(tea))["reserved"] == 2
