"""The list of products, and the filters that narrow it."""

import pytest

from tests.builders import Shop, found, problem

pytestmark = pytest.mark.anyio


async def names(shop: Shop, **filters: object) -> list[str]:
    answer = await shop.get("/products/", params=filters)
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()]


async def stock_up(shop: Shop) -> None:
    await shop.product("Green Tea", sku="GT-1", stock=5)
    await shop.product("Black Tea 100%", sku="BT_1", stock=0)
    mint = await shop.product("Mint", sku="M-1", stock=2)
    old = await shop.product("Old Blend", sku="OB-1", stock=9)
    found(await shop.post(f"/products/{old['id']}/archive"))
    await shop.confirm(await shop.order((mint, 2)))


async def test_an_empty_shop_lists_nothing(shop: Shop) -> None:
    answer = await shop.get("/products/")
    assert (answer.status_code, answer.content) == (200, b"[]")


@pytest.mark.parametrize(
    ("q", "shown"),
    [
        ("tea", ["Green Tea", "Black Tea 100%"]),
        ("TEA", ["Green Tea", "Black Tea 100%"]),
        ("gt-", ["Green Tea"]),
        ("100%", ["Black Tea 100%"]),
        ("%", ["Black Tea 100%"]),
        ("_", ["Black Tea 100%"]),
        ("|", []),
        ("\\", []),
        ("nothing", []),
        ("'", []),
    ],
)
async def test_a_search_finds_part_of_name_or_sku(shop: Shop, q: str, shown: list[str]) -> None:
    await stock_up(shop)
    assert await names(shop, q=q) == shown


async def test_filters_by_sku_archived_and_stock(shop: Shop) -> None:
    await stock_up(shop)
    assert await names(shop, sku="gt-1") == ["Green Tea"]
    assert await names(shop, sku="GT") == []
    assert await names(shop, archived="true") == ["Old Blend"]
    assert await names(shop, archived="false") == ["Green Tea", "Black Tea 100%", "Mint"]
    assert await names(shop, in_stock="true") == ["Green Tea", "Old Blend"]
    assert await names(shop, in_stock="false") == ["Black Tea 100%", "Mint"]


async def test_several_products_are_found_by_their_ids(shop: Shop) -> None:
    await stock_up(shop)
    assert await names(shop, ids="3,1,99") == ["Green Tea", "Mint"]
    assert await names(shop, ids="3,1", in_stock="true") == ["Green Tea"]
    for wrong in ("", "0", "1,", "1, 2", "a", "-1", ",".join(["1"] * 501)):
        problem(await shop.get("/products/", params={"ids": wrong}), 422, "validation_error")


async def test_filters_narrow_together(shop: Shop) -> None:
    await stock_up(shop)
    assert await names(shop, in_stock="true", archived="false") == ["Green Tea"]
    assert await names(shop, q="tea", in_stock="false") == ["Black Tea 100%"]


@pytest.mark.parametrize(
    "query", ["q=", "archived=maybe", "in_stock=2", f"q={'x' * 201}", f"sku={'x' * 65}"]
)
async def test_a_filter_that_makes_no_sense_is_refused(shared_shop: Shop, query: str) -> None:
    problem(await shared_shop.get(f"/products/?{query}"), 422, "validation_error")


@pytest.mark.parametrize("text", ["\x00", "🍃", "\u202e", "''--", "\x7f", "ﷺ" * 60], ids=ascii)
async def test_any_text_may_be_looked_for(shared_shop: Shop, text: str) -> None:
    for name in ("q", "sku"):
        answer = await shared_shop.get("/products/", params={name: text})
        assert answer.status_code in {200, 422}
