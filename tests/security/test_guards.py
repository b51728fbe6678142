"""What every answer tells a browser: data, nobody's frame or script; with TLS, always with TLS."""

from collections.abc import Iterator

import httpx2
import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from tests.builders import Shop, another, open_shop, wanted
from tests.conftest import MakeSettings
from tests.harness.service import Service

pytestmark = pytest.mark.anyio

GUARDS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
HSTS = "strict-transport-security"
YEAR = "max-age=31536000"
NEVER = {"server", "x-powered-by", "set-cookie", "access-control-allow-credentials"}
NO_OPERATIONS = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/nothing", "/")
ORIGIN = "https://admin.shop.test"


async def answers(shop: Shop) -> dict[int, Response]:
    """An answer of each status that a shop like this gives."""
    tea = await shop.product(stock=1)
    made = await shop.post("/orders/", wanted((tea, 2)))
    tag = {"If-None-Match": made.headers["etag"]}
    key = await shop.post("/api-keys/", {"name": "m", "scopes": ["orders:read"]})
    stale = {"If-Match": '"0.x"'}
    async with another(shop) as stranger, another(shop, key.json()["key"]) as machine:
        told = [
            made,
            await shop.get("/products/"),
            await shop.get("/orders/1", headers=tag),
            await stranger.get("/orders/"),
            await machine.get("/users/"),
            await shop.get("/orders/99"),
            await shop.client.put("/orders/"),
            await shop.patch("/orders/1/confirm"),
            await shop.patch("/products/1", {"price": 1}, headers=stale),
            await shop.client.post("/orders/", content=b" " * 2_000_000),
            await shop.post("/orders/", {}),
            await shop.client.delete("/api-keys/1"),
        ]
    return {answer.status_code: answer for answer in told}


def guarded(answer: Response, *, policy: str = GUARDS["content-security-policy"]) -> None:
    for name, value in {**GUARDS, "content-security-policy": policy}.items():
        assert answer.headers.get_list(name) == [value], (name, answer.url)
    assert answer.headers.get_list("x-request-id") != []
    assert not NEVER & answer.headers.keys()
    assert not any(name.startswith("access-control-") for name in answer.headers)


async def test_every_kind_of_answer_carries_the_guards_once(shop: Shop) -> None:
    told = await answers(shop)
    assert told.keys() == {200, 201, 204, 304, 401, 403, 404, 405, 409, 412, 413, 422}
    for answer in told.values():
        guarded(answer)
        assert HSTS not in answer.headers


@pytest.mark.parametrize("path", NO_OPERATIONS)
async def test_what_is_no_operation_carries_them_too(shared_shop: Shop, path: str) -> None:
    answer = await shared_shop.get(path)
    policy = answer.headers["content-security-policy"]
    if path == "/docs":
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        guarded(answer, policy=policy)
    else:
        guarded(answer)


async def test_a_defect_carries_them_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("leafcraft.orders.views.page", broken)
    answer = await shop.get("/orders/")
    assert answer.status_code == 500
    guarded(answer)


async def test_a_refused_host_and_a_refused_haste_carry_them_too(
    make_settings: MakeSettings,
) -> None:
    settings = make_settings(allowed_hosts="shop.test", rate_limit="on", rate_per_second=1)
    async with open_shop(settings) as shop:
        misdirected = await shop.get("/docs", headers={"host": "evil.test"})
        hasty = [await shop.get("/orders/") for _ in range(12)][-1]
    assert (misdirected.status_code, hasty.status_code) == (421, 429)
    guarded(misdirected)
    guarded(hasty)


async def test_behind_tls_every_answer_says_always_tls(shop: Shop) -> None:
    transport = ASGITransport(shop.app)
    headers = {"authorization": shop.client.headers["authorization"]}
    async with AsyncClient(
        transport=transport, base_url="https://shop.test", headers=headers
    ) as client:
        told = await answers(Shop(shop.app, client, shop.settings))
        asked = [answer for answer in told.values() if answer.url.scheme == "https"]
        for answer in [*asked, *[await client.get(path) for path in NO_OPERATIONS]]:
            assert answer.headers.get_list(HSTS) == [YEAR], answer.url
    assert {200, 201, 204, 304, 404, 422} <= {answer.status_code for answer in asked}


# ── who is believed that TLS was used ────────────────────────────────────────

TRUST = {
    "": True,  # the default: a proxy on this machine
    "127.0.0.0/8": True,
    "10.0.0.1, 127.0.0.1": True,
    "10.0.0.1": False,
    "10.0.0.0/8, ::1": False,
}


@pytest.fixture(scope="module", params=TRUST, ids=lambda proxies: proxies or "default")
def behind(request: pytest.FixtureRequest) -> Iterator[tuple[Service, bool]]:
    """The real service, and whether it believes who asks from this machine."""
    proxies: str = request.param
    settings = {"LEAFCRAFT_TRUSTED_PROXIES": proxies, "LEAFCRAFT_LOG_LEVEL": "info"}
    with Service(settings=settings) as service:
        yield service, TRUST[proxies]


def test_only_a_trusted_proxy_is_believed(behind: tuple[Service, bool]) -> None:
    service, believed = behind
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    token = {"Authorization": f"Bearer {service.token()}"}
    with httpx2.Client(base_url=service.url, headers=said | token, timeout=60) as client:
        for path in ("/healthz", "/products/", "/nothing"):
            assert (client.get(path).headers.get(HSTS) == YEAR) is believed
        client.post("/products/", json={"name": "Tea", "price": 1})
        newest = client.get("/events/", params={"limit": 1}).json()[0]
    assert newest["address"] == ("203.0.113.9" if believed else "127.0.0.1")


def test_what_a_proxy_does_not_say_is_not_so(behind: tuple[Service, bool]) -> None:
    service, _ = behind
    for said in ("http", "", "ftp", "https, http", "HTTPS\t;"):
        answer = httpx2.get(
            f"{service.url}/healthz", headers={"X-Forwarded-Proto": said}, timeout=60
        )
        assert answer.status_code == 200
        assert HSTS not in answer.headers or said.startswith("https")


# ── other origins ────────────────────────────────────────────────────────────

STRANGERS = (
    *("https://evil.test", "null", "*", "", "https://admin.shop.test.evil.test", "file://"),
    *("https://evil-admin.shop.test", "https://adminxshop.test", "http://admin.shop.test"),
    *("https://admin.shop.test:8443", "https://admin.shop.test:443", "https://ADMIN.shop.test"),
    *(
        "https://admin.shop.test/",
        "https://admin.shop.test, https://evil.test",
        "https://shop.test",
    ),
    *("https://admin.shop.test\x00", "https://user@admin.shop.test", " https://admin.shop.test"),
)


def preflight(origin: str) -> dict[bytes, bytes]:
    return {
        b"origin": origin.encode(),
        b"access-control-request-method": b"PATCH",
        b"access-control-request-headers": b"authorization, idempotency-key",
    }


def granted(answer: Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-allow-origin")}


@pytest.mark.parametrize("origin", [ORIGIN, *STRANGERS], ids=ascii)
async def test_unless_it_is_listed_no_origin_may_read(shared_shop: Shop, origin: str) -> None:
    for method, path in (
        ("OPTIONS", "/orders/1/confirm"),
        ("OPTIONS", "/docs"),
        ("GET", "/orders/"),
    ):
        answer = await shared_shop.client.request(method, path, headers=preflight(origin))
        assert answer.status_code in ({200} if method == "GET" else {404, 405})
        assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize("origin", STRANGERS, ids=ascii)
async def test_what_looks_like_a_listed_origin_is_none(
    make_settings: MakeSettings, origin: str
) -> None:
    async with open_shop(make_settings(cors_origins=ORIGIN)) as shop:
        for method, path in (("OPTIONS", "/orders/1/confirm"), ("GET", "/orders/")):
            answer = await shop.client.request(method, path, headers=preflight(origin))
            assert granted(answer) == set()
            assert NEVER.isdisjoint(answer.headers.keys())


async def test_a_listed_origin_may_ask_and_read_without_cookies(
    make_settings: MakeSettings,
) -> None:
    listed = (ORIGIN, "http://localhost:3000")
    async with open_shop(make_settings(cors_origins=", ".join(listed))) as shop:
        for origin in listed:
            asked = await shop.client.options("/orders/1/confirm", headers=preflight(origin))
            read = await shop.get("/orders/", headers={"origin": origin})
            refused = await shop.get("/orders/99", headers={"origin": origin})
            assert (asked.status_code, read.status_code, refused.status_code) == (200, 200, 404)
            for answer in (asked, read, refused):
                assert answer.headers.get_list("access-control-allow-origin") == [origin]
                assert "origin" in answer.headers["vary"].lower()
                assert NEVER.isdisjoint(answer.headers.keys())
            assert "PATCH" in asked.headers["access-control-allow-methods"]
            assert "etag" in read.headers["access-control-expose-headers"].lower()


async def test_a_preflight_carries_the_guards(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings(cors_origins=ORIGIN)) as shop, another(shop) as stranger:
        for origin in (ORIGIN, "https://evil.test"):
            answer = await stranger.client.options("/orders/", headers=preflight(origin))
            for name, value in GUARDS.items():
                assert answer.headers.get_list(name) == [value]
