"""What happened, as admins look through it in the console."""

import re

import pytest

from tests.builders import ADMIN_EMAIL, PASSWORD, Clock, Json, Shop, another, found, open_shop
from tests.conftest import MakeSettings
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

PAGE = "/console/activity"
ANN = "ann@example.com"


async def happened(visitor: Visitor, query: str = "") -> list[str]:
    """What the rows say, tags apart."""
    page = await visitor.get(f"{PAGE}?{query}")
    assert page.status_code == 200, page.text
    (body,) = re.findall(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL) or [""]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


async def ann_places_an_order(shop: Shop) -> Json:
    user = {"email": ANN, "password": PASSWORD, "role": "operator"}
    found(await shop.post("/users/", user), 201)
    tea = await shop.product()
    async with another(shop, (await shop.sign_in(ANN)).json()["access_token"]) as ann:
        return await ann.order((tea, 2))


async def test_what_somebody_did_is_told_by_their_address(shop: Shop, visitor: Visitor) -> None:
    order = await ann_places_an_order(shop)
    placed, *_ = await happened(visitor, "type=order.created")
    assert f"Order {order['id']} {ANN}" in placed
    assert "Order placed" in placed
    added = (await happened(visitor, "type=user.added"))[0]
    assert "User 2 you" in added
    assert ADMIN_EMAIL not in added


async def test_it_is_narrowed_by_who_what_and_when(shop: Shop, visitor: Visitor) -> None:
    order = await ann_places_an_order(shop)
    key = found(await shop.post("/api-keys/", {"name": "till", "scopes": ["orders:read"]}), 201)
    everything = await happened(visitor)
    anns = await happened(visitor, "actor=user:2")
    assert 0 < len(anns) < len(everything)
    assert all(ANN in one for one in anns)
    about = await happened(visitor, f"subject_type=order&subject_id={order['id']}")
    assert len(about) == 1
    assert f"API key {key['id']} you" in (await happened(visitor, "subject_type=api_key"))[0]
    assert await happened(visitor, "until=2020-01-01") == []
    assert await happened(visitor, "since=2020-01-01") == everything


async def test_a_filter_that_makes_no_sense_is_told(visitor: Visitor) -> None:
    for query in ("since=x", "subject_id=x", "cursor=x"):
        assert (await visitor.get(f"{PAGE}?{query}")).status_code == 422


async def test_one_day_alone_can_be_looked_at_where_the_visitor_is(
    make_settings: MakeSettings,
) -> None:
    """What happens at noon in London happens on the next day in Auckland."""
    async with open_shop(make_settings(), Clock()) as shop, Visitor(shop) as visitor:
        await shop.product("Tea")
        await visitor.sign_in()
        for zone, day, there in (
            ("UTC", "2026-01-01", True),
            ("UTC", "2026-01-02", False),
            ("Pacific/Auckland", "2026-01-01", False),
            ("Pacific/Auckland", "2026-01-02", True),
        ):
            visitor.client.cookies.set("leafcraft_tz", zone)
            page = await visitor.get(f"/console/activity?since={day}&until={day}")
            assert ("Product 1" in page.text) is there, (zone, day)
