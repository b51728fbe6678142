"""Paths, methods and headers that mean one thing to a proxy and another to a service: no way in."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import httpx2
import pytest

from tests.builders import PASSWORD, Json, Shop, another, open_shop, problem
from tests.conftest import MakeSettings
from tests.harness.service import Service
from tests.security import raw
from tests.security.cast import body_of, everything, furnish

pytestmark = pytest.mark.anyio

DISGUISES = (
    *("/users", "/users/", "/users//", "//users", "//users//", "///users/", "/./users/"),
    *("/%2e/users/", "/users/.", "/users/./", "/users/..", "/users/../users/", "/auth/../users/"),
    *(
        "/auth/..%2fusers/",
        "/auth/%2e%2e/users/",
        "/auth/%2e%2e%2fusers/",
        "/.well-known/../users/",
    ),
    *("/users/%2e%2e/", "/users%2f", "/users%2F1", "/users/%31", "/%75sers/", "/u%73ers"),
    *("/%2575sers/", "/users%252f", "/users%252f1", "/users%00", "/users/%00", "/users%00/1"),
    *("/users%20", "/users/%20", "/users%09", "/users/%0a", "/users%0d%0aX:%20y/", "/users;x=1"),
    *(
        "/users/;x=1",
        "/users;/1",
        "/;/users/",
        "/users/1;a=b",
        "/users.",
        "/users./",
        "/users.json",
    ),
    *("/users/1.json", "/users/1.", "/USERS/", "/USERS/1", "/users\\", "\\users\\", "/users\\1"),
    *("/users/?x", "/users/?/auth/login", "/users/1?user=2", "/users/?_method=GET", "/users/#x"),
    *("/docs/../users/", "/docs/%2e%2e/users/", "/healthz/../users/", "/openapi.json/../users/"),
    *("/users/1/", "/users/1//", "/users/01", "/users/+1", "/users/-1", "/users/0", "/users/1.0"),
    *("/users/1e0", "/users/%EF%BC%91", "/users/%D9%A1", "/users/99999999999999999999"),
    *("/users/9223372036854775808", "/users/0x1", "/users/1%20", "/users/%201", "/users/1,2"),
    *("/users/" + "1" * 600, "/users" + "/" * 600, "/users" + "/" * 505 + "x", "/api-keys/%2e/"),
    *("/api-keys/", "/events/", "/events%2f", "/EVENTS", "/api-keys//", "/api%2dkeys/"),
    *("http://evil.test/users/", "http://127.0.0.1/users/", "https://shop.test//users/", "*"),
    *("users/", "?/users/", "", "/\x7fusers/", "/users/\xe9"),
)
METHODS = (
    *("get", "Get", "GETT", "G E T", "TRACE", "TRACK", "CONNECT", "PROPFIND", "PURGE", "QUERY"),
    *("OPTIONS", "HEAD", "PUT", "LINK", "DEBUG", "SEARCH", "MOVE", "LOCK", "M-SEARCH", "", "\x00"),
)
STAND_INS = (
    *("X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST"),
    *("X-Original-URL: /users/", "X-Rewrite-URL: /users/", "X-Original-Method: POST"),
    *("X-Forwarded-Uri: /users/", "X-Forwarded-Path: /users/", "X-Forwarded-Prefix: /users"),
    *(
        "X-Accel-Redirect: /users/",
        "X-Sendfile: /etc/passwd",
        "X-Forwarded-User: admin@example.com",
    ),
    *("X-User-Id: 1", "X-Role: admin", "Remote-User: admin", "Cookie: access_token=1; role=admin"),
    *("X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Client-IP: 127.0.0.1"),
)
NOT_LET_IN = {400, 401, 403, 404, 405, 414, 422, 501}


class Standing(NamedTuple):
    """A real service, and how a viewer of it asks."""

    port: int
    viewer: str


@pytest.fixture(scope="module")
def standing() -> Iterator[Standing]:
    with ExitStack() as stack:
        service = stack.enter_context(Service())
        client = stack.enter_context(httpx2.Client(base_url=service.url, timeout=60))
        admin = {"Authorization": f"Bearer {service.token()}"}
        body = {"email": "viewer@example.com", "password": PASSWORD, "role": "viewer"}
        assert client.post("/users/", json=body, headers=admin).status_code == 201
        form = {"username": "viewer@example.com", "password": PASSWORD}
        session: Json = client.post("/auth/login", data=form).json()
        yield Standing(service.port, f"Authorization: Bearer {session['access_token']}")


async def not_let_in(standing: Standing, method: str, target: str, *headers: str) -> bytes:
    """What a viewer is told, who gets nothing of it and changes nothing."""
    asked = raw.written(method, target, ["Host: shop.test", *headers])
    answer = await raw.over_a_socket(standing.port, asked)
    assert raw.status_of(answer) in NOT_LET_IN, answer
    for private in (b"@example.com", b"signed_in", standing.viewer.split()[-1].encode()):
        assert private not in answer
    return answer


@pytest.mark.parametrize("target", DISGUISES, ids=lambda target: ascii(target[:32]))
async def test_no_spelling_of_a_path_leads_past_the_door(standing: Standing, target: str) -> None:
    await not_let_in(standing, "GET", target, standing.viewer)
    await not_let_in(standing, "HEAD", target, standing.viewer)
    await not_let_in(standing, "GET", target)


@pytest.mark.parametrize("method", METHODS, ids=ascii)
@pytest.mark.parametrize("target", ["/users/", "/users/1", "/products/0"])
async def test_no_method_leads_past_the_door(standing: Standing, method: str, target: str) -> None:
    await not_let_in(standing, method, target, standing.viewer)


@pytest.mark.parametrize("header", STAND_INS, ids=lambda header: header.partition(":")[0])
async def test_no_header_stands_in_for_method_path_or_caller(
    standing: Standing, header: str
) -> None:
    told = await not_let_in(standing, "GET", "/users/", standing.viewer, header)
    assert b'"forbidden"' in told
    for target in ("/users/", "/products/", "/auth/me"):
        assert b'"not_authenticated"' in await not_let_in(standing, "GET", target, header)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
async def test_a_read_does_not_become_a_write(shop: Shop, name: str) -> None:
    await furnish(shop)
    before = await everything(shop)
    for method in ("POST", "PATCH", "DELETE"):
        for path in ("/products/1?_method=" + method, "/products/1", "/api-keys/", "/users/2"):
            body = body_of("edit_product")
            answer = await shop.client.request("GET", path, json=body, headers={name: method})
            assert answer.status_code in {200, 422}
    assert await everything(shop) == before


@pytest.mark.parametrize("path", ["/users/", "/api-keys/", "/events/", "/users/2"])
async def test_head_tells_no_more_than_get_may(shop: Shop, path: str) -> None:
    await furnish(shop)
    token = (await shop.post("/api-keys/", {"name": "m", "scopes": ["orders:read"]})).json()["key"]
    async with another(shop, token) as machine, another(shop) as stranger:
        for client, status in ((machine, 403), (stranger, 401)):
            head = await client.client.head(path)
            assert (head.status_code, head.content) == (status, b"")
            assert not {"etag", "link"} & head.headers.keys()


NOT_IDS = ("0", "01", "-1", "+1", "1.0", "%31%00", "\uff11", "1" * 600, "null", "*", "1,2")
WITH_BODIES = (("PATCH", "/products/"), ("PATCH", "/users/"))


@pytest.mark.parametrize("part", NOT_IDS, ids=lambda part: ascii(part[:8]))
async def test_what_is_no_id_is_no_path_whoever_asks(shop: Shop, part: str) -> None:
    """An operation is asked for by an id that can be one; what is beside that is beside all of it."""
    async with another(shop) as stranger:
        for client in (shop, stranger):
            for method, place in (*WITH_BODIES, ("GET", "/users/"), ("DELETE", "/api-keys/")):
                for content in (b"{}", b"\x00", b'{"role": ', b"[" * 50_000):
                    answer = await client.client.request(
                        method,
                        f"{place}{part}",
                        content=content,
                        headers={"content-type": "application/json"},
                    )
                    problem(answer, 404, "not_found")


@pytest.mark.parametrize(("method", "place"), [*WITH_BODIES, ("POST", "/nothing")])
async def test_the_body_of_a_request_for_nothing_is_not_read(
    shop: Shop, method: str, place: str
) -> None:
    taken = 0

    def parts() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield b" " * 65536

    answer = await raw.ask(
        shop.app,
        f"{place}0",
        [(b"Content-Type", b"application/json")],
        method=method,
        parts=raw.one_by_one(parts()),
    )
    assert (answer.status, taken) == (404, 0)


async def test_a_path_of_any_length_is_one_path(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings()) as shop:
        for path in ("/products" + "/" * 503 + "x", "/products" + "/" * 600 + "1/archive"):
            problem(await shop.get(path), 404, "not_found")
