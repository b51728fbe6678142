"""The Host header, in every shape: it opens nothing, and comes back only where it can be a host."""

import pytest

from tests.builders import Json, Shop, another, open_shop, problem
from tests.conftest import MakeSettings
from tests.security import raw

pytestmark = pytest.mark.anyio

WELL_FORMED = (
    "evil.test",
    "EVIL.test",
    "evil.test.",
    "evil.test:8000",
    "evil.test:0",
    "evil-test",
    "127.0.0.1:80",
    "2130706433",
    "0x7f000001",
    "[::1]",
    "[::1]:8000",
    "[::ffff:127.0.0.1]",
    "xn--evil-jua.test",
    "a" * 253,
)
MALFORMED = (
    "",
    " ",
    "evil.test ",
    " evil.test",
    "evil test",
    "user@evil.test",
    "user:password@evil.test",
    "evil.test/path",
    "evil.test?query",
    "evil.test#fragment",
    "evil.test\\",
    "http://evil.test",
    "//evil.test",
    "evil.test:",
    "evil.test:80:80",
    "evil.test:http",
    "evil.test:-1",
    "evil.test:123456",
    "::1",
    "[::1",
    "::1]",
    "[::1%25eth0]",
    "[evil.test]",
    "évil.test",
    "evil。test",
    "evil.test,shop.test",
    "evil.test\tx",
    "evil.test\x00",
    "evil.test\r\nSet-Cookie: a=b",
    '"><script>',
    "evil_test;x",
    "a" * 300,
)
ELSEWHERE = (
    "X-Forwarded-Host",
    "X-Host",
    "X-Forwarded-Server",
    "X-HTTP-Host-Override",
    "X-Original-Host",
    "Forwarded",
)
LISTED = "shop.test, *.example.com, [::1]"
ALLOWED = (
    "shop.test",
    "SHOP.Test",
    "shop.test:80",
    "shop.test:8443",
    "a.example.com",
    "a.b.EXAMPLE.com:80",
    "[::1]",
    "[::1]:8000",
)
NOT_ALLOWED = (
    *("example.com", "evil-example.com", "evilexample.com", "a.example.com.evil.test", "null"),
    *("shop.test.evil.test", "evil.shop.test", "shop.tes", "shop.test.", "[::2]", "127.0.0.1"),
    *("localhost", "xample.com", "com", "evil.test:80", "a.example.org"),
)
DISGUISED = (
    *("shop.test@evil.test", "evil.test?a.example.com", "evil.test#.example.com", "*.example.com"),
    *("evil.test\\.example.com", "evil.test:80@a.example.com", "evil .example.com", "*", "::1"),
    *("evil.test/.example.com", "evil.test,.example.com", ".example.com", "\uff41.example.com"),
    *("a.example.com:80:80", "a.example.com, evil.test", "a.example.com\x00", "-\t.example.com"),
)
"""No hosts at all, however they end."""


def brief(host: str) -> str:
    return ascii(host[:24])


def signed(shop: Shop, host: str) -> raw.Headers:
    authorization = shop.client.headers["authorization"].encode()
    return [(b"Host", host.encode()), (b"Authorization", authorization)]


async def two_products(shop: Shop) -> None:
    """So that a page of one leads to a next one."""
    for _ in range(2):
        await shop.product()


@pytest.mark.parametrize("host", WELL_FORMED, ids=brief)
async def test_a_host_that_can_be_one_is_where_the_next_page_is(
    shared_shop: Shop, host: str
) -> None:
    await two_products(shared_shop)
    answer = await raw.ask(shared_shop.app, "/products/?limit=1", signed(shared_shop, host))
    assert answer.status == 200
    (link,) = answer.all("link")
    assert link.startswith(f"<http://{host}/products/?limit=1&cursor=")


@pytest.mark.parametrize("host", MALFORMED, ids=brief)
async def test_a_host_that_can_be_none_comes_back_nowhere(shared_shop: Shop, host: str) -> None:
    await two_products(shared_shop)
    for target in ("/products/?limit=1", "/products/99999", "/nothing", "/openapi.json"):
        answer = await raw.ask(shared_shop.app, target, signed(shared_shop, host))
        assert answer.status in {200, 404}
        told = b"\n".join(b": ".join(header) for header in answer.headers) + answer.body
        assert b"evil" not in told.lower()
        assert b"script>" not in told
        assert all(link.startswith("</products/?limit=1&cursor=") for link in answer.all("link"))


async def test_without_a_host_the_next_page_is_on_the_same_one(shared_shop: Shop) -> None:
    await two_products(shared_shop)
    headers = signed(shared_shop, "")[1:]
    answer = await raw.ask(shared_shop.app, "/products/?limit=1", headers)
    assert answer.all("link")[0].startswith("</products/?limit=1&cursor=")


@pytest.mark.parametrize("host", [*WELL_FORMED, *MALFORMED], ids=brief)
async def test_no_host_lets_a_stranger_in(shared_shop: Shop, host: str) -> None:
    answer = await raw.ask(shared_shop.app, "/products/", [(b"Host", host.encode())])
    assert answer.status == 401


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_another_header_does_not_stand_in_for_the_host(shared_shop: Shop, name: str) -> None:
    await two_products(shared_shop)
    value = "host=evil.test" if name == "Forwarded" else "evil.test"
    answer = await shared_shop.get("/products/?limit=1", headers={name: value})
    assert answer.headers["link"].startswith("<http://shop.test/products/")
    assert "evil" not in str(answer.headers)


async def test_two_hosts_are_refused_where_they_would_matter(shared_shop: Shop) -> None:
    headers = [(b"Host", b"evil.test"), *signed(shared_shop, "shop.test")]
    answer = await raw.ask(shared_shop.app, "/products/?limit=1", headers)
    assert answer.status == 422


async def statuses(settings: MakeSettings, hosts: tuple[str, ...], target: str) -> Json:
    async with open_shop(settings(allowed_hosts=LISTED)) as shop:
        return {
            host: (await raw.ask(shop.app, target, signed(shop, host))).status for host in hosts
        }


@pytest.mark.parametrize(
    "target", ["/products/", "/docs", "/openapi.json", "/.well-known/jwks.json"]
)
async def test_a_host_that_is_listed_is_served(make_settings: MakeSettings, target: str) -> None:
    told = await statuses(make_settings, ALLOWED, target)
    assert told == dict.fromkeys(ALLOWED, 200)


@pytest.mark.parametrize("target", ["/products/", "/nothing", "/docs", "/openapi.json"])
async def test_a_host_that_is_not_listed_is_refused(
    make_settings: MakeSettings, target: str
) -> None:
    told = await statuses(make_settings, NOT_ALLOWED, target)
    assert told == dict.fromkeys(NOT_ALLOWED, 421)


async def test_what_is_no_host_is_not_one_of_those_below_a_listed_one(
    make_settings: MakeSettings,
) -> None:
    hosts = (*DISGUISED, *MALFORMED)
    told = await statuses(make_settings, hosts, "/products/")
    assert {host for host, status in told.items() if status != 421} == set()


async def test_a_refused_host_is_told_so_before_anything_else(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings(allowed_hosts=LISTED)) as shop, another(shop) as stranger:
        for method, path in (("GET", "/users/"), ("PUT", "/orders/"), ("POST", "/auth/login")):
            answer = await stranger.client.request(method, path, headers={"host": "evil.test"})
            problem(answer, 421, "host_not_allowed")
            assert "evil" not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_a_probe_asks_by_whatever_address_it_has(
    make_settings: MakeSettings, path: str
) -> None:
    async with open_shop(make_settings(allowed_hosts=LISTED)) as shop:
        assert (await shop.get(path, headers={"host": "10.1.2.3:8000"})).status_code == 200


async def test_two_hosts_are_refused_where_hosts_are_listed(make_settings: MakeSettings) -> None:
    """Whichever of them it is: a proxy may have looked at the other one."""
    async with open_shop(make_settings(allowed_hosts=LISTED)) as shop:
        for target in ("/products/", "/docs", "/openapi.json"):
            for pair in ((b"evil.test", b"shop.test"), (b"shop.test", b"evil.test")):
                headers = [*signed(shop, "")[1:], *((b"Host", host) for host in pair)]
                answer = await raw.ask(shop.app, target, headers)
                assert answer.status in {421, 422}, (target, pair)
