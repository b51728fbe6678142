"""Imports in the console: rows are looked at, corrected and then applied, and travel in the form all the way."""

import asyncio
import html
import re
from collections.abc import AsyncIterator

import pytest

from leafcraft.accounts.rules import Role
from leafcraft.exchange.console import CONSOLE_IMPORT_BYTES_MAX, CONSOLE_IMPORT_LINES_MAX
from leafcraft.web.body import BODY_BYTES_MAX
from tests.builders import Shop, add, found, wanted
from tests.exchange.sheets import facts, orders, sheet, taken
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

PRODUCTS, STOCK, ORDERS = (f"/console/{name}/import" for name in ("products", "stock", "orders"))


@pytest.fixture
async def visitor(shop: Shop) -> AsyncIterator[Visitor]:
    async with Visitor(shop) as one:
        yield await one.sign_in()


async def looked_at(visitor: Visitor, page: str, rows: str) -> str:
    """The page that the rows are shown on, before anything has changed."""
    await visitor.get(page)
    answer = await visitor.send(page, {"rows": rows, "act": "preview"})
    assert answer.status_code == 200, answer.text
    return answer.text


def rows_of(page: str) -> str:
    """What the form brings along."""
    match = re.search(r'name="rows"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert match, page
    return html.unescape(match[1])


def words(page: str) -> str:
    """What a person reads of a page's tables and figures, a line an element."""
    main = page[page.index("<main") :]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))


def text(*rows: tuple[object, ...]) -> str:
    return sheet(*rows, end="\n").decode()


async def test_products_are_shown_as_they_are_and_would_be_and_then_changed(
    shop: Shop, visitor: Visitor
) -> None:
    await shop.product("Tea", sku="tea", price=5)
    await shop.product("Mint", sku="mint", price=3)
    rows = text(
        ("sku", "name", "price"), ("tea", "Green tea", ""), ("mint", "", 3), ("fern", "Fern", 18.5)
    )
    before = await shop.everything()
    page = words(await looked_at(visitor, PRODUCTS, rows))
    assert await shop.everything() == before
    assert "New 1 Changed 1 Unchanged 1 Refused 0" in page
    assert "tea Changed was Tea becomes Green tea" in page
    assert "fern New Fern $18.50" in page
    applied = await visitor.send(PRODUCTS, {"rows": rows, "act": "apply"})
    assert "2 of 3 products were changed." in words(applied.text)
    assert [(row["sku"], row["name"]) for row in await taken(shop, "products")] == [
        *(("tea", "Green tea"), ("mint", "Mint"), ("fern", "Fern"))
    ]
    assert "Nothing would change" in await looked_at(visitor, PRODUCTS, rows)


async def test_stock_is_shown_as_it_is_and_was_counted(shop: Shop, visitor: Visitor) -> None:
    await shop.product("Tea", sku="tea", stock=10)
    page = words(await looked_at(visitor, STOCK, "sku\ton_hand\ntea\t8\n"))
    assert "tea main 10 8 \N{MINUS SIGN}2 0" in page
    applied = await visitor.send(STOCK, {"rows": "sku\ton_hand\ntea\t8\n", "act": "apply"})
    assert "1 of 1 level was changed." in words(applied.text)
    assert [row["on_hand"] for row in await taken(shop, "stock")] == ["8"]


async def test_orders_are_shown_with_who_orders_and_what_it_comes_to(
    shop: Shop, visitor: Visitor
) -> None:
    await shop.product("Tea", sku="tea", price=5)
    await shop.product("Mint", sku="mint", price=2.5)
    rows = "reference,sku,quantity,customer_name\nA-1,tea,2,Ada\nA-1,mint,1,\nA-2,mint,4,\n"
    page = words(await looked_at(visitor, ORDERS, rows))
    assert "A-1 Ada 2 3 $12.50" in page
    assert "A-2 — 1 4 $10.00" in page
    assert await orders(shop) == []
    applied = await visitor.send(ORDERS, {"rows": rows, "act": "apply"})
    assert "2 of 2 orders were placed." in words(applied.text)
    assert [one["reference"] for one in await orders(shop)] == ["A-1", "A-2"]


async def test_a_file_is_read_like_rows_and_shown_for_correction(
    shop: Shop, visitor: Visitor
) -> None:
    content = "\ufeffsku,name,price\r\nth\u00e9,Th\u00e9 & <b>,5\r\n".encode()
    await visitor.get(PRODUCTS)
    answer = await visitor.send(PRODUCTS, {"rows": "old"}, files={"file": ("p.csv", content)})
    assert answer.status_code == 200
    assert rows_of(answer.text) == "sku,name,price\nthé,Thé & <b>,5\n"
    browsers_way = rows_of(answer.text).replace("\n", "\r\n")
    empty = {"file": ("", b"")}
    applied = await visitor.send(PRODUCTS, {"rows": browsers_way, "act": "apply"}, files=empty)
    assert "1 of 1 product was changed." in words(applied.text)
    assert [row["name"] for row in await taken(shop, "products")] == ["Thé & <b>"]


async def test_a_form_that_is_sent_twice_is_applied_once(shop: Shop, visitor: Visitor) -> None:
    product = await shop.product("Tea", sku="tea", stock=10)
    rows = text(("sku", "on_hand"), ("tea", 8))
    await looked_at(visitor, STOCK, rows)
    form = visitor.page
    first = await visitor.send(STOCK, {"rows": rows, "act": "apply"})
    body = {"product_id": product["id"], "quantity": 5}
    found(await shop.post("/stock/receipts", body), 201)
    visitor.page = form
    again = await visitor.send(STOCK, {"rows": rows, "act": "apply"})
    assert words(again.text) == words(first.text)
    assert [row["on_hand"] for row in await taken(shop, "stock")] == ["13"]


async def test_two_clicks_at_once_are_one_import(shop: Shop, visitor: Visitor) -> None:
    rows = "reference,sku,quantity\nA-1,tea,1\n"
    await shop.product("Tea", sku="tea")
    await looked_at(visitor, ORDERS, rows)
    form = visitor.page

    async def click() -> str:
        visitor.page = form
        return words((await visitor.send(ORDERS, {"rows": rows, "act": "apply"})).text)

    told = await asyncio.gather(click(), click())
    assert told[0] == told[1]
    assert len(await orders(shop)) == 1
    assert [name for name, _ in await facts(shop)].count("orders.imported") == 1


async def test_rows_that_nobody_has_looked_at_are_not_applied(shop: Shop, visitor: Visitor) -> None:
    rows = text(("sku", "name", "price"), ("tea", "Tea", 5))
    await looked_at(visitor, PRODUCTS, rows)
    other = rows.replace("Tea", "Coffee")
    answer = await visitor.send(PRODUCTS, {"rows": other, "act": "apply"})
    assert "not those of the last preview" in answer.text
    assert await taken(shop, "products") == []
    await visitor.send(PRODUCTS, {"rows": other, "act": "apply"})
    assert [row["name"] for row in await taken(shop, "products")] == ["Coffee"]


async def test_a_form_that_has_applied_other_rows_asks_for_another_look(
    shop: Shop, visitor: Visitor
) -> None:
    """Back to the page before, the rows corrected there, and its key sent once more."""
    rows = text(("sku", "name", "price"), ("tea", "Tea", 5))
    other = rows.replace("Tea", "Coffee")
    page = await looked_at(visitor, PRODUCTS, rows)
    key = re.findall(r'name="key" value="([^"]+)"', page)[-1]
    await visitor.send(PRODUCTS, {"rows": rows, "act": "apply"})
    await looked_at(visitor, PRODUCTS, other)
    answer = await visitor.send(PRODUCTS, {"rows": other, "act": "apply", "key": key})
    assert answer.status_code == 422
    assert "already imported something else" in answer.text
    assert rows_of(answer.text) == other
    looked = await visitor.send(PRODUCTS, {"rows": other, "act": "preview", "key": key})
    assert looked.status_code == 200
    assert [row["name"] for row in await taken(shop, "products")] == ["Tea"]


async def test_bad_rows_are_told_by_line_and_everything_is_kept(
    shop: Shop, visitor: Visitor
) -> None:
    rows = 'sku,name,price\ntea,"<Tea>",x\n,Mint,3\nfern,Fern,18.5\n'
    before = await shop.everything()
    await visitor.get(PRODUCTS)
    for act in ("preview", "apply"):
        answer = await visitor.send(PRODUCTS, {"rows": rows, "act": act})
        assert answer.status_code == 422
        page = words(answer.text)
        assert "2 things are wrong, so nothing was imported" in page
        assert 'Line 2 price Must be a number such as 25.99 tea,"<Tea>",x' in page
        assert "Line 3 sku Must not be empty ,Mint,3" in page
        assert rows_of(answer.text) == rows
    assert await shop.everything() == before
    right = rows.replace(",x", ",5").replace("\n,Mint", "\nmint,Mint")
    await visitor.send(PRODUCTS, {"rows": right, "act": "preview"})
    await visitor.send(PRODUCTS, {"rows": right, "act": "apply"})
    assert len(await taken(shop, "products")) == 3


async def test_what_has_changed_since_the_preview_is_told(shop: Shop, visitor: Visitor) -> None:
    product = await shop.product("Tea", sku="tea", stock=10)
    rows = text(("sku", "on_hand"), ("tea", 3))
    await looked_at(visitor, STOCK, rows)
    await shop.confirm(await shop.order((product, 4)))
    answer = await visitor.send(STOCK, {"rows": rows, "act": "apply"})
    assert answer.status_code == 422
    assert "4 are promised to orders" in answer.text
    assert rows_of(answer.text) == rows
    assert [row["on_hand"] for row in await taken(shop, "stock")] == ["10"]


@pytest.mark.parametrize(
    ("file", "status", "said"),
    [
        (b"sku,name,price\ntea,Th\xe9,5\n", 422, "not in UTF-8"),
        ("sku\r\n".encode("utf-16"), 422, "not in UTF-8"),
        (b" \n", 422, "nothing to import yet"),
        (b"x" * (CONSOLE_IMPORT_BYTES_MAX + 1), 413, "too much for a page"),
        (b"x" + b"\n" * (CONSOLE_IMPORT_LINES_MAX + 1), 413, "too much for a page"),
        (b"x" * BODY_BYTES_MAX, 413, "leafcraft import"),
    ],
)
async def test_a_file_that_no_page_can_read_is_told_in_words(
    visitor: Visitor, file: bytes, status: int, said: str
) -> None:
    await visitor.get(PRODUCTS)
    answer = await visitor.send(PRODUCTS, {"rows": ""}, files={"file": ("p.csv", file)})
    assert answer.status_code == status
    assert said in answer.text


async def test_pasted_rows_are_not_lost_to_a_file_that_is_not_utf8(visitor: Visitor) -> None:
    await visitor.get(PRODUCTS)
    answer = await visitor.send(PRODUCTS, {"rows": "sku\n"}, files={"file": ("p.csv", b"\xff")})
    assert rows_of(answer.text) == "sku\n"


async def test_who_may_only_look_can_take_a_file_but_bring_none(shop: Shop) -> None:
    await add(shop.settings, "viewer@example.com", Role.VIEWER)
    await shop.product("Tea", sku="tea")
    async with Visitor(shop) as viewer:
        await viewer.sign_in("viewer@example.com")
        for page in (PRODUCTS, STOCK, ORDERS):
            assert (await viewer.get(page)).status_code == 403
            assert (await viewer.send("/console/theme")).status_code == 303
            await viewer.get("/console")
            csrf = re.findall(
                r'name="csrf" value="([^"]+)"', viewer.page.text if viewer.page else ""
            )
            fields = {"csrf": csrf[0], "rows": "sku,name,price\nfern,Fern,1\n", "act": "preview"}
            assert (await viewer.client.post(page, data=fields)).status_code == 403
        file = await viewer.get("/console/products/export.csv")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert "products.csv" in file.headers["content-disposition"]
        assert file.text.startswith("sku,name,price")
        assert "tea,Tea," in file.text


async def test_a_stranger_gets_no_file(shop: Shop) -> None:
    async with Visitor(shop) as stranger:
        for name in ("products", "stock", "orders"):
            answer = await stranger.get(f"/console/{name}/export.csv")
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/console/sign-in")


async def test_a_file_that_was_taken_changes_nothing_when_it_is_brought(
    shop: Shop, visitor: Visitor
) -> None:
    product = await shop.product("Tea, green", sku="tea")
    found(await shop.post("/orders/", {**wanted((product, 1)), "reference": "A-1"}), 201)
    for name in ("products", "stock", "orders"):
        file = (await visitor.get(f"/console/{name}/export.csv")).text
        assert "Nothing would change" in await looked_at(visitor, f"/console/{name}/import", file)
