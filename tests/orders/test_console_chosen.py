"""Many orders chosen from the list: each is told what became of it, and nothing is done twice."""

import pytest

from tests.access.visits import hire
from tests.builders import Json, Shop, found
from tests.orders.browsing import Fields, browser, numbers, said

pytestmark = pytest.mark.anyio

LIST = "/console/orders"
CHOSEN = f"{LIST}/chosen"


def chosen(act: str, *orders: Json) -> Fields:
    return [*(("ids", str(order["id"])) for order in orders), ("act", act)]


async def test_each_order_is_told_what_became_of_it_and_what_is_missing(shop: Shop) -> None:
    tea, mint = await shop.product("Green Tea", stock=3), await shop.product("Mint", stock=1)
    small, big, gone = (
        await shop.order((tea, 1)),
        await shop.order((tea, 2), (mint, 5)),
        await shop.order((tea, 1)),
    )
    await shop.cancel(gone)
    async with browser(shop) as person:
        page = await person.see(LIST)
        answer = await person.fill(page, CHOSEN, chosen("confirm", small, big, gone))
        told = said(answer.text)
        assert answer.status_code == 200
        assert "1 of 3 orders confirmed" in told
        assert "Mint (mint) : 5 asked, 1 available" in told
        assert "Cancelled" in told
        assert set(numbers(answer.text)) == {small["id"], big["id"], gone["id"]}
    assert [(await shop.reload(one))["status"] for one in (small, big)] == ["Confirmed", "Pending"]


async def test_the_refused_can_be_tried_again_and_are_done_then(shop: Shop) -> None:
    tea = await shop.product(stock=1)
    order = await shop.order((tea, 2))
    async with browser(shop) as person:
        first = await person.fill(await person.see(LIST), CHOSEN, chosen("confirm", order))
        body = {"product_id": tea["id"], "quantity": 1, "location": "main"}
        found(await shop.post("/stock/receipts", body), 201)
        again = await person.fill(first.text, CHOSEN, chosen("confirm", order))
        assert "1 of 1 order confirmed" in said(again.text)


@pytest.mark.parametrize(
    ("act", "state", "on_hand"), [("fulfill", "Fulfilled", 8), ("cancel", "Cancelled", 10)]
)
async def test_a_form_that_is_sent_twice_does_it_once(
    shop: Shop, act: str, state: str, on_hand: int
) -> None:
    tea = await shop.product(stock=10)
    orders = [await shop.confirm(await shop.order((tea, 1))) for _ in range(2)]
    async with browser(shop) as person:
        page = await person.see(LIST)
        once = await person.fill(page, CHOSEN, chosen(act, *orders))
        everything = await shop.everything()
        twice = await person.fill(page, CHOSEN, chosen(act, *orders))
        assert said(once.text) == said(twice.text)
        assert f"2 of 2 orders {state.lower()}" in said(once.text)
    assert await shop.everything() == everything
    assert [(await shop.reload(one))["status"] for one in orders] == [state, state]
    assert (await shop.reload(tea))["on_hand"] == on_hand


async def test_a_page_that_was_gone_back_to_does_other_orders_too(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    first, second = await shop.order((tea, 1)), await shop.order((tea, 1))
    async with browser(shop) as person:
        page = await person.see(LIST)
        for order in (first, second):
            answer = await person.fill(page, CHOSEN, chosen("confirm", order))
            assert "1 of 1 order confirmed" in said(answer.text)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_where_nothing_is_chosen_the_list_says_so_and_stays_as_it_was(shop: Shop) -> None:
    await shop.order((await shop.product(), 1))
    async with browser(shop) as person:
        page = await person.see(f"{LIST}?status=Pending")
        back = ("back", f"{LIST}?status=Pending")
        answer = await person.fill(page, CHOSEN, [("act", "confirm"), ("ids", "none"), back])
        assert answer.headers["location"] == f"{LIST}?status=Pending"
        assert "No orders were chosen" in said(await person.follow(answer))
        answer = await person.fill(page, CHOSEN, [("ids", "1")])
        assert "Nothing was done: choose a button" in said(await person.follow(answer))
        elsewhere = await person.fill(page, CHOSEN, [("act", "cancel"), ("back", "//x.example/")])
        assert elsewhere.headers["location"] == LIST


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_nothing_is_done_for_who_may_only_look(shop: Shop) -> None:
    await hire(shop, "viewer@example.com")
    order = await shop.order((await shop.product(), 1))
    async with browser(shop, "viewer@example.com") as viewer:
        page = await viewer.see(LIST)
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        fields = {"csrf": csrf, "act": "confirm", "ids": str(order["id"])}
        answer = await viewer.client.post(CHOSEN, data=fields)
        assert answer.status_code == 403
    assert (await shop.reload(order))["status"] == "Pending"
