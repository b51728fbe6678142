"""People whose accounts are kept elsewhere: tokens of an OpenID Connect issuer, checked by its own keys."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.access.issuer import EC_KEY, FOREIGN_KEY, RSA_KEY, Badge, Issuer
from tests.access.visits import asked
from tests.builders import Clock, Json, Shop, found, open_shop, problem
from tests.conftest import MakeSettings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("database_kind", ["sqlite"]),
]


# ── good ones ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("role", "reads", "writes", "rules"),
    [
        ("viewer", 200, 403, 403),
        ("operator", 200, 201, 403),
        ("admin", 200, 201, 200),
        (["guest", "viewer"], 200, 403, 403),
        (["viewer", "operator"], 200, 201, 403),
        (["operator", "admin", "viewer"], 200, 201, 200),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["rsa", "ec"])
async def test_a_token_of_the_issuer_opens_what_its_role_may(
    federated_shop: Shop, badge: Badge, kind: str, role: Any, reads: int, writes: int, rules: int
) -> None:
    key, alg = (RSA_KEY, "RS256") if kind == "rsa" else (EC_KEY, "ES256")
    token = badge(key, alg, kind, role=role)
    assert (await asked(federated_shop, token)).status_code == reads
    headers = {"authorization": f"Bearer {token}"}
    answer = await federated_shop.post(
        "/products/", {"name": "Tea", "stock_quantity": 1, "price": 1}, headers=headers
    )
    assert answer.status_code == writes
    assert (await asked(federated_shop, token, "/users/")).status_code == rules
    problem(await asked(federated_shop, token, "/auth/me"), 403, "forbidden")


async def test_its_own_tokens_go_on_working_beside_the_issuers(
    federated_shop: Shop, badge: Badge
) -> None:
    found(await federated_shop.get("/auth/me"))
    assert (await asked(federated_shop, badge())).status_code == 200
    found(await federated_shop.get("/auth/me"))


async def test_the_audience_and_the_role_have_the_names_of_the_settings(
    make_settings: MakeSettings, clock: Clock, issuer: Issuer, badge: Badge
) -> None:
    settings = make_settings(
        oidc_issuer=issuer.url, oidc_audience="api://tea", oidc_role_claim="https://tea/roles"
    )
    async with open_shop(settings, clock) as shop:
        named: Json = {"aud": ["x", "api://tea"], "role": None, "https://tea/roles": ["admin"]}
        assert (await asked(shop, badge(**named), "/users/")).status_code == 200
        problem(await asked(shop, badge()), 401, "not_authenticated")


@pytest.mark.parametrize(
    "subject",
    [
        "kim",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "x" * 59,
        "x" * 60,
        "x" * 1000,
        "Zoë",
        "a\nb",
        "🐢",
    ],
    ids=lambda subject: ascii(subject[:20]),
)
async def test_whoever_it_is_called_in_the_events_is_short_and_always_the_same(
    federated_shop: Shop, badge: Badge, subject: str
) -> None:
    headers = {"authorization": f"Bearer {badge(sub=subject)}"}
    for stock in (1, 2):
        body = {"name": f"Tea {stock}", "stock_quantity": stock, "price": 1}
        found(await federated_shop.post("/products/", body, headers=headers), 201)
    actors = [movement["actor"] for movement in await federated_shop.movements()]
    assert actors[0] == actors[1]
    assert actors[0].startswith("oidc:")
    assert len(actors[0]) <= 64
    assert actors[0].isascii()
    assert actors[0].isprintable()


async def test_no_two_people_are_called_the_same(federated_shop: Shop, badge: Badge) -> None:
    async def name_of(subject: str) -> str:
        headers = {"authorization": f"Bearer {badge(sub=subject)}"}
        body = {
            "name": "Tea",
            "stock_quantity": 1,
            "price": 1,
            "sku": str(len(await federated_shop.movements())),
        }
        found(await federated_shop.post("/products/", body, headers=headers), 201)
        return str((await federated_shop.movements(sort="-id", limit=1))[0]["actor"])

    long = await name_of("x" * 100)
    assert await name_of("y" * 100) != long
    assert await name_of(long.removeprefix("oidc:")) != long


# ── bad ones ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "elsewhere"},
        {"aud": None},
        {"aud": []},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": [1]},
        {"sub": None},
        {"sub": 5},
        {"sub": ["kim"]},
        {"nbf": 10**12},
        {"kid": "unknown"},
        {"kid": None},
        {"kid": "rsa"},
        {"key": FOREIGN_KEY},
        {"key": RSA_KEY, "alg": "RS512", "kid": "rsa"},
        {"key": RSA_KEY, "alg": "PS256", "kid": "rsa"},
        {"key": RSA_KEY, "alg": "RS256", "kid": "ec"},
        {"key": None, "alg": "none"},
    ],
    ids=lambda change: "-".join(map(str, change.values()))[:40] + "-".join(change),
)
async def test_a_token_that_is_not_as_the_issuer_makes_them_opens_nothing(
    federated_shop: Shop, badge: Badge, change: Json
) -> None:
    assert (await asked(federated_shop, badge())).status_code == 200
    problem(await asked(federated_shop, badge(**change)), 401, "not_authenticated")


async def test_a_token_of_another_issuer_opens_nothing(
    federated_shop: Shop, badge: Badge, issuer: Issuer
) -> None:
    for other in ("https://elsewhere.example", f"{issuer.url}/", issuer.url.upper(), "leafcraft"):
        problem(await asked(federated_shop, badge(iss=other)), 401, "not_authenticated")
    assert issuer.asked == []


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["rsa", "ec"])
async def test_the_public_key_is_no_shared_secret(
    federated_shop: Shop, badge: Badge, key: Any
) -> None:
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "kid": "rsa"}).encode())
    text = head + b"." + badge().split(".")[1].encode()
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(text, pem)
    token = f"{text.decode()}.{jwt.utils.base64url_encode(signature).decode()}"
    problem(await asked(federated_shop, token), 401, "not_authenticated")


async def test_a_shared_secret_that_the_issuer_publishes_is_not_used(
    federated_shop: Shop, badge: Badge, issuer: Issuer
) -> None:
    secret = b"s" * 32
    shared = jwt.utils.base64url_encode(secret).decode()
    issuer.keys.append({"kty": "oct", "k": shared, "kid": "oct", "alg": "HS256"})
    problem(await asked(federated_shop, badge(secret, "HS256", "oct")), 401, "not_authenticated")
    assert (await asked(federated_shop, badge())).status_code == 200


async def test_a_token_ends_when_it_says_even_if_it_is_known(
    federated_shop: Shop, badge: Badge, clock: Clock
) -> None:
    token = badge()
    clock.advance(seconds=599)
    assert (await asked(federated_shop, token)).status_code == 200
    clock.advance(seconds=1)
    problem(await asked(federated_shop, token), 401, "token_expired")
    problem(await asked(federated_shop, badge()), 401, "token_expired")


@pytest.mark.parametrize(
    "role",
    [None, "", "owner", "Admin", "admin viewer", [], ["owner"], {"admin": True}, 1, [["admin"]]],
    ids=str,
)
async def test_somebody_without_a_role_here_is_known_and_may_do_nothing(
    federated_shop: Shop, badge: Badge, role: Any
) -> None:
    problem(await asked(federated_shop, badge(role=role)), 403, "forbidden")
