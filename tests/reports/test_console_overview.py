"""The console's first page: what sold, what waits, what is low."""

import re

import pytest

from leafcraft.accounts.rules import Role
from tests.builders import PASSWORD, Shop, found
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

PAGE = "/console"


async def told(visitor: Visitor, path: str = PAGE) -> str:
    """What the page says, tags apart."""
    page = await visitor.get(path)
    assert page.status_code == 200, page.text
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


async def test_it_counts_what_sold_and_what_waits(shop: Shop, visitor: Visitor) -> None:
    tea = await shop.product("Oolong", stock=10, price=2.5)
    await shop.confirm(await shop.order((tea, 4)))
    await shop.order((tea, 1))
    page = await told(visitor)
    for words in (
        "Waiting to be confirmed 1",
        "Waiting to be sent 1",
        "Orders, 30 days 1 4 units",
        "Revenue, 30 days $10.00",
        "Stock value $25.00",
    ):
        assert words in page
    assert "Nothing is low" in page


async def test_it_says_what_is_low(shop: Shop, visitor: Visitor) -> None:
    tea = await shop.product("Oolong", stock=2)
    found(await shop.patch(f"/products/{tea['id']}", {"reorder_point": 3}))
    page = await told(visitor)
    assert "Nothing is low" not in page
    assert "Oolong" in page


@pytest.mark.parametrize(("asked", "days"), [("30", 30), ("90", 90), ("7", 30), ("x" * 5000, 30)])
async def test_it_looks_back_on_30_days_or_90(visitor: Visitor, asked: str, days: int) -> None:
    page = await visitor.get(f"{PAGE}?days={asked}")
    assert f"Revenue, {days} days" in page.text
    current = re.findall(r'href="/console\?days=(\d+)" aria-current="page"', page.text)
    assert current == [str(days)]


async def test_what_everybody_did_is_not_for_everybody(shop: Shop, visitor: Visitor) -> None:
    assert "What happened last" in await told(visitor)
    user = {"email": "vi@example.com", "password": PASSWORD, "role": Role.VIEWER.value}
    found(await shop.post("/users/", user), 201)
    async with Visitor(shop) as viewer:
        assert "What happened last" not in await told(await viewer.sign_in("vi@example.com"))
