"""What belongs to one caller is of no use to another: keys, tokens, answers, ids."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from leafcraft.accounts.rules import SCOPES
from tests.builders import PASSWORD, Json, Shop, another, found, problem, wanted
from tests.security.cast import body_of, everything, furnish, key, rows

pytestmark = pytest.mark.anyio

KEYED = {"Idempotency-Key": "the same for everybody"}
EVERY = [scope.value for scope in SCOPES]
NOT_IDS = ("0", "-1", "+1", "01", "1.0", "\uff11", "\u0661", "9" * 19, "9" * 400, "x", "1%00")


async def user(shop: Shop, name: str, role: str = "operator") -> Json:
    """A new user's session."""
    email = f"{name}@example.com"
    body = {"email": email, "password": PASSWORD, "role": role}
    made = found(await shop.post("/users/", body), 201)
    return {**found(await shop.sign_in(email)), "id": made["id"]}


@asynccontextmanager
async def clients(shop: Shop, *tokens: str) -> AsyncIterator[Sequence[Shop]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(another(shop, token)) for token in tokens]


# ── idempotency keys ─────────────────────────────────────────────────────────


async def test_the_same_idempotency_key_of_another_caller_is_another_key(shop: Shop) -> None:
    """Also of the machine that has a user's number: `key:1` is not `user:1`."""
    body = wanted((await shop.product(), 1))
    machine, other = await key(shop, scopes=EVERY), await user(shop, "other")
    async with clients(shop, machine, other["access_token"]) as others:
        told = [await one.post("/orders/", body, headers=KEYED) for one in (shop, *others)]
    assert [answer.status_code for answer in told] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in told}) == 3


async def test_whoever_may_not_ask_gets_no_stored_answer_either(shop: Shop) -> None:
    body = {"name": "till", "scopes": EVERY}
    made = found(await shop.post("/api-keys/", body, headers=KEYED), 201)
    viewer = await user(shop, "viewer", "viewer")
    async with clients(shop, viewer["access_token"]) as (client,), another(shop) as stranger:
        for asker, status in ((client, 403), (stranger, 401)):
            answer = await asker.post("/api-keys/", body, headers=KEYED)
            assert answer.status_code == status
            assert made["key"] not in answer.text


async def test_whoever_has_lost_a_permission_gets_no_stored_answer_any_more(shop: Shop) -> None:
    body = wanted((await shop.product(), 1))
    other = await user(shop, "other")
    async with clients(shop, other["access_token"]) as (client,):
        found(await client.post("/orders/", body, headers=KEYED), 201)
        found(await shop.patch(f"/users/{other['id']}", {"role": "viewer"}))
        problem(await client.post("/orders/", body, headers=KEYED), 403, "forbidden")


async def test_a_stored_answer_gives_a_new_key_to_its_maker_alone(shop: Shop) -> None:
    body = {"name": "till", "scopes": ["orders:read"]}
    first = found(await shop.post("/api-keys/", body, headers=KEYED), 201)
    again = found(await shop.post("/api-keys/", body, headers=KEYED), 201)
    other = await user(shop, "second", "admin")
    async with clients(shop, other["access_token"]) as (client,):
        theirs = found(await client.post("/api-keys/", body, headers=KEYED), 201)
    assert again == first
    assert theirs["key"] != first["key"]


async def test_an_open_operation_keeps_no_answer_for_the_next_stranger(shop: Shop) -> None:
    session = found(await shop.sign_in())
    body = {"refresh_token": session["refresh_token"]}
    async with another(shop) as mine, another(shop) as stranger:
        first = found(await mine.post("/auth/refresh", body, headers=KEYED))
        answer = await stranger.post("/auth/refresh", {"refresh_token": "x"}, headers=KEYED)
    problem(answer, 401, "not_authenticated")
    assert first["access_token"] not in answer.text


# ── tokens ───────────────────────────────────────────────────────────────────


async def test_a_refresh_token_continues_its_own_session_whoever_sends_it(shop: Shop) -> None:
    one, other = await user(shop, "one"), await user(shop, "other")
    async with clients(shop, other["access_token"]) as (client,):
        body = {"refresh_token": one["refresh_token"]}
        following = found(await client.post("/auth/refresh", body))
        async with another(shop, following["access_token"]) as continued:
            assert found(await continued.get("/auth/me"))["id"] == one["id"]
        assert found(await client.get("/auth/me"))["id"] == other["id"]


async def test_signing_out_ends_the_session_of_the_token_and_no_other(shop: Shop) -> None:
    one, other = await user(shop, "one"), await user(shop, "other")
    async with clients(shop, one["access_token"], other["access_token"]) as (first, second):
        body = {"refresh_token": one["refresh_token"]}
        assert (await second.post("/auth/logout", body)).status_code == 204
        problem(await first.get("/auth/me"), 401, "token_revoked")
        assert found(await second.get("/auth/me"))["id"] == other["id"]


async def test_each_kind_of_secret_opens_its_own_door_only(shop: Shop) -> None:
    machine, person = await key(shop, scopes=EVERY), await user(shop, "person")
    async with another(shop) as stranger:
        for secret in (machine, person["access_token"]):
            answer = await stranger.post("/auth/refresh", {"refresh_token": secret})
            problem(answer, 401, "not_authenticated")
            await stranger.post("/auth/logout", {"refresh_token": secret})
            answer = await stranger.sign_in("person@example.com", secret[:128])
            problem(answer, 401, "invalid_credentials")
    async with clients(shop, person["refresh_token"], PASSWORD) as wrong:
        for client in wrong:
            problem(await client.get("/products/"), 401, "not_authenticated")
    async with clients(shop, machine, person["access_token"]) as right:
        for client in right:
            found_rows = await rows(client, "/products/")
            assert found_rows == []


async def test_a_machine_is_nobody_who_has_a_password(shop: Shop) -> None:
    """Not even the one whose number the first admin has, too."""
    machine = await key(shop, scopes=EVERY)
    async with another(shop, machine) as client:
        problem(await client.get("/auth/me"), 403, "forbidden")
        change = body_of("change_password")
        problem(await client.post("/auth/password", change), 403, "forbidden")
    found(await shop.sign_in())


# ── ids ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", NOT_IDS, ids=lambda part: ascii(part[:8]))
async def test_what_is_no_id_names_no_user_and_no_key(shop: Shop, part: str) -> None:
    await furnish(shop)
    before = await everything(shop)
    problem(await shop.get(f"/users/{part}"), 404, "not_found")
    problem(await shop.patch(f"/users/{part}", {"disabled": True}), 404, "not_found")
    problem(await shop.client.delete(f"/api-keys/{part}"), 404, "not_found")
    assert await everything(shop) == before


async def test_a_number_of_one_kind_names_nothing_of_another(shop: Shop) -> None:
    """There is a user 2, and no key 2; a product 1 stays where it is when key 1 goes."""
    await furnish(shop)
    before = await shop.everything()
    problem(await shop.client.delete("/api-keys/2"), 404, "not_found")
    assert (await shop.client.delete("/api-keys/1")).status_code == 204
    assert [one["id"] for one in await rows(shop, "/users/")] == [1, 2]
    assert await shop.everything() == before
