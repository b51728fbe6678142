"""The pages of products: found, added, edited, archived, and what a product's page tells of it."""

import pytest

from leafcraft.accounts.rules import Role
from tests.builders import PASSWORD, Shop, add, found
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

LIST = "/console/products"
NEW = "/console/products/new"


async def _text(visitor: Visitor, path: str) -> str:
    answer = await visitor.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_shop_without_products_is_told_what_they_are_and_how_to_add_one(
    visitor: Visitor,
) -> None:
    page = await _text(visitor, LIST)
    assert "No products yet" in page
    assert f'href="{NEW}"' in page


async def test_the_list_is_narrowed_by_words_and_by_what_there_is(
    shop: Shop, visitor: Visitor
) -> None:
    await shop.product("Fern", stock=50, reorder_point=5)
    await shop.product("Moss", stock=3, reorder_point=5)
    await shop.product("Ivy", stock=0)
    gone = await shop.product("Reed", stock=9)
    found(await shop.post(f"/products/{gone['id']}/archive"))
    shown = {
        "?q=fer": {"Fern"},
        "": {"Fern", "Moss", "Ivy"},
        "?show=low": {"Moss"},
        "?show=in": {"Fern", "Moss"},
        "?show=out": {"Ivy"},
        "?show=archived": {"Reed"},
        "?q=fer&show=out": set(),
        "?show=nonsense&sort=nonsense": {"Fern", "Moss", "Ivy"},
    }
    for query, names in shown.items():
        page = await _text(visitor, f"{LIST}{query}")
        assert {name for name in ("Fern", "Moss", "Ivy", "Reed") if f">{name}<" in page} == names


async def test_a_long_list_goes_on_with_its_filters(shop: Shop, visitor: Visitor) -> None:
    for number in range(51):
        await shop.product(f"Fern {number:02}")
    await shop.product("Moss")
    first = await _text(visitor, f"{LIST}?q=fern")
    assert (first.count('class="row-link"'), "Fern 50" in first) == (50, False)
    following = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    second = await _text(visitor, following.replace("&amp;", "&"))
    assert second.count('class="row-link"') == 1
    assert "Fern 50" in second


async def test_a_product_is_added_with_its_opening_stock(shop: Shop, visitor: Visitor) -> None:
    await visitor.get(NEW)
    filled = {"name": "Fern", "price": "12,50", "sku": "", "stock_quantity": "7"}
    answer = await visitor.send(NEW, {**filled, "reorder_point": "3", "reorder_quantity": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}/1")
    fern = found(await shop.get("/products/1"))
    assert (fern["sku"], fern["price"], fern["stock_quantity"]) == ("fern", 12.5, 7)
    assert (fern["reorder_point"], fern["reorder_quantity"]) == (3, None)
    assert "Fern is added, with 7 on hand in main." in await _text(visitor, f"{LIST}/1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "a lot"},
        {"price": "1.234"},
        {"price": "1e5"},
        {"price": "NaN"},
        {"price": "-1"},
        {"stock_quantity": "99999999999999999999"},
        {"stock_quantity": "1.5"},
        {"reorder_quantity": "0"},
        {"name": ""},
    ],
)
async def test_what_is_wrong_with_a_new_product_stands_beside_it_and_nothing_typed_is_lost(
    shop: Shop, visitor: Visitor, wrong: dict[str, str]
) -> None:
    await visitor.get(NEW)
    right = {"name": "Fern", "price": "1", "stock_quantity": "2", "sku": "F-1"}
    answer = await visitor.send(NEW, {**right, **wrong})
    (field,) = wrong
    assert answer.status_code == 422
    assert f'id="f-{field}-error"' in answer.text
    for name, value in {**right, **wrong}.items():
        if name != "stock_quantity" or "." not in value:
            assert f'name="{name}"' in answer.text
            assert f'value="{value}"' in answer.text
    assert (await shop.get("/products/")).json() == []
    put_right = await visitor.send(NEW, right)
    assert put_right.status_code == 303


async def test_a_form_that_is_sent_twice_adds_one_product(shop: Shop, visitor: Visitor) -> None:
    await visitor.get(NEW)
    filled = {"name": "Fern", "price": "1"}
    first, second = [await visitor.send(NEW, filled) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"] == f"{LIST}/1"
    assert len((await shop.get("/products/")).json()) == 1


async def test_a_product_is_edited_where_nobody_else_did_meanwhile(
    shop: Shop, visitor: Visitor
) -> None:
    fern = await shop.product("Fern", reorder_point=5)
    form = f"{LIST}/{fern['id']}/edit"
    await visitor.get(form)
    edited = {"name": "Tree fern", "price": "30", "sku": "TF", "reorder_point": ""}
    answer = await visitor.send(form, edited)
    assert answer.status_code == 303
    now = await shop.reload(fern)
    assert (now["name"], now["sku"], now["reorder_point"]) == ("Tree fern", "TF", None)


async def test_who_edits_what_has_been_edited_meanwhile_is_told_and_may_then_save_over_it(
    shop: Shop, visitor: Visitor
) -> None:
    fern = await shop.product("Fern", sku="F-1", price=10)
    form = f"{LIST}/{fern['id']}/edit"
    await visitor.get(form)
    found(await shop.patch(f"/products/{fern['id']}", {"name": "Royal fern"}))
    mine = {"name": "Tree fern", "price": "30", "sku": "F-1"}
    told = await visitor.send(form, mine)
    assert told.status_code == 412
    assert "Royal fern" in told.text
    assert 'value="Tree fern"' in told.text
    assert (await shop.reload(fern))["name"] == "Royal fern"
    assert (await visitor.send(form, mine)).status_code == 303
    assert (await shop.reload(fern))["name"] == "Tree fern"


async def test_a_sku_that_is_taken_is_told_and_changes_no_etag(
    shop: Shop, visitor: Visitor
) -> None:
    await shop.product("Moss", sku="M-1")
    fern = await shop.product("Fern", sku="F-1")
    form = f"{LIST}/{fern['id']}/edit"
    await visitor.get(form)
    found(await shop.patch(f"/products/{fern['id']}", {"name": "Royal fern"}))
    mine = {"name": "Fern", "price": "1", "sku": "M-1"}
    assert (await visitor.send(form, mine)).status_code == 412
    taken = await visitor.send(form, mine)
    assert (taken.status_code, "M-1" in taken.text) == (409, True)


async def test_a_product_is_taken_out_of_sale_and_put_back(shop: Shop, visitor: Visitor) -> None:
    fern = await shop.product("Fern")
    page = f"{LIST}/{fern['id']}"
    await visitor.get(page)
    assert (await visitor.send(f"{page}/archive")).headers["location"] == page
    assert (await shop.reload(fern))["archived"] is True
    assert "Fern is taken out of sale." in await _text(visitor, page)
    await visitor.send(f"{page}/unarchive")
    assert (await shop.reload(fern))["archived"] is False


async def test_the_page_of_a_product_tells_who_it_is_promised_to(
    shop: Shop, visitor: Visitor
) -> None:
    fern = await shop.product("Fern", stock=10)
    lines = [{"product_id": fern["id"], "quantity": 2}]
    customer = {"name": "Ada Abel", "email": "ada@example.com"}
    body = {"items": lines, "reference": "WEB-1", "customer": customer}
    await shop.confirm(found(await shop.post("/orders/", body), 201))
    held = found(await shop.post("/orders/", {"items": lines, "hold_minutes": 30}), 201)
    await shop.order((fern, 3))
    page = await _text(visitor, f"{LIST}/{fern['id']}")
    assert "WEB-1" in page
    assert "Ada Abel" in page
    assert f"Order {held['id']}" in page
    assert "held, ends" in page
    assert "/console/orders/3" not in page


async def test_the_page_of_a_product_says_when_to_order_more(shop: Shop, visitor: Visitor) -> None:
    fern = await shop.product("Fern", stock=10, reorder_point=8, reorder_quantity=20)
    assert "Nothing to order" in await _text(visitor, f"{LIST}/{fern['id']}")
    await shop.confirm(await shop.order((fern, 6)))
    page = await _text(visitor, f"{LIST}/{fern['id']}")
    assert "Order 20" in page
    assert "orders took 0.2 a day" in page
    assert "the 4 available last about 20 days" in page


async def test_the_curve_ends_where_the_stock_is(shop: Shop, visitor: Visitor) -> None:
    fern = await shop.product("Fern", stock=10)
    await shop.confirm(await shop.order((fern, 4)))
    page = await _text(visitor, f"{LIST}/{fern['id']}")
    assert "Between 10 and 10 on hand" in page
    assert "Now: 10 on hand, 6 available" in page
    assert "Show as a table" in page


async def test_a_mistake_is_taken_back_in_the_ledger_once(shop: Shop, visitor: Visitor) -> None:
    fern = await shop.product("Fern", stock=10)
    received = {"product_id": fern["id"], "quantity": 50}
    mistake = found(await shop.post("/stock/receipts", received), 201)
    ledger = f"{LIST}/{fern['id']}/movements"
    page = await _text(visitor, ledger)
    assert page.count("/reverse") == 2
    undo = f"{ledger}/{mistake['id']}/reverse"
    answer = await visitor.send(undo)
    assert answer.headers["location"] == ledger
    assert (await shop.reload(fern))["on_hand"] == 10
    page = await _text(visitor, ledger)
    assert "is taken back: 10 on hand in main." in page
    assert undo not in page
    assert page.count("/reverse") == 1, "neither the mistake nor what took it back"


async def test_what_can_not_be_taken_back_any_more_is_told(shop: Shop, visitor: Visitor) -> None:
    fern = await shop.product("Fern", stock=10)
    ledger = f"{LIST}/{fern['id']}/movements"
    await visitor.get(ledger)
    (opening,) = await shop.movements(product_id=fern["id"])
    await shop.confirm(await shop.order((fern, 4)))
    answer = await visitor.send(f"{ledger}/{opening['id']}/reverse")
    assert answer.status_code == 409
    assert "Only 6 of 10 there are not promised to orders." in answer.text


async def test_the_ledger_is_narrowed_by_kind(shop: Shop, visitor: Visitor) -> None:
    fern = await shop.product("Fern", stock=10)
    await shop.confirm(await shop.order((fern, 4)))
    ledger = f"{LIST}/{fern['id']}/movements"
    assert (await _text(visitor, ledger)).count('<tr data-row="') == 2
    assert (await _text(visitor, f"{ledger}?kind=reserve")).count('<tr data-row="') == 1
    assert "No movements of this kind" in await _text(visitor, f"{ledger}?kind=return")


async def test_who_may_only_look_is_shown_no_way_to_change_anything(shop: Shop) -> None:
    fern = await shop.product("Fern", stock=10)
    await add(shop.settings, "viewer@example.com", Role.VIEWER)
    async with Visitor(shop) as visitor:
        await visitor.sign_in("viewer@example.com", PASSWORD)
        for path in (LIST, f"{LIST}/{fern['id']}", f"{LIST}/{fern['id']}/movements"):
            page = await _text(visitor, path)
            assert all(word not in page for word in ("/new", "/edit", "/archive", "/reverse"))
            assert "/console/stock/1/" not in page
        assert 'aria-disabled="true"' in await _text(visitor, NEW)


async def test_who_may_not_add_products_is_not_asked_to_by_an_empty_shop(shop: Shop) -> None:
    await add(shop.settings, "viewer@example.com", Role.VIEWER)
    async with Visitor(shop) as visitor:
        await visitor.sign_in("viewer@example.com", PASSWORD)
        for path in (LIST, "/console/stock"):
            page = await _text(visitor, path)
            assert "No products yet" in page
            assert NEW not in page


async def test_a_product_that_there_is_not_has_no_page(visitor: Visitor) -> None:
    for path in (f"{LIST}/7", f"{LIST}/7/movements", f"{LIST}/7/edit", "/console/stock/7/adjust"):
        assert (await visitor.get(path)).status_code == 404
