"""The outside issuer: asked seldom, believed as far as its keys go, and no danger when it breaks."""

import json
from typing import Any

import pytest

from leafcraft.access.oidc import PAUSE_SECONDS
from tests.access.issuer import DISCOVERY, FOREIGN_KEY, Badge, Issuer, public
from tests.access.visits import asked
from tests.builders import Clock, Shop, found, problem

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("database_kind", ["sqlite"]),
]


async def test_keys_that_are_unknown_make_nobody_hammer_the_issuer(
    federated_shop: Shop, badge: Badge, issuer: Issuer, clock: Clock
) -> None:
    for _ in range(3):
        for number in range(20):
            problem(
                await asked(federated_shop, badge(kid=f"unknown {number}")),
                401,
                "not_authenticated",
            )
        assert (await asked(federated_shop, badge())).status_code == 200
        clock.advance(seconds=PAUSE_SECONDS)
    assert issuer.asked == [DISCOVERY, "/keys"] * 3


async def test_a_new_key_of_the_issuer_is_found_within_a_minute(
    federated_shop: Shop, badge: Badge, issuer: Issuer, clock: Clock
) -> None:
    assert (await asked(federated_shop, badge())).status_code == 200
    issuer.keys = [public(FOREIGN_KEY, "new")]
    new = badge(FOREIGN_KEY, kid="new")
    problem(await asked(federated_shop, new), 401, "not_authenticated")
    clock.advance(seconds=PAUSE_SECONDS)
    assert (await asked(federated_shop, new)).status_code == 200


async def test_an_issuer_that_is_down_lets_in_nobody_new_and_throws_out_nobody(
    federated_shop: Shop, badge: Badge, issuer: Issuer, clock: Clock
) -> None:
    assert (await asked(federated_shop, badge())).status_code == 200
    issuer.stop()
    clock.advance(hours=2)
    late = badge(exp=clock.at // 1_000_000 + 60, jti="other")
    assert (await asked(federated_shop, late)).status_code == 200
    problem(await asked(federated_shop, badge(kid="unknown")), 401, "not_authenticated")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (DISCOVERY, b"no JSON"),
        (DISCOVERY, []),
        (DISCOVERY, {}),
        (DISCOVERY, None),
        (DISCOVERY, {"issuer": "https://elsewhere.example", "jwks_uri": "https://x"}),
        (DISCOVERY, {"issuer": "URL", "jwks_uri": None}),
        (DISCOVERY, {"issuer": "URL", "jwks_uri": 5}),
        (DISCOVERY, {"issuer": "URL", "jwks_uri": "file:///etc/hostname"}),
        (DISCOVERY, {"issuer": "URL", "jwks_uri": "URL/missing"}),
        (DISCOVERY, b"[" * 100_000),
        (DISCOVERY, b"\xff"),
        ("/keys", b""),
        ("/keys", {"keys": None}),
        ("/keys", {"keys": [1, None, {}, {"kty": "EC"}, {"kty": "EC", "crv": "P-256", "x": "x"}]}),
        ("/keys", {"keys": []}),
    ],
    ids=lambda value: ascii(value)[:48],
)
async def test_an_issuer_that_talks_nonsense_is_no_error_of_ours(
    federated_shop: Shop, badge: Badge, issuer: Issuer, page: str, said: Any
) -> None:
    if isinstance(said, dict):
        said = json.loads(json.dumps(said).replace("URL", issuer.url))
    issuer.pages[page] = said
    problem(await asked(federated_shop, badge()), 401, "not_authenticated")
    found(await federated_shop.get("/auth/me"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 999 \r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
    ids=lambda raw: ascii(raw[:20]),
)
async def test_an_issuer_that_speaks_no_http_is_no_error_of_ours(
    federated_shop: Shop, badge: Badge, issuer: Issuer, raw: bytes
) -> None:
    issuer.raw = raw
    problem(await asked(federated_shop, badge()), 401, "not_authenticated")


async def test_an_issuer_that_is_not_there_is_no_error_of_ours(
    federated_shop: Shop, badge: Badge, issuer: Issuer
) -> None:
    issuer.stop()
    problem(await asked(federated_shop, badge()), 401, "not_authenticated")
