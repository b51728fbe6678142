"""The console's door and its manners: who comes in, what a form must carry, and that nothing typed is lost."""

import gzip
import re
from collections.abc import AsyncIterator

import pytest

from leafcraft.accounts.rules import Role
from tests.builders import Clock, Shop, add, found, open_shop
from tests.conftest import MakeSettings
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

SIGN_IN = "/console/sign-in"


@pytest.fixture
async def stranger(shop: Shop) -> AsyncIterator[Visitor]:
    async with Visitor(shop) as visitor:
        yield visitor


@pytest.fixture
async def visitor(stranger: Visitor) -> Visitor:
    return await stranger.sign_in()


async def test_a_stranger_is_asked_to_sign_in_and_then_led_to_where_they_wanted(
    stranger: Visitor,
) -> None:
    asked = await stranger.get("/console/activity?type=order.created")
    assert asked.status_code == 303
    wanted = asked.headers["location"]
    assert wanted == f"{SIGN_IN}?next=/console/activity%3Ftype%3Dorder.created"
    await stranger.get(wanted)
    right = {"email": "admin@example.com", "password": "correct horse battery staple"}
    let_in = await stranger.send(SIGN_IN, right)
    assert let_in.headers["location"] == "/console/activity?type=order.created"
    assert (await stranger.get("/console/activity")).status_code == 200
    assert (await stranger.get(SIGN_IN)).headers["location"] == "/console"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/docs",
        "/consoles",
        "javascript:x",
        "//[",
        "http://[",
        "//\u2100x",
    ],
)
async def test_nobody_is_led_out_of_the_console(stranger: Visitor, elsewhere: str) -> None:
    await stranger.get(SIGN_IN)
    right = {"email": "admin@example.com", "password": "correct horse battery staple"}
    let_in = await stranger.send(SIGN_IN, {**right, "next": elsewhere})
    assert let_in.headers["location"] == "/console"
    shown = await stranger.client.get(SIGN_IN, params={"next": elsewhere})
    assert shown.headers["location"] == "/console"


async def test_a_wrong_password_is_told_and_the_address_kept(stranger: Visitor) -> None:
    await stranger.get(SIGN_IN)
    refused = await stranger.send(SIGN_IN, {"email": "admin@example.com", "password": "no"})
    assert refused.status_code == 401
    assert 'role="alert"' in refused.text
    assert 'value="admin@example.com"' in refused.text
    assert "set-cookie" not in refused.headers


async def test_the_cookie_is_for_this_host_and_its_pages_alone(shop: Shop) -> None:
    for base, name, secure in (
        ("http://shop.test", "leafcraft", False),
        ("https://shop.test", "__Host-leafcraft", True),
    ):
        async with Visitor(shop, base_url=base) as one:
            await one.get(SIGN_IN)
            right = {"email": "admin@example.com", "password": "correct horse battery staple"}
            cookie = (await one.send(SIGN_IN, right)).headers["set-cookie"]
        given, *told = cookie.split("; ")
        assert given.partition("=")[0] == name
        assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= set(told)
        assert ("Secure" in told) is secure
        assert not any(one.startswith(("Domain", "Expires", "Max-Age")) for one in told)


async def test_signing_out_ends_the_session_and_empties_the_browser(visitor: Visitor) -> None:
    await visitor.get("/console")
    cookies = dict(visitor.client.cookies)
    gone = await visitor.send("/console/sign-out")
    assert gone.headers["location"] == SIGN_IN
    assert gone.headers["clear-site-data"] == '"cache"'
    visitor.client.cookies.update(cookies)  # whoever kept it has nothing
    assert (await visitor.get("/console")).headers["location"].startswith(SIGN_IN)


async def test_signing_in_again_ends_the_session_before(shop: Shop, visitor: Visitor) -> None:
    before = dict(visitor.client.cookies)
    async with Visitor(shop) as nobody:
        visitor.page = await nobody.get(SIGN_IN)  # a page that was open in another tab
        right = {"email": "admin@example.com", "password": "correct horse battery staple"}
        assert (await visitor.send(SIGN_IN, right)).headers["location"] == "/console"
        assert (await visitor.get("/console")).status_code == 200
        nobody.client.cookies.update(before)
        assert (await nobody.get("/console")).status_code == 303


async def test_who_asks_too_much_is_told_when_to_come_again(make_settings: MakeSettings) -> None:
    settings = make_settings(rate_limit="on", rate_per_second=1)
    async with open_shop(settings) as shop, Visitor(shop) as visitor:
        await visitor.sign_in()
        answers = [await visitor.get("/console/account") for _ in range(20)]
        refused = [one for one in answers if one.status_code == 429]
        assert refused
        assert int(refused[0].headers["retry-after"]) >= 1


async def test_every_page_has_a_policy_that_allows_its_own_files_alone(visitor: Visitor) -> None:
    for path in ("/console", "/console/nothing", "/console/activity?since=x"):
        answer = await visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert len(answer.headers.get_list("content-security-policy")) == 1
        assert answer.headers["cache-control"] == "private, no-cache"
        # With `no-referrer` a form over a plain connection says that it comes from nowhere.
        assert answer.headers.get_list("referrer-policy") == ["same-origin"]
        assert not re.search(r"\sstyle=|<script>|\son\w+=", answer.text)
        assert set(re.findall(r'(?:href|src)="(\w+:)?//', answer.text)) == set()


async def test_a_form_from_another_site_does_nothing(visitor: Visitor) -> None:
    await visitor.get("/console")
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://shop.test"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
    ):
        refused = await visitor.send("/console/sign-out", **headers)
        assert refused.status_code == 403
        await visitor.get("/console")
    assert visitor.page is not None
    assert visitor.page.status_code == 200


async def test_what_another_site_has_filled_in_is_kept_for_nobody(stranger: Visitor) -> None:
    """The cookie does not come along from there: a sign-in must not make up for it."""
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        path = "/console/settings/users/2"
        answer = await stranger.client.post(path, data={"role": "admin"}, headers=headers)
        assert answer.status_code == 403
        assert 'value="admin"' not in answer.text


async def test_a_form_without_what_its_page_gave_it_does_nothing_and_is_kept(
    visitor: Visitor,
) -> None:
    await visitor.get("/console")
    refused = await visitor.send("/console/theme", {"csrf": "made up", "theme": "dark"})
    assert refused.status_code == 401
    assert 'name="theme" value="dark"' in refused.text
    assert "leafcraft_theme" not in refused.headers.get("set-cookie", "")
    done = await visitor.send("/console/theme", {"theme": "dark"})  # sent again, from that page
    assert done.status_code == 303
    assert 'data-theme="dark"' in (await visitor.get("/console")).text


async def test_what_was_typed_when_the_session_ended_can_be_sent_after_signing_in(
    visitor: Visitor,
) -> None:
    await visitor.get("/console")
    visitor.client.cookies.clear()
    typed = {"theme": "dark", "words": 'a "b" <c>', "new_password": "not to be seen"}
    asked = await visitor.send("/console/theme", typed)
    assert asked.status_code == 401
    assert "not to be seen" not in asked.text
    right = {"email": "admin@example.com", "password": "correct horse battery staple"}
    again = await visitor.send(SIGN_IN, right)
    assert again.status_code == 200
    assert 'value="a &#34;b&#34; &lt;c&gt;"' in again.text
    assert (await visitor.send("/console/theme")).status_code == 303


async def test_a_page_that_another_site_leads_to_asks_for_itself_once_more(
    visitor: Visitor,
) -> None:
    """Its cookie does not come along from elsewhere."""
    visitor.client.cookies.clear()
    answer = await visitor.get("/console/activity", **{"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text


async def test_forms_that_a_script_sends_keep_a_browser_signed_in_and_pages_that_renew_do_not(
    make_settings: MakeSettings,
) -> None:
    clock = Clock()
    async with (
        open_shop(make_settings(), clock) as shop,
        Visitor(shop) as busy,
        Visitor(shop) as idle,
    ):
        for one in (busy, idle):
            await one.sign_in()
            await one.get("/console")
        clock.advance(hours=7)
        assert (await busy.send("/console/theme", **{"x-live": "1"})).status_code == 303
        assert (await idle.get("/console", **{"x-live": "1"})).status_code == 200
        clock.advance(hours=7)
        assert (await busy.get("/console")).status_code == 200
        assert (await idle.get("/console")).status_code == 303


async def test_what_is_said_is_said_once(visitor: Visitor) -> None:
    await visitor.get("/console")
    await visitor.send("/console/sign-out")
    assert "You are signed out." in (await visitor.get(SIGN_IN)).text
    assert "You are signed out." not in (await visitor.get(SIGN_IN)).text


async def test_pages_come_compressed_to_those_who_take_them_so(visitor: Visitor) -> None:
    packed = await visitor.get("/console", **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = await visitor.get("/console", **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert len(gzip.compress(plain.content)) < len(plain.content) / 2


async def test_files_are_named_after_their_content_and_kept_for_good(stranger: Visitor) -> None:
    page = await stranger.get(SIGN_IN)
    paths = re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page.text)
    assert len(paths) == 3
    for path in paths:
        file = await stranger.get(path)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
        assert (await stranger.get(re.sub(r"\.[0-9a-f]{12}\.", ".0.", path))).status_code == 404


async def test_a_page_that_is_not_there_is_told_as_a_page(visitor: Visitor) -> None:
    for path in ("/console/nothing", "/console/orders/0", "/console/static/x.css"):
        answer = await visitor.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("body", [b"\xff", b"a=%ff", b"&".join([b"a=1"] * 6000)])
async def test_what_is_no_form_is_refused(visitor: Visitor, body: bytes) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await visitor.client.post("/console/theme", content=body, headers=kind)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")


async def test_who_may_not_do_something_is_told_so(shop: Shop) -> None:
    await add(shop.settings, "viewer@example.com", Role.VIEWER)
    async with Visitor(shop) as viewer:
        await viewer.sign_in("viewer@example.com")
        assert "/console/activity" not in (await viewer.get("/console")).text
        assert (await viewer.get("/console/activity")).status_code == 403


async def test_a_machine_is_no_visitor_and_a_visitor_no_program(
    shop: Shop, visitor: Visitor
) -> None:
    """A cookie opens no operation, so no site can make a browser call one; a token opens no page."""
    assert (await visitor.client.get("/orders/")).status_code == 401
    found(await shop.get("/orders/counts"))
    assert (await shop.get("/console")).status_code == 303


async def test_the_console_can_be_switched_off(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings(console="off")) as shop:
        assert (await shop.get(SIGN_IN)).status_code == 404
        assert (await shop.get("/console")).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["%ff", "q=%C3", "a=1&" * 6000, "next=%ED%A0%BD"])
async def test_a_query_that_is_none_is_refused_as_a_page(stranger: Visitor, query: str) -> None:
    for path in (SIGN_IN, "/console/orders"):
        answer = await stranger.get(f"{path}?{query}")
        assert answer.status_code in {303, 422}, path
        assert "content-security-policy" in answer.headers
    await stranger.sign_in()
    answer = await stranger.get(f"/console/orders?{query}")
    assert answer.status_code == 422
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "more",
    ["; charset=punycode", "; charset=undefined", '; charset="utf-7"', "; charset*=utf-8''utf-7"],
)
async def test_nobody_chooses_how_the_fields_of_a_form_are_decoded(
    stranger: Visitor, more: str
) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n+2AA-\r\n--b--\r\n'
    for suffix, status in (("", 401), (more, 422)):
        headers = {"content-type": f"multipart/form-data; boundary=b{suffix}"}
        answer = await stranger.client.post(SIGN_IN, content=body, headers=headers)
        assert answer.status_code == status
