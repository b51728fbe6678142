"""Signing keys: made once, published ahead, retired when no token needs them, and never in clear."""

import asyncio
import json
from collections.abc import AsyncIterator

import jwt
import pytest
from pydantic import SecretStr

from leafcraft.access.keyring import LEEWAY_SECONDS, PUBLISHED_AHEAD_SECONDS
from leafcraft.app import Parts, compose, opened
from leafcraft.errors import Refusal
from tests.access.conftest import TOKEN_MINUTES
from tests.access.forge import Forge
from tests.access.visits import BY_HAND, asked, events, everything_kept, refreshed, session
from tests.builders import SECRET, Clock, Json, Shop, another, found, open_shop, problem, signed_in
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

OTHER_SECRET = SecretStr("k" * 32)
LIFE_SECONDS = TOKEN_MINUTES * 60


@pytest.fixture
async def elsewhere(timed_shop: Shop, clock: Clock) -> AsyncIterator[Parts]:
    """Another process of the same shop, such as the command line."""
    parts = compose(timed_shop.settings, clock)
    async with opened(parts.runtime):
        yield parts


async def rotated(parts: Parts, *, at_once: bool = False) -> str:
    return await parts.keyring.rotate(parts.runtime.clock(), BY_HAND, at_once=at_once)


async def published(shop: Shop) -> list[Json]:
    async with another(shop) as stranger:
        keys: list[Json] = found(await stranger.get("/.well-known/jwks.json"))["keys"]
    return keys


async def kids(shop: Shop) -> list[str]:
    return [key["kid"] for key in await published(shop)]


def kid_of(pair: Json) -> str:
    kid: str = jwt.get_unverified_header(pair["access_token"])["kid"]
    return kid


async def opens(shop: Shop, pair: Json) -> bool:
    return (await asked(shop, pair["access_token"])).status_code == 200


# ── published ────────────────────────────────────────────────────────────────


async def test_the_published_keys_are_public_and_anybody_can_check_a_token_with_them(
    timed_shop: Shop,
) -> None:
    async with another(timed_shop) as stranger:
        answer = await stranger.get("/.well-known/jwks.json")
    document = found(answer)
    assert set(document) == {"keys"}
    (key,) = document["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert answer.headers["cache-control"] == f"public, max-age={PUBLISHED_AHEAD_SECONDS}"
    token = (await session(timed_shop))["access_token"]
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "at+jwt", "kid": key["kid"]}
    known = jwt.PyJWKSet.from_dict(document)[key["kid"]]
    claims = jwt.decode(
        token,
        known,
        ["ES256"],
        audience="leafcraft",
        issuer="leafcraft",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == LIFE_SECONDS


# ── rotated ──────────────────────────────────────────────────────────────────


async def test_a_new_key_is_published_at_once_and_signs_five_minutes_later(
    timed_shop: Shop, clock: Clock, elsewhere: Parts
) -> None:
    (old,) = await kids(timed_shop)
    new = await rotated(elsewhere)
    assert await kids(timed_shop) == [old, new]
    clock.advance(seconds=PUBLISHED_AHEAD_SECONDS - 1)
    assert kid_of(await session(timed_shop)) == old
    clock.advance(seconds=1)
    assert kid_of(await session(timed_shop)) == new


async def test_tokens_of_the_old_key_are_good_until_they_expire(
    timed_shop: Shop, clock: Clock, elsewhere: Parts
) -> None:
    new = await rotated(elsewhere)
    clock.advance(seconds=PUBLISHED_AHEAD_SECONDS - 1)
    last = await session(timed_shop)
    assert kid_of(last) != new
    clock.advance(seconds=LIFE_SECONDS - 1)
    assert await opens(timed_shop, last)
    clock.advance(seconds=1)
    problem(await asked(timed_shop, last["access_token"]), 401, "token_expired")


async def test_a_key_whose_tokens_have_all_expired_is_good_for_nothing_and_goes_with_the_next_rotation(
    timed_shop: Shop, clock: Clock, elsewhere: Parts
) -> None:
    pair = await session(timed_shop)
    ring = await elsewhere.keyring.read(0)
    forge = Forge(ring, pair["access_token"], others=pair["access_token"], secret=SECRET)
    endless = forge.signed(body=forge.body(exp=2**33))
    new = await rotated(elsewhere)
    clock.advance(seconds=PUBLISHED_AHEAD_SECONDS + LIFE_SECONDS + LEEWAY_SECONDS - 1)
    assert (await asked(timed_shop, endless)).status_code == 200
    clock.advance(seconds=1)
    async with open_shop(timed_shop.settings, clock) as fresh:
        problem(await asked(fresh, endless), 401, "token_revoked")
        newest = await rotated(elsewhere)
        assert await kids(fresh) == [new, newest]
        problem(await asked(fresh, endless), 401, "not_authenticated")


async def test_a_retired_key_opens_nothing_even_for_a_token_that_is_known(
    timed_shop: Shop, clock: Clock, elsewhere: Parts
) -> None:
    pair = await session(timed_shop)
    ring = await elsewhere.keyring.read(0)
    forge = Forge(ring, pair["access_token"], others=pair["access_token"], secret=SECRET)
    endless = forge.signed(body=forge.body(exp=2**33))
    await rotated(elsewhere)
    assert (await asked(timed_shop, endless)).status_code == 200
    clock.advance(seconds=PUBLISHED_AHEAD_SECONDS + LIFE_SECONDS + LEEWAY_SECONDS)
    problem(await asked(timed_shop, endless), 401, "token_revoked")


async def test_rotating_at_once_ends_all_access_tokens_and_no_session(
    timed_shop: Shop, elsewhere: Parts
) -> None:
    pairs = [await session(timed_shop) for _ in range(3)]
    assert all([await opens(timed_shop, pair) for pair in pairs])
    new = await rotated(elsewhere, at_once=True)
    assert await kids(timed_shop) == [new]
    for pair in pairs:
        problem(await asked(timed_shop, pair["access_token"]), 401, "not_authenticated")
        fresh = found(await refreshed(timed_shop, pair["refresh_token"]))
        assert kid_of(fresh) == new
        assert await opens(timed_shop, fresh)


async def test_people_can_sign_in_after_a_rotation_at_once_by_a_machine_whose_clock_is_ahead(
    timed_shop: Shop, clock: Clock
) -> None:
    ahead = compose(timed_shop.settings, Clock(clock.at + 1_000_000))
    async with opened(ahead.runtime):
        await rotated(ahead, at_once=True)
    assert await opens(timed_shop, await session(timed_shop))


async def test_two_rotations_at_once_make_one_key(timed_shop: Shop, clock: Clock) -> None:
    one, two = (compose(timed_shop.settings, clock) for _ in range(2))
    async with opened(one.runtime), opened(two.runtime):
        outcomes = await asyncio.gather(rotated(one), rotated(two), return_exceptions=True)
    assert [isinstance(outcome, Refusal) for outcome in outcomes].count(True) == 1
    assert len(await published(timed_shop)) == 2


async def test_a_rotation_is_noted_down(timed_shop: Shop, elsewhere: Parts) -> None:
    (first,) = await kids(timed_shop)
    new = await rotated(elsewhere, at_once=True)
    fresh = (await session(timed_shop))["access_token"]
    timed_shop.client.headers.update(signed_in(fresh))
    noted = await events(timed_shop, "signing_key.added")
    assert [event["data"] for event in noted] == [
        {"kid": new, "removed": [first]},
        {"kid": first, "removed": []},
    ]
    assert [event["actor"] for event in noted] == ["cli", "system"]


# ── kept ─────────────────────────────────────────────────────────────────────


async def test_processes_that_start_at_once_make_one_key(
    make_settings: MakeSettings, clock: Clock
) -> None:
    async def start() -> list[str]:
        async with open_shop(make_settings(), clock) as shop:
            assert await opens(shop, await session(shop))
            return await kids(shop)

    found_kids = await asyncio.gather(*(start() for _ in range(3)))
    assert len(found_kids[0]) == 1
    assert found_kids == [found_kids[0]] * 3


async def test_another_secret_starts_with_a_key_of_its_own_and_still_checks_the_tokens_before(
    make_settings: MakeSettings, clock: Clock
) -> None:
    async with open_shop(make_settings(), clock) as one:
        before = await session(one)
        (old,) = await kids(one)
    clock.advance(seconds=1)
    async with open_shop(make_settings(secret_key=OTHER_SECRET), clock) as two:
        assert await opens(two, before)
        after = await session(two)
        assert kid_of(after) != old
        assert await opens(two, after)
        again = found(await refreshed(two, before["refresh_token"]))
        assert kid_of(again) == kid_of(after)
        assert await kids(two) == [old, kid_of(after)]


async def test_a_private_key_is_sealed_with_the_secret(
    timed_shop: Shop, clock: Clock, elsewhere: Parts
) -> None:
    ring = await elsewhere.keyring.read(0)
    ((kid, private),) = ring.signs.items()
    number = private.private_numbers().private_value
    kept = await everything_kept(timed_shop.settings)
    assert kid in kept
    for clear in ("PRIVATE KEY", f"{number:x}", str(number), SECRET, '"d"'):
        assert clear not in kept
    (stored,) = ring.stored
    assert set(json.loads(stored.public)) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    other = compose(timed_shop.settings.model_copy(update={"secret_key": OTHER_SECRET}), clock)
    async with opened(other.runtime):
        assert (await other.keyring.read(0)).signs == {}
        for about in ("", "another key"):
            with pytest.raises(ValueError, match="another secret"):
                elsewhere.master.open(stored.private, about)
