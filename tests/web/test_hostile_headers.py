"""Headers made to hurt: no entry, no error, and not a byte of them in an answer's head."""

import jwt
import pytest

from leafcraft.access.keyring import ALGORITHM
from leafcraft.access.tokens import TYPE
from leafcraft.app import compose, opened
from tests.builders import Shop, another, problem, signed_in

pytestmark = pytest.mark.anyio

NO_TOKENS = (
    "",
    "Bearer",
    "Bearer ",
    "Bearer  ",
    "bearer null",
    "Bearer undefined",
    "Basic YWRtaW46YWRtaW4=",
    "Digest username=admin",
    "Bearer a.b.c",
    "Bearer ...",
    "Bearer " + "." * 5000,
    "Bearer " + "A" * 100_000,
    "Bearer é.é.é",
    "Bearer a b c",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "Bearer [object Object]",
    "Token abc",
    "' OR 1=1 --",
    "\x7f\x80\xff",
)


@pytest.mark.parametrize("value", NO_TOKENS, ids=lambda value: ascii(value[:24]))
async def test_what_is_no_token_opens_nothing(shared_shop: Shop, value: str) -> None:
    async with another(shared_shop) as stranger:
        for method, path in (("GET", "/products/"), ("POST", "/orders/"), ("PATCH", "/products/1")):
            answer = await stranger.client.request(
                method, path, headers={b"authorization": value.encode("latin-1")}
            )
            problem(answer, 401, "not_authenticated")


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "admin"},
        {"sub": "1; DROP TABLE users"},
        {"sub": "-1"},
        {"sub": "9" * 30},
        {"sub": "9" * 3000},
        {"sub": "0"},
        {"sub": ""},
        {"sub": "\uff11"},
        {"exp": 10**30},
        {"exp": "tomorrow"},
        {"exp": -1},
        {"exp": 1e400},
        {"iat": "x"},
        {"nbf": 10**12},
        {"jti": 5},
        {"sid": "9" * 30},
        {"sid": 1},
        {"sid": "2000000000"},
    ],
    ids=str,
)
async def test_a_signed_token_of_nonsense_never_breaks(
    shared_shop: Shop, claims: dict[str, object]
) -> None:
    whole = {"iss": "leafcraft", "aud": "leafcraft", "sub": "1", "sid": "1", "iat": 1, "jti": "x"}
    token = await signed(shared_shop, {**whole, "exp": 2**33, **claims})
    async with another(shared_shop, token) as stranger:
        answer = await stranger.get("/products/")
    assert answer.status_code in {200, 401}, answer.text


async def signed(shop: Shop, claims: dict[str, object]) -> str:
    """A token of these claims, signed as the service itself signs its own."""
    parts = compose(shop.settings)
    async with opened(parts.runtime):
        ((kid, private),) = (await parts.keyring.read(0)).signs.items()
    return jwt.encode(claims, private, ALGORITHM, headers={"typ": TYPE, "kid": kid})


@pytest.mark.parametrize("name", ["Authorization", "Host", "Idempotency-Key", "If-Match"])
async def test_a_header_that_means_one_thing_is_given_once(shared_shop: Shop, name: str) -> None:
    before = await shared_shop.everything()
    given = shared_shop.client.headers.get(name, "1")
    headers = [*shared_shop.client.headers.items(), *[(name, given)] * 2]
    async with another(shared_shop) as client:
        body = {"name": "Given twice", "price": 1}
        answer = await client.post("/products/", body, headers=headers)
    (error,) = problem(answer, 422, "validation_error")["errors"]
    assert error["parameter"] == name.lower()
    assert await shared_shop.everything() == before


@pytest.mark.parametrize("name", ["X-Request-ID", "Idempotency-Key", "If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    "value", ["a\r\nSet-Cookie: x=1", "a\nb", "\r\n\r\n<html>", "%0d%0aSet-Cookie:x=1", "\x00"]
)
async def test_a_header_can_not_be_smuggled_into_the_answer(
    shared_shop: Shop, name: str, value: str
) -> None:
    for method, path in (("GET", "/products/"), ("PATCH", "/products/1")):
        answer = await shared_shop.client.request(
            method, path, json={"name": "Tea"}, headers={name.encode(): value.encode()}
        )
        assert answer.status_code < 500
        assert "set-cookie" not in answer.headers
        assert not any("\r" in text or "\n" in text for text in answer.headers.values())


@pytest.mark.parametrize(
    "value",
    ["-1", "abc", "1e9", "9" * 5000, "0x10", "²", "+5", "1,2", ""],
    ids=lambda value: ascii(value[:8]),
)
async def test_a_content_length_that_is_none_never_breaks(shared_shop: Shop, value: str) -> None:
    answer = await shared_shop.client.post(
        "/orders/",
        content=b'{"items": []}',
        headers={b"content-length": value.encode("latin-1", "replace")},
    )
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("path", ["/products/", "/orders/999", "/nothing"])
@pytest.mark.parametrize("host", ["", "a b", "evil.test\r\nX: y", "[::1", "x" * 5000, "ü.test"])
async def test_a_strange_host_never_breaks(shared_shop: Shop, path: str, host: str) -> None:
    answer = await shared_shop.get(path, headers={b"host": host.encode()})
    assert answer.status_code in {200, 404}


async def test_a_token_in_the_address_is_not_read(shared_shop: Shop) -> None:
    token = shared_shop.client.headers["authorization"].split()[1]
    async with another(shared_shop) as stranger:
        problem(await stranger.get(f"/products/?access_token={token}"), 401, "not_authenticated")


async def test_the_scheme_may_be_written_in_any_case(shared_shop: Shop) -> None:
    token = shared_shop.client.headers["authorization"].split()[1]
    async with another(shared_shop) as stranger:
        for scheme in ("bearer", "BEARER", "Bearer"):
            headers = {**signed_in(token), "authorization": f"{scheme} {token}"}
            assert (await stranger.get("/products/", headers=headers)).status_code == 200
