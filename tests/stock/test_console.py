"""Locations in the console: added, renamed, ranked, closed once they are empty, and opened again."""

from collections.abc import AsyncIterator

import pytest

from tests.builders import PASSWORD, Json, Shop, found
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

PLACE = "/console/settings/locations"


@pytest.fixture
async def admin(shop: Shop) -> AsyncIterator[Visitor]:
    async with Visitor(shop) as visitor:
        yield await visitor.sign_in()


async def location(shop: Shop, code: str) -> Json:
    answer = await shop.get("/locations/")
    (found_,) = [one for one in answer.json() if one["code"] == code]
    return dict(found_)


async def test_a_location_is_added_and_listed_in_its_rank(admin: Visitor, shop: Shop) -> None:
    await admin.get(PLACE)
    sent = await admin.send(PLACE, {"code": "attic", "name": "The Attic", "priority": "7"})
    assert sent.headers["location"] == PLACE
    listed = await admin.get(PLACE)
    assert "The Attic is there for goods to come in." in listed.text
    assert listed.text.index("Main") < listed.text.index(">The Attic<")
    made = await location(shop, "attic")
    assert (made["name"], made["priority"], made["active"]) == ("The Attic", 7, True)


@pytest.mark.parametrize(
    ("code", "priority", "told"),
    [
        ("main", "0", "There is a location main already."),
        ("No Good", "0", "should match pattern"),
        ("attic", "-1", "Must be 0 or more."),
        ("attic", "soon", "Must be a whole number."),
    ],
)
async def test_what_is_wrong_is_told_and_what_was_typed_stays(
    admin: Visitor, code: str, priority: str, told: str
) -> None:
    await admin.get(PLACE)
    refused = await admin.send(PLACE, {"code": code, "name": "Mine", "priority": priority})
    assert refused.status_code in {409, 422}
    assert told in refused.text
    for typed in (code, "Mine", priority):
        assert f'value="{typed}"' in refused.text


async def test_name_and_priority_are_edited_in_place(admin: Visitor, shop: Shop) -> None:
    made = found(await shop.post("/locations/", {"code": "shop", "priority": 3}), 201)
    place = f"{PLACE}/{made['id']}"
    await admin.get(PLACE)
    await admin.send(place, {"name": "Mill Lane", "priority": "1"})
    edited = await location(shop, "shop")
    assert (edited["name"], edited["priority"]) == ("Mill Lane", 1)
    await admin.get(PLACE)
    refused = await admin.send(place, {"name": "x" * 500, "priority": "1"})
    assert refused.status_code == 422
    assert "x" * 500 in refused.text


async def test_a_location_is_closed_and_opened_again(admin: Visitor, shop: Shop) -> None:
    made = found(await shop.post("/locations/", {"code": "shop"}), 201)
    place = f"{PLACE}/{made['id']}"
    await admin.get(PLACE)
    await admin.send(f"{place}/close")
    assert not (await location(shop, "shop"))["active"]
    assert "Closed" in (await admin.get(PLACE)).text
    await admin.send(f"{place}/open")
    assert (await location(shop, "shop"))["active"]


async def test_where_goods_lie_there_is_a_reason_instead_of_a_button(
    admin: Visitor, shop: Shop
) -> None:
    made = found(await shop.post("/locations/", {"code": "shop"}), 201)
    tea = await shop.product(stock=5)
    before = await admin.get(PLACE)
    assert "Goods come in here by default" in before.text
    moved = {"product_id": tea["id"], "quantity": 3, "from_location": "main", "to_location": "shop"}
    found(await shop.post("/stock/transfers", moved), 201)
    assert "There is stock here: move it first." in (await admin.get(PLACE)).text
    admin.page = before  # a page from before the goods came
    refused = await admin.send(f"{PLACE}/{made['id']}/close")
    assert refused.status_code == 409
    assert "There is stock at shop: move it first." in refused.text


async def test_a_viewer_looks_at_locations_and_changes_none(shop: Shop) -> None:
    user = {"email": "viewer@example.com", "password": PASSWORD, "role": "viewer"}
    found(await shop.post("/users/", user), 201)
    async with Visitor(shop) as theirs:
        await theirs.sign_in("viewer@example.com")
        page = await theirs.get(PLACE)
        assert page.status_code == 200
        assert "Operators and admins see to the locations" in page.text
        assert f'action="{PLACE}' not in page.text
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        sent = await theirs.client.post(PLACE, data={"csrf": csrf, "code": "attic"})
        assert sent.status_code == 403
