"""The stock grid: what lies where, and how it is counted, received and transferred in its place."""

from typing import Final
from urllib.parse import unquote

import pytest

from leafcraft.accounts.rules import Role
from tests.builders import PASSWORD, Json, Shop, add, found
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

GRID = "/console/stock"
COUNT: Final = {"mode": "counted", "reason": "count"}


async def _text(visitor: Visitor, path: str) -> str:
    answer = await visitor.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def _fern(shop: Shop, stock: int = 10) -> Json:
    """A product in a shop with two locations."""
    found(await shop.post("/locations/", {"code": "shop", "name": "Mill Lane", "priority": 1}), 201)
    return await shop.product("Fern", stock=stock)


def _place(product: Json, verb: str) -> str:
    return f"{GRID}/{product['id']}/{verb}"


async def _at(shop: Shop, product: Json) -> dict[str, tuple[int, int]]:
    """On hand and reserved of a product, by location."""
    rows = (await shop.get("/stock/levels", params={"product_id": product["id"]})).json()
    return {row["location"]: (row["on_hand"], row["reserved"]) for row in rows}


async def test_each_cell_tells_what_is_available_and_why(shop: Shop, visitor: Visitor) -> None:
    fern = await _fern(shop)
    moved = {"product_id": fern["id"], "quantity": 3}
    found(
        await shop.post(
            "/stock/transfers", {**moved, "from_location": "main", "to_location": "shop"}
        ),
        201,
    )
    await shop.confirm(await shop.order((fern, 2)))
    page = await _text(visitor, GRID)
    for told in ("7 on hand, 2 reserved", "3 on hand", "10 on hand, 2 reserved", "Mill Lane"):
        assert told in page
    only = await _text(visitor, f"{GRID}?where=shop")
    assert "7 on hand" not in only


@pytest.mark.parametrize("at", ["9" * 5000, "-1", "²", "none"])
async def test_what_names_no_product_opens_no_form(shop: Shop, visitor: Visitor, at: str) -> None:
    await _fern(shop)
    page = await _text(visitor, f"{GRID}?at={at}&do=adjust&location=main")
    assert "do=adjust" in page


async def test_a_cell_opens_its_form_in_the_row_and_a_count_becomes_the_stock(
    shop: Shop, visitor: Visitor
) -> None:
    fern = await _fern(shop)
    page = await _text(visitor, f"{GRID}?q=fern&at={fern['id']}&do=adjust&location=main")
    assert "10 on hand in Main" in page
    answer = await visitor.send(
        _place(fern, "adjust"), {**COUNT, "quantity": "12", "note": "Shelf 3"}
    )
    assert answer.headers["location"] == f"{GRID}?q=fern#p{fern['id']}"
    (counted,) = await shop.movements(product_id=fern["id"], kind="adjustment")
    assert (counted["on_hand_delta"], counted["reason"], counted["note"]) == (2, "count", "Shelf 3")
    page = await _text(visitor, f"{GRID}?q=fern")
    assert "Fern: 12 on hand in main (it was 10)." in page


@pytest.mark.parametrize(("mode", "left"), [("more", 14), ("less", 6)])
async def test_units_are_added_or_taken_away_with_a_reason(
    shop: Shop, visitor: Visitor, mode: str, left: int
) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{_place(fern, 'adjust')}?location=main")
    filled = {"mode": mode, "quantity": "4", "reason": "damaged"}
    assert (await visitor.send(_place(fern, "adjust"), filled)).status_code == 303
    assert (await _at(shop, fern))["main"] == (left, 0)


async def test_who_counts_while_somebody_sells_is_told_and_the_count_is_kept(
    shop: Shop, visitor: Visitor
) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{GRID}?at={fern['id']}&do=adjust&location=main")
    received = {"product_id": fern["id"], "quantity": 5}
    found(await shop.post("/stock/receipts", received), 201)
    told = await visitor.send(_place(fern, "adjust"), {**COUNT, "quantity": "9"})
    assert told.status_code == 409
    assert "On hand is 15 by now, not 10: count again." in told.text
    assert 'value="9"' in told.text
    assert "<h1>Stock</h1>" in told.text
    assert (await _at(shop, fern))["main"] == (15, 0)
    again = await visitor.send(_place(fern, "adjust"), {**COUNT, "quantity": "9"})
    assert again.status_code == 303
    assert (await _at(shop, fern))["main"] == (9, 0)


async def test_a_form_that_is_sent_again_is_done_once_and_says_so(
    shop: Shop, visitor: Visitor
) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{GRID}?at={fern['id']}&do=receive&location=main")
    for told_again in (False, True):
        answer = await visitor.send(_place(fern, "receive"), {"quantity": "5"})
        assert answer.status_code == 303
        said = unquote(answer.headers["set-cookie"])
        assert ("done once, and not again" in said) is told_again
        assert (await _at(shop, fern))["main"] == (15, 0)


async def test_what_is_promised_is_not_counted_away(shop: Shop, visitor: Visitor) -> None:
    fern = await _fern(shop)
    await shop.confirm(await shop.order((fern, 6)))
    await visitor.get(f"{GRID}?at={fern['id']}&do=adjust&location=main")
    told = await visitor.send(_place(fern, "adjust"), {**COUNT, "quantity": "3"})
    assert told.status_code == 409
    assert "Only 4 of 10 there are not promised to orders." in told.text
    assert 'value="3"' in told.text
    assert (await _at(shop, fern))["main"] == (10, 6)


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("adjust", {**COUNT, "quantity": "many"}),
        ("adjust", {**COUNT, "quantity": ""}),
        ("adjust", {"mode": "less", "reason": "lost", "quantity": "0"}),
        ("receive", {"quantity": "0"}),
        ("receive", {"quantity": ""}),
        ("transfer", {"quantity": "0", "to_location": "shop"}),
        ("receive", {"quantity": "1", "location": "attic"}),
    ],
)
async def test_what_is_no_quantity_or_no_place_is_told_beside_its_field(
    shop: Shop, visitor: Visitor, verb: str, fields: dict[str, str]
) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{GRID}?at={fern['id']}&do={verb}&location=main")
    told = await visitor.send(_place(fern, verb), {"location": "main", **fields})
    assert told.status_code == 422
    field = "f-location" if "location" in fields else "f-quantity"
    assert f'id="{field}-error"' in told.text
    assert (await _at(shop, fern))["main"] == (10, 0)


async def test_goods_are_received_where_they_came_in(shop: Shop, visitor: Visitor) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{GRID}?at={fern['id']}&do=receive&location=main")
    filled = {"quantity": "40", "location": "shop", "reference": "DN-77"}
    assert (await visitor.send(_place(fern, "receive"), filled)).status_code == 303
    assert await _at(shop, fern) == {"main": (10, 0), "shop": (40, 0)}
    (receipt,) = await shop.movements(product_id=fern["id"], location="shop")
    assert (receipt["kind"], receipt["reference"]) == ("receipt", "DN-77")
    assert "40 on hand in shop" in await _text(visitor, GRID)


async def test_a_receipt_that_is_sent_twice_comes_in_once(shop: Shop, visitor: Visitor) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{GRID}?at={fern['id']}&do=receive&location=main")
    for _ in range(2):
        await visitor.send(_place(fern, "receive"), {"quantity": "5", "location": "main"})
    assert (await _at(shop, fern))["main"] == (15, 0)


async def test_goods_are_carried_to_another_place(shop: Shop, visitor: Visitor) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{_place(fern, 'transfer')}?location=main&back=/console/products/1")
    filled = {"quantity": "4", "location": "main", "to_location": "shop"}
    answer = await visitor.send(_place(fern, "transfer"), filled)
    assert answer.headers["location"] == "/console/products/1#p1"
    assert await _at(shop, fern) == {"main": (6, 0), "shop": (4, 0)}


async def test_more_than_there_is_is_not_carried_away(shop: Shop, visitor: Visitor) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{_place(fern, 'transfer')}?location=main")
    filled = {"quantity": "40", "location": "main", "to_location": "shop"}
    told = await visitor.send(_place(fern, "transfer"), filled)
    assert told.status_code == 409
    assert 'value="40"' in told.text
    assert "Only 10 of 10" in told.text


async def test_a_form_leads_back_into_the_console_only(shop: Shop, visitor: Visitor) -> None:
    fern = await _fern(shop)
    await visitor.get(f"{_place(fern, 'receive')}?back=https://evil.example/console")
    answer = await visitor.send(_place(fern, "receive"), {"quantity": "1", "location": "main"})
    assert answer.headers["location"] == f"{GRID}#p{fern['id']}"


async def test_with_one_location_there_is_nothing_to_transfer(shop: Shop, visitor: Visitor) -> None:
    await shop.product("Fern")
    page = await _text(visitor, GRID)
    assert "Receive" in page
    assert "Transfer" not in page


async def test_what_is_low_is_listed_with_what_to_order(shop: Shop, visitor: Visitor) -> None:
    await shop.product("Moss", stock=50, reorder_point=5)
    fern = await shop.product("Fern", stock=3, reorder_point=5, reorder_quantity=20)
    page = await _text(visitor, f"{GRID}/low")
    assert "Moss" not in page
    assert f"/console/stock/{fern['id']}/receive?quantity=20" in page
    form = await _text(visitor, f"{_place(fern, 'receive')}?quantity=20&back={GRID}/low")
    assert 'value="20"' in form


async def test_nothing_low_is_good_news(visitor: Visitor) -> None:
    assert "Nothing is low" in await _text(visitor, f"{GRID}/low")


async def test_who_may_only_look_sees_the_grid_and_moves_nothing(shop: Shop) -> None:
    fern = await _fern(shop)
    await add(shop.settings, "viewer@example.com", Role.VIEWER)
    async with Visitor(shop) as visitor:
        await visitor.sign_in("viewer@example.com", PASSWORD)
        page = await _text(visitor, f"{GRID}?at={fern['id']}&do=adjust&location=main")
        assert "10 on hand" in page
        assert "/adjust" not in page
        assert "do=" not in page
        assert (await visitor.get(_place(fern, "adjust"))).status_code == 403


async def test_a_page_of_fifty_products_is_light(shop: Shop, visitor: Visitor) -> None:
    await _fern(shop)
    for number in range(49):
        await shop.product(f"Moss {number}", reorder_point=20)
    await visitor.get(GRID)
    light = await visitor.get(GRID, **{"accept-encoding": "gzip"})
    assert int(light.headers["content-length"]) < 15_000
