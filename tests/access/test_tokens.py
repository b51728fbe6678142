"""Access tokens: only this service's own, only until they end, only as they were given."""

import asyncio
import json

import pytest

from leafcraft.accounts.rules import Role
from tests.access import attacks
from tests.access.attacks import Attack
from tests.access.forge import ORDER, Forge, encoded, ring_of
from tests.builders import (
    SECRET,
    Clock,
    Shop,
    add,
    another,
    found,
    open_shop,
    problem,
    signed_in,
)
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

SOMEBODY = "somebody@example.com"


@pytest.fixture(scope="module")
async def forge(shared_shop: Shop) -> Forge:
    """Everything a forger could wish for: the real key, a real token, and somebody else's."""
    await add(shared_shop.settings, SOMEBODY, Role.ADMIN)
    others = found(await shared_shop.sign_in(SOMEBODY))["access_token"]
    own = found(await shared_shop.sign_in())["access_token"]
    return Forge(await ring_of(shared_shop), own, others=others, secret=SECRET)


def named(found: dict[str, Attack]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("attack", found.values(), ids=map(ascii, found))


async def refused(shop: Shop, header: str, code: str) -> None:
    """Nothing opens, however it is asked for, and the answer says the right thing."""
    async with another(shop) as client:
        for method, path in (("GET", "/products/"), ("GET", "/auth/me"), ("POST", "/users/")):
            raw = {b"authorization": header.encode("utf-8" if not header.isascii() else "ascii")}
            answer = await client.client.request(method, path, headers=raw)
            body = problem(answer, 401, code)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert not header[12:] or header[12:52] not in json.dumps(body)


async def opens(shop: Shop, header: str) -> bool:
    async with another(shop) as client:
        raw = {b"authorization": header.encode("latin-1")}
        answer = await client.client.get("/auth/me", headers=raw)
    return answer.status_code == 200


async def test_what_the_forge_makes_with_the_right_key_opens_so_the_others_fail_for_their_reason(
    shared_shop: Shop, forge: Forge
) -> None:
    for good in (
        forge.token,
        forge.signed(),
        forge.signed(forge.head(), forge.body()),
        forge.signed(body=forge.body(sub=forge.others["sub"], sid=forge.others["sid"])),
        forge.signed(body=forge.body(exp=forge.claims["exp"] - 1)),
    ):
        assert await opens(shared_shop, f"Bearer {good}")


@named(attacks.NOT_OURS)
async def test_a_token_that_is_not_as_this_service_makes_them_opens_nothing(
    shared_shop: Shop, forge: Forge, attack: Attack
) -> None:
    await refused(shared_shop, f"Bearer {attack(forge)}", "not_authenticated")


@named(attacks.ENDED)
async def test_a_well_signed_token_for_a_session_that_is_not_its_users_is_revoked(
    shared_shop: Shop, forge: Forge, attack: Attack
) -> None:
    await refused(shared_shop, f"Bearer {attack(forge)}", "token_revoked")


@named(attacks.LATE)
async def test_a_well_signed_token_that_is_past_has_expired(
    shared_shop: Shop, forge: Forge, attack: Attack
) -> None:
    await refused(shared_shop, f"Bearer {attack(forge)}", "token_expired")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{}",
        "Bearer",
        "Bearer{}",
        "Bearer:{}",
        "Bearer: {}",
        "Bearer\t{}",
        "Bearer,{}",
        "Basic {}",
        "Token {}",
        "JWT {}",
        "DPoP {}",
        "Bearer2 {}",
        "  {}",
        "Basic YWRtaW5AZXhhbXBsZS5jb206eA==",
        "Digest username=admin",
        "Negotiate YII=",
    ],
    ids=ascii,
)
async def test_another_scheme_opens_nothing_even_with_a_good_token(
    shared_shop: Shop, forge: Forge, header: str
) -> None:
    await refused(shared_shop, header.format(forge.token), "not_authenticated")


async def test_a_refresh_token_is_no_access_token(shared_shop: Shop) -> None:
    token = found(await shared_shop.sign_in())["refresh_token"]
    await refused(shared_shop, f"Bearer {token}", "not_authenticated")


async def test_two_authorization_headers_are_one_too_many(shared_shop: Shop, forge: Forge) -> None:
    good = b"Bearer " + forge.token.encode()
    async with another(shared_shop) as client:
        for pair in ((good, good), (good, b"Bearer x"), (b"Bearer x", good), (b"", good)):
            headers = [(b"authorization", value) for value in pair]
            answer = await client.client.get("/products/", headers=headers)
            problem(answer, 422, "validation_error")
            assert answer.json()["errors"][0]["parameter"] == "authorization"


@pytest.mark.parametrize(
    "header", ["bearer {}", "BEARER {}", "Bearer  {}", "Bearer {} "], ids=ascii
)
async def test_what_http_says_does_not_matter_does_not_matter(
    shared_shop: Shop, forge: Forge, header: str
) -> None:
    assert await opens(shared_shop, header.format(forge.token))


async def test_the_other_half_of_a_signature_proves_the_same_and_gains_nothing(
    shared_shop: Shop, forge: Forge
) -> None:
    """(r, n - s) is as good as (r, s): ECDSA is made so. Nothing here hangs on a token's spelling,
    for it is the session that ends."""
    text, r, s = forge.numbers()
    other = r.to_bytes(32, "big") + (ORDER - s).to_bytes(32, "big")
    assert await opens(shared_shop, f"Bearer {text}.{encoded(other)}")


async def test_a_claim_that_stands_twice_counts_as_it_stands_last(
    shared_shop: Shop, forge: Forge
) -> None:
    """RFC 7519, section 4: whoever signs such a token has the key; what matters is one reading."""
    whole = json.dumps(forge.claims)
    last = f'{whole[:-1]},"sub":"{2**62}"}}'.encode()
    first = f'{{"sub":"{2**62}",{whole[1:]}'.encode()
    await refused(shared_shop, f"Bearer {forge.signed(body=last)}", "token_revoked")
    assert await opens(shared_shop, f"Bearer {forge.signed(body=first)}")


async def test_a_spelling_that_opened_ends_with_its_session(shared_shop: Shop) -> None:
    session = found(await shared_shop.sign_in())
    spellings = [
        f"{scheme} {session['access_token']}" for scheme in ("Bearer", "bearer", "BEARER ")
    ]
    for header in spellings:
        assert await opens(shared_shop, header)
    await shared_shop.post("/auth/logout", {"refresh_token": session["refresh_token"]})
    for header in spellings:
        await refused(shared_shop, header, "token_revoked")


async def test_every_token_has_a_number_of_its_own(shared_shop: Shop) -> None:
    answers = await asyncio.gather(*(shared_shop.sign_in() for _ in range(5)))
    tokens = {found(answer)["access_token"] for answer in answers}
    assert len(tokens) == 5


async def test_a_token_ends_when_it_said_it_would(make_settings: MakeSettings) -> None:
    clock = Clock()
    async with open_shop(make_settings(token_minutes=15), clock) as shop:
        clock.advance(seconds=899)
        assert (await shop.get("/products/")).status_code == 200
        clock.advance(seconds=1)
        for _ in range(2):
            problem(await shop.get("/products/"), 401, "token_expired")
        token = found(await shop.sign_in())["access_token"]
        assert (await shop.get("/products/", headers=signed_in(token))).status_code == 200


async def test_two_services_with_the_same_secret_take_each_others_tokens(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings()) as one, open_shop(make_settings()) as two:
        token = found(await one.sign_in())["access_token"]
        assert await opens(two, f"Bearer {token}")
