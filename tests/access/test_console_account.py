"""My account in the console: sessions are seen and ended, the password is changed, the theme chosen."""

import re
from collections.abc import AsyncIterator

import pytest

from leafcraft.access import words
from leafcraft.access.words import device
from leafcraft.accounts.rules import SCOPES, Role
from leafcraft.accounts.words import ROLES
from tests.builders import ADMIN_EMAIL, PASSWORD, Shop, found, problem
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

ACCOUNT = "/console/account"
SIGN_IN = "/console/sign-in"
NEW = " a better password "
AGENT = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1"
FIREFOX = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
async def me(shop: Shop) -> AsyncIterator[Visitor]:
    async with Visitor(shop) as visitor:
        yield await visitor.sign_in()


@pytest.fixture
async def other(shop: Shop) -> AsyncIterator[Visitor]:
    """The same person with another browser."""
    async with Visitor(shop) as visitor:
        visitor.client.headers["user-agent"] = FIREFOX
        yield await visitor.sign_in()


def sessions(page: str) -> list[str]:
    """The numbers of those that are listed, the newest first."""
    return re.findall(rf'action="{ACCOUNT}/sessions/(\d+)/end"', page)


async def is_out(visitor: Visitor) -> bool:
    return (await visitor.get(ACCOUNT)).status_code == 303


async def test_it_tells_who_i_am_and_where_i_am_signed_in(me: Visitor, other: Visitor) -> None:
    page = (await me.get(ACCOUNT)).text
    assert ADMIN_EMAIL in page
    assert ROLES["admin"] in page
    assert "Firefox on a Mac" in page
    assert "with tokens, not with a browser" in page  # the shop's own client
    assert len(sessions(page)) == 3
    assert page.count(">Here<") == 1
    assert (await other.get(ACCOUNT)).text.count(">Here<") == 1


async def test_one_session_is_ended_and_the_others_go_on(me: Visitor, other: Visitor) -> None:
    newest, *_ = sessions((await me.get(ACCOUNT)).text)
    ended = await me.send(f"{ACCOUNT}/sessions/{newest}/end")
    assert ended.headers["location"] == ACCOUNT
    assert await is_out(other)
    assert newest not in sessions((await me.get(ACCOUNT)).text)


async def test_a_session_that_is_over_already_is_told(me: Visitor, other: Visitor) -> None:
    newest, *_ = sessions((await me.get(ACCOUNT)).text)
    await other.get(ACCOUNT)
    await other.send("/console/sign-out")
    told = await me.send(f"{ACCOUNT}/sessions/{newest}/end")
    assert told.status_code == 404
    assert 'role="alert"' in told.text


async def test_ending_the_session_of_this_page_leads_to_the_door(me: Visitor) -> None:
    newest, *_ = sessions((await me.get(ACCOUNT)).text)
    out = await me.send(f"{ACCOUNT}/sessions/{newest}/end")
    assert out.headers["location"] == SIGN_IN
    assert out.headers["clear-site-data"] == '"cache"'
    assert "leafcraft" not in me.client.cookies
    assert "You are signed out." in (await me.get(SIGN_IN)).text


async def test_signing_out_everywhere_ends_all_of_them(
    me: Visitor, other: Visitor, shop: Shop
) -> None:
    await me.get(ACCOUNT)
    out = await me.send(f"{ACCOUNT}/sessions/end")
    assert out.headers["location"] == SIGN_IN
    assert "You are signed out everywhere." in (await me.get(SIGN_IN)).text
    assert await is_out(other)
    problem(await shop.get("/products/"), 401, "token_revoked")


async def test_a_new_password_ends_all_sessions_and_opens_the_door(
    me: Visitor, other: Visitor, shop: Shop
) -> None:
    await me.get(ACCOUNT)
    typed = {"current_password": PASSWORD, "new_password": NEW, "again_password": NEW}
    out = await me.send(f"{ACCOUNT}/password", typed)
    assert out.headers["location"] == SIGN_IN
    assert "Sign in with the new one." in (await me.get(SIGN_IN)).text
    assert await is_out(other)
    problem(await shop.sign_in(), 401, "invalid_credentials")
    await me.sign_in(password=NEW)


@pytest.mark.parametrize(
    ("current", "new", "again", "told"),
    [
        ("wrong", NEW, NEW, "Is not your password."),
        (PASSWORD, NEW, NEW.strip(), "Is not the same as the other."),
        (PASSWORD, "too-brief", "too-brief", "at least 12"),
        (PASSWORD, "password1234", "password1234", "easy to guess"),
    ],
)
async def test_a_password_that_can_not_be_set_is_told_beside_its_field(
    me: Visitor, current: str, new: str, *, again: str, told: str
) -> None:
    await me.get(ACCOUNT)
    typed = {"current_password": current, "new_password": new, "again_password": again}
    refused = await me.send(f"{ACCOUNT}/password", typed)
    assert refused.status_code == 422
    assert refused.text.count('class="error"') == 1
    assert told in refused.text
    assert new not in refused.text
    assert not await is_out(me)


async def test_a_theme_is_chosen_and_kept(me: Visitor) -> None:
    await me.get(ACCOUNT)
    chosen = await me.send("/console/theme", {"theme": "dark", "next": ACCOUNT})
    assert chosen.headers["location"] == ACCOUNT
    assert '<html lang="en" data-theme="dark">' in (await me.get(ACCOUNT)).text


async def test_it_tells_whose_time_and_whose_numbers_are_shown(me: Visitor) -> None:
    me.client.cookies.set("leafcraft_tz", "Asia/Kolkata")
    page = (await me.get(ACCOUNT, **{"accept-language": "de-DE"})).text
    assert "Asia/Kolkata (UTC+5:30)" in page
    assert "1.234,5" in page


async def test_everybody_has_an_account_page(shop: Shop) -> None:
    user = {"email": "ann@example.com", "password": PASSWORD, "role": "viewer"}
    found(await shop.post("/users/", user), 201)
    async with Visitor(shop) as hers:
        await hers.sign_in("ann@example.com")
        page = await hers.get(ACCOUNT)
        assert page.status_code == 200
        assert len(sessions(page.text)) == 1


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (FIREFOX, "Firefox on a Mac"),
        (f"{AGENT.format('Windows NT 10.0; Win64; x64')} Edg/140.0.0.0", "Edge on Windows"),
        (AGENT.format("Linux; Android 16"), "Chrome on Android"),
        (AGENT.format("X11; Linux x86_64"), "Chrome on Linux"),
        (IPHONE, "Safari on an iPhone"),
        ("curl/8.14.1", "curl"),
        ("Firefox/140.0", "Firefox"),
        ("", words.UNKNOWN),
        ("☃", words.UNKNOWN),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, said: str) -> None:
    assert device(agent) == said


def test_every_scope_and_every_role_has_words() -> None:
    assert list(words.SCOPES) == [scope.value for scope in SCOPES]
    assert list(ROLES) == [role.value for role in Role]
