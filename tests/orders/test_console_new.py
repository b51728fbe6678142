"""An order by hand: every step keeps what was typed, and it is placed once."""

import re
from typing import Any

import pytest

from tests.builders import Json, Shop, found
from tests.orders.browsing import Browser, browser, said
from tests.orders.holding import location, receive

pytestmark = pytest.mark.anyio

NEW = "/console/orders/new"
TYPED = {
    "reference": "R-7",
    "name": "Ada Birch",
    "email": "ada@example.com",
    "phone": "+49 30 1234",
    "address": "1 Fern Street\n12345 Town",
    "note": "Ring twice",
}


async def sent(person: Browser, act: str, page: str = "", **fields: Any) -> Any:
    """The form with its lines as keywords like `p1="2"`: two of the product 1."""
    pairs = [("act", act)]
    for name, value in {**TYPED, **fields}.items():
        if line := re.fullmatch(r"p(\d+)", name):
            pairs += [("product", line[1]), (f"quantity-{line[1]}", value)]
        else:
            pairs.append((name, value))
    return await person.fill(page or await person.see(NEW), NEW, pairs)


def typed(page: str, name: str) -> str | None:
    value = re.search(rf'name="{name}" type="[a-z]+"[^>]*? value="([^"]*)"', page)
    number = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)
    return (value or number or [None, None])[1]


async def orders(shop: Shop) -> list[Json]:
    listed: list[Json] = (await shop.get("/orders/")).json()
    return listed


@pytest.mark.parametrize("act", ["search", "add:1", "remove:2", "place"])
async def test_every_step_keeps_what_was_typed(shop: Shop, act: str) -> None:
    for name in ("Green Tea", "Mint"):
        await shop.product(name)
    fields = {**TYPED, "email": "half@", "q": "tea", "hold_minutes": "soon"}
    async with browser(shop) as person:
        page = (await sent(person, act, p2="4", **fields)).text
    for name in ("reference", "name", "email", "phone", "q", "hold_minutes"):
        assert typed(page, name) == fields[name]
    assert "1 Fern Street\n12345 Town</textarea>" in page
    assert "Ring twice</textarea>" in page
    assert typed(page, "quantity-2") == (None if act == "remove:2" else "4")
    assert await orders(shop) == []


async def test_products_are_searched_added_and_taken_off(shop: Shop) -> None:
    tea, mint = await shop.product("Green Tea", stock=5, price=2.5), await shop.product("Mint")
    gone = await shop.product("Old Tea")
    found(await shop.post(f"/products/{gone['id']}/archive"))
    async with browser(shop) as person:
        page = said((await sent(person, "search", q="tea")).text)
        assert "Green Tea" in page
        assert "Mint" not in page
        assert "Old Tea" not in page
        page = (await sent(person, f"add:{tea['id']}")).text
        assert typed(page, "quantity-1") == "1"
        page = (await sent(person, f"add:{tea['id']}", p1="3", p2="x")).text
        assert (typed(page, "quantity-1"), typed(page, "quantity-2")) == ("4", "x")
        assert "Total $10.00" in said(page)
        page = (await sent(person, f"remove:{mint['id']}", p1="3", p2="x")).text
        assert typed(page, "quantity-2") is None


async def test_more_than_there_is_is_said_at_the_line(shop: Shop) -> None:
    await shop.product("Green Tea", stock=5)
    async with browser(shop) as person:
        assert "more than can be sold" not in said((await sent(person, "search", p1="5")).text)
        page = said((await sent(person, "search", p1="7")).text)
        assert "2 more than can be sold now" in page


async def test_an_order_is_placed_once_however_often_it_is_sent(shop: Shop) -> None:
    await shop.product("Green Tea", stock=5)
    async with browser(shop) as person:
        page = await person.see(NEW)
        for _ in range(2):
            answer = await sent(person, "place", page, p1="2")
            assert answer.headers["location"] == "/console/orders/1"
    (order,) = await orders(shop)
    assert (order["status"], order["reference"], order["note"]) == ("Pending", "R-7", "Ring twice")
    assert order["customer"] == {
        "name": "Ada Birch",
        "email": "ada@example.com",
        "phone": "+49 30 1234",
        "address": ["1 Fern Street", "12345 Town"],
    }
    assert [(line["product_id"], line["quantity"]) for line in order["items"]] == [(1, 2)]


async def test_an_order_is_placed_and_confirmed_once(shop: Shop) -> None:
    await shop.product("Green Tea", stock=5)
    async with browser(shop) as person:
        page = await person.see(NEW)
        for _ in range(2):
            answer = await sent(person, "confirm", page, p1="2")
            assert answer.headers["location"] == "/console/orders/1"
    (order,) = await orders(shop)
    assert order["status"] == "Confirmed"
    assert (await shop.reload({"id": 1, "sku": ""}))["reserved"] == 2


async def test_an_order_that_cant_be_confirmed_stays_pending_and_says_why(shop: Shop) -> None:
    await shop.product("Green Tea", stock=5)
    async with browser(shop) as person:
        answer = await sent(person, "confirm", p1="7")
        assert answer.headers["location"] == "/console/orders/1"
        page = said(await person.see("/console/orders"))
        assert "Order 1 is placed, but still Pending." in page
        assert "missing are 2 of Green Tea (green-tea)" in page
    assert [order["status"] for order in await orders(shop)] == ["Pending"]


async def test_a_hold_that_is_too_much_says_what_is_missing_and_where_there_is_some(
    shop: Shop,
) -> None:
    tea = await shop.product("Green Tea", stock=5)
    await location(shop, "north")
    await receive(shop, tea, 3, "north")
    async with browser(shop) as person:
        answer = await sent(person, "place", p1="9", hold_minutes="30")
        assert answer.status_code == 409
        page = said(answer.text)
        assert "Green Tea 9 8 1" in page
        assert "Green Tea: 5 in main, 3 in north" in page
        assert await orders(shop) == []
        answer = await sent(person, "place", p1="8", hold_minutes="30")
        assert answer.status_code == 303
    assert (await orders(shop))[0]["expires_at"] is not None


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "An order needs a product"),
        ({"p1": "two"}, "Must be a whole number, 1 or more."),
        ({"p1": "0"}, "Must be a whole number"),
        ({"p1": "1", "email": "half@"}, "Not an e-mail address"),
        ({"p1": "1", "hold_minutes": "0"}, "Must be a whole number"),
        ({"p1": "1", "reference": "x" * 65}, "at most 64"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    shop: Shop, fields: dict[str, str], why: str
) -> None:
    await shop.product()
    async with browser(shop) as person:
        answer = await sent(person, "place", **fields)
        assert answer.status_code == 422
        at_fields = "".join(re.findall(r'class="(?:error|inside bad)".*?</p>', answer.text))
        assert why in said(at_fields)
    assert await orders(shop) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_form_that_was_gone_back_to_says_that_it_has_placed_an_order(shop: Shop) -> None:
    await shop.product()
    async with browser(shop) as person:
        page = await person.see(NEW)
        assert (await sent(person, "place", page, p1="1", reference="")).status_code == 303
        again = await sent(person, "place", page, p1="2", reference="")
        assert "already placed an order" in said(again.text)
        assert len(await orders(shop)) == 1
        assert (await sent(person, "place", again.text, p1="2", reference="")).status_code == 303
    assert len(await orders(shop)) == 2
