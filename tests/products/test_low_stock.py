"""A product is low exactly while no more than its reorder point is available."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.builders import Json, Shop, found, problem
from tests.stock.goods import (
    adjust,
    broken,
    open_location,
    receive,
    reverse,
    transfer,
)

pytestmark = pytest.mark.anyio


async def low(shop: Shop) -> list[int]:
    """The products that are low, by every way there is to ask."""
    listed = [row["product_id"] for row in (await shop.get("/stock/low")).json()]
    assert listed == await filtered(shop, low_stock="true", archived="false")
    for shown in (await shop.get("/products/?limit=500&archived=false")).json():
        point = shown["reorder_point"]
        assert (shown["id"] in listed) == (point is not None and shown["stock_quantity"] <= point)
    return listed


async def filtered(shop: Shop, **filters: object) -> list[int]:
    answer = await shop.get("/products/", params=filters)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


@pytest.fixture
async def tended(shop: Shop) -> AsyncIterator[Shop]:
    """A shop whose books are still in order at the end."""
    await open_location(shop)
    yield shop
    assert await broken(shop) == {}


async def watched(shop: Shop, stock: int = 6, **members: Any) -> Json:
    return await shop.product(stock=stock, reorder_point=5, **members)


async def test_what_is_low_from_the_start_is_listed(tended: Shop) -> None:
    products = [await watched(tended, stock) for stock in (6, 5, 4, 0)]
    await tended.product(stock=0)
    assert await low(tended) == [product["id"] for product in products[1:]]


async def test_confirming_makes_it_low_and_cancelling_does_not_leave_it_so(tended: Shop) -> None:
    tea = await watched(tended)
    order = await tended.order((tea, 1))
    assert await low(tended) == []
    await tended.confirm(order)
    assert await low(tended) == [tea["id"]]
    await tended.cancel(order)
    assert await low(tended) == []


async def test_receipts_adjustments_and_reversals_cross_it(tended: Shop) -> None:
    tea = await watched(tended)
    lost = await adjust(tended, tea, delta=-1)
    assert await low(tended) == [tea["id"]]
    delivered = await receive(tended, tea, 1)
    assert await low(tended) == []
    await reverse(tended, delivered)
    assert await low(tended) == [tea["id"]]
    await reverse(tended, lost)
    assert await low(tended) == []
    await adjust(tended, tea, counted=0)
    assert await low(tended) == [tea["id"]]


async def test_all_locations_count_together(tended: Shop) -> None:
    tea = await watched(tended)
    await transfer(tended, tea, 6)
    assert await low(tended) == []
    await adjust(tended, tea, location="annex", delta=-1)
    assert await low(tended) == [tea["id"]]
    await receive(tended, tea, 1)
    assert await low(tended) == []
    await transfer(tended, tea, 5, there="annex", here="main")
    assert await low(tended) == []


async def test_an_order_over_several_products_makes_each_low_that_is(tended: Shop) -> None:
    tea, mint, sage = [await watched(tended, stock) for stock in (6, 9, 7)]
    order = await tended.order((tea, 1), (mint, 3), (sage, 2))
    await tended.confirm(order)
    assert await low(tended) == [tea["id"], sage["id"]]
    await tended.cancel(order)
    assert await low(tended) == []


async def test_an_edit_of_the_reorder_point_decides_anew(tended: Shop) -> None:
    tea = await watched(tended)
    path = f"/products/{tea['id']}"
    for point, is_low in ((6, True), (7, True), (5, False), (100, True), (None, False)):
        found(await tended.patch(path, {"reorder_point": point}))
        assert await low(tended) == ([tea["id"]] if is_low else [])
    await adjust(tended, tea, counted=0)
    assert await low(tended) == []
    found(await tended.patch(path, {"reorder_point": 0}))
    assert await low(tended) == [tea["id"]]
    found(await tended.patch(path, {"reorder_quantity": 7}))
    assert await low(tended) == [tea["id"]]


async def test_a_lot_alone_makes_nothing_low(tended: Shop) -> None:
    await tended.product(stock=0, reorder_quantity=12)
    assert await low(tended) == []


async def test_an_archived_product_is_not_ordered_any_more(tended: Shop) -> None:
    tea = await watched(tended, 5)
    found(await tended.post(f"/products/{tea['id']}/archive"))
    assert await low(tended) == []
    assert await filtered(tended, low_stock="true") == [tea["id"]]
    found(await tended.post(f"/products/{tea['id']}/unarchive"))
    assert await low(tended) == [tea["id"]]


async def test_products_are_filtered_by_being_low_or_not(tended: Shop) -> None:
    for stock in (4, 6, 5):
        await watched(tended, stock)
    await tended.product(stock=0)
    assert await filtered(tended, low_stock="true") == [1, 3]
    assert await filtered(tended, low_stock="false") == [2, 4]
    assert await filtered(tended) == [1, 2, 3, 4]
    assert await filtered(tended, low_stock="true", sort="-id", limit=1) == [3]
    assert await filtered(tended, low_stock="false", in_stock="true") == [2]


async def test_what_is_low_is_shown_with_its_numbers(tended: Shop) -> None:
    tea = await watched(tended, 8, reorder_quantity=12)
    await tended.confirm(await tended.order((tea, 3)))
    (shown,) = (await tended.get("/stock/low")).json()
    assert shown == {
        "product_id": tea["id"],
        "sku": tea["sku"],
        "name": tea["name"],
        "on_hand": 8,
        "reserved": 3,
        "available": 5,
        "reorder_point": 5,
        "reorder_quantity": 12,
        "demand_per_day": 0.1,
        "days_of_cover": 50.0,
        "suggested_quantity": 12,
    }
    assert found(await tended.get(f"/products/{tea['id']}/reorder")) == shown


async def test_a_product_that_is_not_low_has_advice_too(tended: Shop) -> None:
    tea = await tended.product(stock=3)
    shown = found(await tended.get(f"/products/{tea['id']}/reorder"))
    assert (shown["available"], shown["reorder_point"], shown["reorder_quantity"]) == (
        3,
        None,
        None,
    )
    assert (shown["demand_per_day"], shown["days_of_cover"]) == (0.0, None)
    assert shown["suggested_quantity"] == 0


async def test_what_is_low_is_read_a_page_at_a_time(tended: Shop) -> None:
    for n in range(5):
        await watched(tended, 9 if n == 2 else n)

    async def pages(path: str) -> list[list[int]]:
        found_ = []
        while path:
            answer = await tended.get(path)
            found_.append([row["product_id"] for row in answer.json()])
            path = answer.links.get("next", {}).get("url", "")
        return found_

    assert await pages("/stock/low?limit=2&days=7") == [[1, 2], [4, 5]]
    assert await pages("/stock/low?limit=3&sort=-id") == [[5, 4, 2], [1]]
    assert await pages("/stock/low") == [[1, 2, 4, 5]]


async def test_no_page_is_low_in_an_empty_shop(shop: Shop) -> None:
    answer = await shop.get("/stock/low")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    "path",
    [
        "/stock/low?days=0",
        "/stock/low?days=366",
        "/stock/low?days=x",
        "/stock/low?sort=name",
        "/stock/low?limit=0",
        "/stock/low?archived=true",
        "/products/1/reorder?days=0",
        "/products/1/reorder?days=366",
        "/products/1/reorder?limit=1",
        "/products/?low_stock=perhaps",
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(shared_shop: Shop, path: str) -> None:
    problem(await shared_shop.get(path), 422, "validation_error")


async def test_there_is_no_advice_on_what_is_not_there(shared_shop: Shop) -> None:
    problem(await shared_shop.get("/products/999/reorder"), 404, "not_found")
