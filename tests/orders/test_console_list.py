"""The list of orders in the console: what it shows, how it is narrowed, how it goes on."""

import re
from html import unescape

import pytest

from tests.access.visits import hire
from tests.builders import Clock, Shop, found, signed_in, wanted
from tests.orders.browsing import browser, numbers, said

pytestmark = pytest.mark.anyio

LIST = "/console/orders"


async def test_each_state_is_told_with_its_orders_the_newest_first(shop: Shop) -> None:
    tea = await shop.product()
    first, second, third = [await shop.order((tea, 1)) for _ in range(3)]
    await shop.confirm(second)
    async with browser(shop) as person:
        page = await person.see(LIST)
        assert numbers(page) == [third["id"], second["id"], first["id"]]
        assert "All 3 Pending 2 Confirmed 1 Fulfilled 0 Cancelled 0 Expired 0" in said(page)
        assert numbers(await person.see(f"{LIST}?status=Confirmed")) == [second["id"]]
        assert numbers(await person.see(f"{LIST}?sort=oldest"))[0] == first["id"]


async def test_pages_lead_through_all_orders_once_with_the_same_filters(shop: Shop) -> None:
    tea = await shop.product(stock=1000)
    body = {"orders": [{**wanted((tea, 1)), "customer": {"name": "Ada"}}] * 120}
    found(await shop.post("/orders/bulk", body))
    seen: list[int] = []
    async with browser(shop) as person:
        address = f"{LIST}?q=ada&status=Pending"
        while address:
            page = await person.see(address)
            seen += numbers(page)
            following = re.search(r'<a class="[^"]*" href="([^"]+)" rel="next"', page)
            address = unescape(following[1]) if following else ""
            assert not address or ("q=ada" in address and "status=Pending" in address)
    assert seen == list(range(120, 0, -1))


async def test_a_cursor_of_other_filters_leads_to_the_beginning(shop: Shop) -> None:
    await shop.order((await shop.product(), 1))
    async with browser(shop) as person:
        answer = await person.client.get(f"{LIST}?q=ada&cursor=nonsense")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}?q=ada")


async def test_orders_are_found_by_number_words_sku_and_address(shop: Shop) -> None:
    fern, moss = await shop.product(sku="fern-1"), await shop.product(sku="moss-1")
    ada = {"name": "Ada Birch", "email": "ada@example.com"}
    hers = found(await shop.post("/orders/", {**wanted((fern, 1)), "customer": ada}), 201)
    other = await shop.order((moss, 1))
    async with browser(shop) as person:
        for query in (
            f"q=%23{hers['id']}",
            f"q={hers['id']}",
            "q=birch",
            "sku=fern-1",
            "email=Ada%40example.com",
            f"product_id={fern['id']}",
        ):
            assert numbers(await person.see(f"{LIST}?{query}")) == [hers["id"]], query
        named = await person.see(f"{LIST}?product_id={moss['id']}")
        assert numbers(named) == [other["id"]]
        assert 'value="moss-1"' in named


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2026-01-01"), ("Pacific/Kiritimati", "2026-01-02")]
)
async def test_days_are_the_visitors_own(still: Shop, zone: str, day: str) -> None:
    order = await still.order((await still.product(), 1))
    async with browser(still) as person:
        person.client.cookies.set("leafcraft_tz", zone)
        assert numbers(await person.see(f"{LIST}?from={day}&to={day}")) == [order["id"]]
        for missed in ("from=2026-01-03", "to=2025-12-31"):
            assert numbers(await person.see(f"{LIST}?{missed}")) == []
        other = {"2026-01-01": "from=2026-01-02", "2026-01-02": "to=2026-01-01"}[day]
        assert numbers(await person.see(f"{LIST}?{other}")) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_day_includes_its_first_moment_and_its_last(still: Shop, clock: Clock) -> None:
    tea = await still.product()
    clock.advance(hours=12)
    midnight = await still.order((tea, 1))
    clock.advance(hours=24, seconds=-0.000001)
    still.client.headers.update(signed_in(found(await still.sign_in())["access_token"]))
    last = await still.order((tea, 1))
    clock.advance(seconds=0.000001)
    await still.order((tea, 1))
    async with browser(still) as person:
        page = await person.see(f"{LIST}?from=2026-01-02&to=2026-01-02")
        assert numbers(page) == [last["id"], midnight["id"]]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("from=tomorrow", "Must be a day such as 2026-01-31."),
        ("to=9999-12-31", "Must be a day such as 2026-01-31."),
        ("sku=nothing", "There is no product with the sku nothing."),
        ("email=ada", "Not an e-mail address."),
    ],
)
async def test_a_filter_that_means_nothing_says_so_and_stays(
    shop: Shop, query: str, why: str
) -> None:
    await shop.order((await shop.product(), 1))
    async with browser(shop) as person:
        page = await person.see(f"{LIST}?{query}", 422)
        assert why in said(page)
        assert f'value="{query.partition("=")[2]}"' in page
        assert numbers(page) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_empty_shop_teaches_and_an_empty_search_says_so(shop: Shop) -> None:
    async with browser(shop) as person:
        assert "No orders yet" in said(await person.see(LIST))
        await shop.order((await shop.product(), 1))
        assert "No orders found" in said(await person.see(f"{LIST}?q=nobody"))
        assert "There are no Fulfilled orders" in said(await person.see(f"{LIST}?status=Fulfilled"))


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_who_may_only_look_is_offered_nothing_to_do(shop: Shop) -> None:
    await hire(shop, "viewer@example.com")
    await shop.order((await shop.product(), 1))
    async with browser(shop, "viewer@example.com") as viewer:
        page = await viewer.see(LIST)
        assert numbers(page) == [1]
        for offered in ('type="checkbox"', "New order", 'name="act"'):
            assert offered not in page
        assert "may look at orders" in said(await viewer.see(f"{LIST}/new", 403))


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_customers_call_themselves_is_text(shop: Shop) -> None:
    order = wanted((await shop.product(), 1))
    body = {**order, "customer": {"name": "<b>Ada"}, "reference": '"><script>'}
    found(await shop.post("/orders/", body), 201)
    async with browser(shop) as person:
        for address in (LIST, f"{LIST}?q=%22%3E%3Cscript%3E", "/console/find?q=1"):
            page = await person.see(address)
            assert "<b>Ada" not in page
            assert "<script>" not in page
