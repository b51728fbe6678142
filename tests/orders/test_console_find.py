"""What the command palette finds."""

import pytest

from tests.builders import Shop, found, wanted
from tests.orders.browsing import browser, numbers, said

pytestmark = pytest.mark.anyio


async def test_orders_are_found_by_number_first_and_products_by_name(shop: Shop) -> None:
    tea = await shop.product("Green Tea", stock=7)
    for reference in ("12", "WEB-1"):
        found(await shop.post("/orders/", {**wanted((tea, 1)), "reference": reference}), 201)
    async with browser(shop) as person:
        page = await person.see("/console/find?q=%231")
        assert "<main" not in page
        assert numbers(page) == [1]
        assert numbers(await person.see("/console/find?q=1")) == [1]
        assert numbers(await person.see("/console/find?q=web")) == [2]
        page = await person.see("/console/find?q=green")
        assert f'href="/console/products/{tea["id"]}"' in page
        assert "7 available" in said(page)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_no_more_than_a_few_are_found_and_nothing_for_nothing(shop: Shop) -> None:
    tea = await shop.product("Tea", sku="tea-1")
    for _ in range(7):
        await shop.order((tea, 1))
        await shop.product()
    async with browser(shop) as person:
        page = await person.see("/console/find?q=tea-")
        assert numbers(page) == [7, 6, 5, 4, 3]
        assert (await person.see("/console/find?q=tea")).count("/console/products/") == 5
        assert said(await person.see("/console/find")) == ""
        assert said(await person.see(f"/console/find?q={'9' * 300}")) == ""
