"""What a dry run tells of each row that would change something."""

from typing import Any

import pytest

from leafcraft.exchange.rules import CHANGES_MAX
from tests.builders import Shop, found, problem
from tests.exchange.sheets import CSV, numbered, sheet

pytestmark = pytest.mark.anyio


async def changes(shop: Shop, what: str, content: bytes, most: int = 200) -> list[Any]:
    path = f"/imports/{what}?dry_run=true&changes={most}"
    before = await shop.everything()
    told = found(await shop.client.post(path, content=content, headers={"content-type": CSV}))
    assert await shop.everything() == before
    listed: list[Any] = told["changes"]
    return listed


async def test_a_product_is_told_as_it_is_and_as_it_would_be(shop: Shop) -> None:
    await shop.product("Tea", sku="tea", price=5, reorder_point=3)
    await shop.product("Mint", sku="mint", price=3)
    content = sheet(
        ("sku", "name", "price", "archived"),
        *(("mint", "Mint", 3, ""), ("TEA", "", 5.5, "true"), ("fern", "Fern", 18.5, "")),
    )
    tea = {"name": "Tea", "price": 5, "archived": False}
    tea |= {"reorder_point": 3, "reorder_quantity": None}
    fern = {"name": "Fern", "price": 18.5, "archived": False}
    fern |= {"reorder_point": None, "reorder_quantity": None}
    assert await changes(shop, "products", content) == [
        {
            "line": 3,
            "key": "TEA",
            "outcome": "updated",
            "before": tea,
            "after": {**tea, "price": 5.5, "archived": True},
        },
        {"line": 4, "key": "fern", "outcome": "created", "before": None, "after": fern},
    ]


async def test_a_level_is_told_as_it_is_and_was_counted(shop: Shop) -> None:
    tea = await shop.product("Tea", sku="tea", stock=10)
    await shop.confirm(await shop.order((tea, 4)))
    level = {"location": "main", "on_hand": 10, "reserved": 4}
    assert await changes(shop, "stock", sheet(("sku", "on_hand"), ("tea", 6))) == [
        {
            "line": 2,
            "key": "tea",
            "outcome": "updated",
            "before": level,
            "after": {**level, "on_hand": 6},
        }
    ]


async def test_an_order_is_told_with_who_orders_and_what_it_comes_to(shop: Shop) -> None:
    await shop.product("Tea", sku="tea", price=5)
    await shop.product("Mint", sku="mint", price=2.5)
    content = sheet(
        ("reference", "sku", "quantity", "customer_name"),
        *(("A-1", "tea", 2, "Ada"), ("A-1", "mint", 1, "")),
    )
    after = {"customer": {"name": "Ada"}, "lines": 2, "units": 3}
    after |= {"total_amount": 12.5, "currency": "USD"}
    told = {"line": 2, "key": "A-1", "outcome": "created", "before": None, "after": after}
    assert await changes(shop, "orders", content) == [told]


async def test_no_more_changes_are_told_than_were_asked_for(shop: Shop) -> None:
    assert [one["line"] for one in await changes(shop, "products", numbered(300), 3)] == [2, 3, 4]
    assert len(await changes(shop, "products", numbered(300), 250)) == 250


async def test_changes_are_told_before_they_are_made_and_only_so_many(shop: Shop) -> None:
    headers = {"content-type": CSV}
    for query in (
        "changes=1",
        "dry_run=true&changes=-1",
        f"dry_run=true&changes={CHANGES_MAX + 1}",
    ):
        answer = await shop.client.post(
            f"/imports/products?{query}", content=numbered(1), headers=headers
        )
        told = problem(answer, 422, "validation_error")
        assert told["errors"][0]["parameter"] == "changes"
    answer = await shop.client.post(
        "/imports/products?dry_run=true", content=numbered(1), headers=headers
    )
    assert "changes" not in found(answer)
