"""API keys in the console: made with what is ticked, shown once, taken away."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.builders import Clock, Shop, client_of, found, problem, signed_in
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

KEYS = "/console/settings/keys"


@pytest.fixture
async def admin(shop: Shop) -> AsyncIterator[Visitor]:
    async with Visitor(shop) as visitor:
        yield await visitor.sign_in()


def shown(text: str) -> list[str]:
    return re.findall(r'value="(leafcraft_[^"]+)" readonly', text)


async def test_a_key_is_shown_once_and_opens_what_was_ticked(admin: Visitor, shop: Shop) -> None:
    await admin.get(KEYS)
    page = await admin.send(KEYS, {"name": "Till", "scopes": ["products:read", "stock:read"]})
    assert page.status_code == 200
    assert "no-store" in ", ".join(page.headers.get_list("cache-control"))
    (key,) = shown(page.text)
    async with client_of(shop.app) as machine:
        machine.headers.update(signed_in(key))
        assert (await machine.get("/products/")).status_code == 200
        problem(await machine.get("/orders/"), 403, "forbidden")
    listed = await admin.get(KEYS)
    assert key not in listed.text
    assert key[:16] in listed.text
    assert "by you" in listed.text


async def test_a_reload_shows_the_same_key_and_makes_no_other(admin: Visitor, shop: Shop) -> None:
    form = await admin.get(KEYS)
    wanted = {"name": "Till", "scopes": ["stock:read"]}
    first = shown((await admin.send(KEYS, wanted)).text)
    admin.page = form
    assert shown((await admin.send(KEYS, wanted)).text) == first
    assert len((await shop.get("/api-keys/")).json()) == 1


async def test_a_key_works_to_the_end_of_its_last_day_where_the_visitor_is(
    shop: Shop, admin: Visitor
) -> None:
    admin.client.cookies.set("leafcraft_tz", "America/New_York")
    await admin.get(KEYS)
    await admin.send(KEYS, {"name": "Till", "scopes": "stock:read", "last_day": "2037-06-30"})
    (made,) = (await shop.get("/api-keys/")).json()
    assert made["expires_at"] == "2037-07-01T04:00:00Z"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": "Till"}, "Tick at least one."),
        ({"name": "", "scopes": "stock:read"}, "Must not be empty."),
        ({"name": "Till", "scopes": "stock:read", "last_day": "2001-01-01"}, "Is past already."),
        ({"name": "Till", "scopes": "stock:read", "last_day": "some day"}, "Must be a moment"),
    ],
)
async def test_what_is_wrong_is_told_and_what_was_typed_stays(
    admin: Visitor, shop: Shop, typed: dict[str, str], told: str
) -> None:
    await admin.get(KEYS)
    refused = await admin.send(KEYS, typed)
    assert refused.status_code == 422
    assert told in refused.text
    assert f'value="{typed["name"]}"' in refused.text
    assert ("checked" in refused.text) is ("scopes" in typed)
    assert (await shop.get("/api-keys/")).json() == []


async def test_a_key_that_is_taken_away_opens_nothing_any_more(admin: Visitor, shop: Shop) -> None:
    wanted = {"name": "Till", "scopes": ["products:read"]}
    made = found(await shop.post("/api-keys/", wanted), 201)
    place = f"{KEYS}/{made['id']}/delete"
    listed = await admin.get(KEYS)
    assert "Take it away" in listed.text
    assert (await admin.send(place)).headers["location"] == KEYS
    async with client_of(shop.app) as machine:
        machine.headers.update(signed_in(made["key"]))
        assert (await machine.get("/products/")).status_code == 401
    admin.page = listed
    again = await admin.send(place)
    assert again.headers["location"] == KEYS  # the same form says the same again
    await admin.get(KEYS)
    assert place not in admin.page.text


async def test_a_key_that_somebody_else_has_taken_away_is_told(admin: Visitor, shop: Shop) -> None:
    made = found(await shop.post("/api-keys/", {"name": "Till", "scopes": ["admin"]}), 201)
    await admin.get(KEYS)
    await shop.client.delete(f"/api-keys/{made['id']}")
    told = await admin.send(f"{KEYS}/{made['id']}/delete")
    assert told.status_code == 404
    assert "No keys yet" in told.text


async def test_a_key_whose_end_has_come_says_so(timed_shop: Shop, clock: Clock) -> None:
    key = {"name": "Till", "scopes": ["admin"], "expires_at": "2026-01-01T13:00:00Z"}
    found(await timed_shop.post("/api-keys/", key), 201)
    async with Visitor(timed_shop) as admin:
        await admin.sign_in()
        assert "Expired" not in (await admin.get(KEYS)).text
        clock.advance(hours=1)
        assert "Expired" in (await admin.get(KEYS)).text


async def test_who_is_no_admin_neither_sees_nor_reaches_the_keys(shop: Shop) -> None:
    user = {"email": "ann@example.com", "password": "seven-green-kettles", "role": "operator"}
    found(await shop.post("/users/", user), 201)
    async with Visitor(shop) as hers:
        await hers.sign_in("ann@example.com", "seven-green-kettles")
        assert KEYS not in (await hers.get("/console")).text
        assert (await hers.get(KEYS)).status_code == 403
