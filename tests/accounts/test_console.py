"""Users in the console: added with a password that is shown once, given roles, shut out and let in again."""

import re
from collections.abc import AsyncIterator

import pytest

from leafcraft.accounts.passwords import made_up
from tests.builders import ADMIN_EMAIL, PASSWORD, Json, Shop, found, problem
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

USERS = "/console/settings/users"
ANN = "ann@example.com"


@pytest.fixture
async def admin(shop: Shop) -> AsyncIterator[Visitor]:
    async with Visitor(shop) as visitor:
        yield await visitor.sign_in()


async def added(shop: Shop, email: str = ANN, role: str = "operator") -> Json:
    user = {"email": email, "password": PASSWORD, "role": role}
    return found(await shop.post("/users/", user), 201)


async def test_a_made_up_password_is_shown_once_and_opens_the_door(
    admin: Visitor, shop: Shop
) -> None:
    await admin.get(USERS)
    page = await admin.send(USERS, {"email": ANN, "role": "operator", "password": ""})
    assert page.status_code == 200
    assert "no-store" in ", ".join(page.headers.get_list("cache-control"))
    (password,) = re.findall(r'value="([a-z0-9-]{24})" readonly', page.text)
    found(await shop.sign_in(ANN, password))
    assert password not in (await admin.get(USERS)).text


async def test_no_browser_keeps_the_form_that_brings_the_made_up_password(admin: Visitor) -> None:
    listed = await admin.get(USERS)
    refused = await admin.send(USERS, {"email": "nobody", "role": "operator", "password": ""})
    for page in (listed, refused):
        assert 'name="made_password" value="' in page.text
        assert "no-store" in page.headers.get_list("cache-control")


async def test_the_same_form_sent_again_adds_nobody_and_shows_the_same_password(
    admin: Visitor,
) -> None:
    listed = await admin.get(USERS)
    wanted = {"email": ANN, "role": "viewer", "password": ""}
    first = await admin.send(USERS, wanted)
    admin.page = listed
    again = await admin.send(USERS, wanted)
    shown = [re.findall(r'value="([^"]+)" readonly', page.text) for page in (first, again)]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 1


async def test_a_typed_password_is_taken_as_it_is_and_never_shown(
    admin: Visitor, shop: Shop
) -> None:
    typed = "  seven green kettles "
    await admin.get(USERS)
    sent = await admin.send(USERS, {"email": ANN, "role": "operator", "password": typed})
    assert (sent.status_code, sent.headers["location"]) == (303, USERS)
    listed = await admin.get(USERS)
    assert f"{ANN} can sign in now." in listed.text
    assert typed.strip() not in listed.text
    found(await shop.sign_in(ANN, typed))


@pytest.mark.parametrize(
    ("email", "password", "told"),
    [
        ("nobody", "", "Not an e-mail address."),
        (ADMIN_EMAIL, "", f"{ADMIN_EMAIL} has an account already."),
        (ANN, "too-brief", "at least 12"),
        (ANN, "password1234", "easy to guess"),
    ],
)
async def test_what_is_wrong_is_told_and_what_was_typed_stays(
    admin: Visitor, email: str, password: str, told: str
) -> None:
    await admin.get(USERS)
    refused = await admin.send(USERS, {"email": email, "role": "admin", "password": password})
    assert refused.status_code in {409, 422}
    assert told in refused.text
    assert f'value="{email}"' in refused.text
    assert re.search(r'value="admin" checked', refused.text)
    assert not password or password not in refused.text


async def test_a_role_is_changed_on_the_users_own_page(admin: Visitor, shop: Shop) -> None:
    ann = await added(shop)
    place = f"{USERS}/{ann['id']}"
    assert 'value="operator" checked' in (await admin.get(place)).text
    changed = await admin.send(place, {"role": "viewer"})
    assert changed.headers["location"] == place
    assert "has the role viewer now" in (await admin.get(place)).text
    assert found(await shop.get(f"/users/{ann['id']}"))["role"] == "viewer"


async def test_somebody_is_shut_out_at_once_and_let_in_again(admin: Visitor, shop: Shop) -> None:
    ann = await added(shop)
    place = f"{USERS}/{ann['id']}"
    async with Visitor(shop) as hers:
        await hers.sign_in(ANN)
        await admin.get(place)
        await admin.send(f"{place}/disable")
        assert (await hers.get("/console")).status_code == 303
    assert "Disabled" in (await admin.get(USERS)).text
    problem(await shop.sign_in(ANN), 401, "invalid_credentials")
    await admin.get(place)
    await admin.send(f"{place}/enable")
    found(await shop.sign_in(ANN))


async def test_the_last_admin_is_told_why_they_stay(admin: Visitor, shop: Shop) -> None:
    place = f"{USERS}/1"
    page = await admin.get(place)
    assert "The last admin stays one" in page.text
    assert f'action="{place}/disable"' not in page.text
    second = await added(shop, "second@example.com", "admin")
    assert f'action="{place}/disable"' in (await admin.get(place)).text
    found(await shop.patch(f"/users/{second['id']}", {"disabled": True}))
    refused = await admin.send(f"{place}/disable")  # from a page of before
    assert refused.status_code == 409
    assert "The last admin stays one" in refused.text
    assert "is the last admin" in refused.text


async def test_whoever_gives_up_the_role_is_led_to_where_they_may_be(
    admin: Visitor, shop: Shop
) -> None:
    await added(shop, "second@example.com", "admin")
    await admin.get(f"{USERS}/1")
    gone = await admin.send(f"{USERS}/1", {"role": "viewer"})
    assert gone.headers["location"] == "/console"
    assert (await admin.get("/console")).status_code == 200
    assert (await admin.get(USERS)).status_code == 403


async def test_who_is_no_admin_neither_sees_nor_reaches_the_users(shop: Shop) -> None:
    await added(shop)
    async with Visitor(shop) as hers:
        await hers.sign_in(ANN)
        assert USERS not in (await hers.get("/console")).text
        for path in (USERS, f"{USERS}/1"):
            assert (await hers.get(path)).status_code == 403


async def test_nobody_of_that_number_is_a_page_that_says_so(admin: Visitor) -> None:
    lost = await admin.get(f"{USERS}/99")
    assert lost.status_code == 404
    assert "Nothing here" in lost.text


def test_made_up_passwords_differ_and_have_nothing_to_misread() -> None:
    many = {made_up() for _ in range(200)}
    assert len(many) == 200
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}", one) for one in many)
