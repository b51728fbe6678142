"""How access ends for somebody: a new password, another role, disabled; and whoever comes in between."""

import asyncio

import pytest

from leafcraft.access import actions, opaque
from leafcraft.access.actions import BeginSession
from leafcraft.accounts import store
from leafcraft.accounts.actions import EditUser, SetPassword, edit_user, set_password
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.rules import Role
from leafcraft.accounts.store import User
from leafcraft.app import compose, opened
from leafcraft.errors import Refusal
from tests.access.visits import (
    BY_HAND,
    FROM_THE_NET,
    OTHER_PASSWORD,
    asked,
    done,
    events,
    hire,
    refreshed,
    session,
    tried,
)
from tests.builders import ADMIN_EMAIL, PASSWORD, Clock, Json, Shop, another, found, problem

pytestmark = pytest.mark.anyio

EMAIL = "kim@example.com"
CHANGE = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}


async def set_by(shop: Shop, token: str, body: Json = CHANGE) -> int:
    async with another(shop, token) as client:
        return (await client.post("/auth/password", body)).status_code


async def is_over(shop: Shop, *pairs: Json) -> None:
    for pair in pairs:
        problem(await asked(shop, pair["access_token"]), 401, "token_revoked")
        problem(await refreshed(shop, pair["refresh_token"]), 401, "token_revoked")


async def is_good(shop: Shop, *pairs: Json) -> None:
    for pair in pairs:
        found(await asked(shop, pair["access_token"], "/auth/me"))


async def user_of(shop: Shop, user_id: int = 1) -> User:
    runtime = compose(shop.settings).runtime
    async with opened(runtime):
        return (await runtime.database.read(lambda reader: store.by_id(reader, [user_id])))[user_id]


# ── a new password ───────────────────────────────────────────────────────────


async def test_a_new_password_ends_every_session_the_one_that_set_it_too(
    timed_shop: Shop, clock: Clock
) -> None:
    await hire(timed_shop, EMAIL)
    theirs, others = await session(timed_shop, EMAIL), await session(timed_shop, EMAIL)
    admins = await session(timed_shop)
    await is_good(timed_shop, theirs, others, admins)
    clock.advance(seconds=1)
    assert await set_by(timed_shop, theirs["access_token"]) == 204
    await is_over(timed_shop, theirs, others)
    await is_good(timed_shop, admins)
    problem(await tried(timed_shop, EMAIL), 401, "invalid_credentials")
    await is_good(timed_shop, await session(timed_shop, EMAIL, OTHER_PASSWORD))


async def test_a_wrong_current_password_changes_nothing_and_is_noted_down(
    timed_shop: Shop, clock: Clock
) -> None:
    user = await hire(timed_shop, EMAIL)
    pair = await session(timed_shop, EMAIL)
    clock.advance(seconds=1)
    body = {"current_password": "not the right one", "new_password": OTHER_PASSWORD}
    async with another(timed_shop, pair["access_token"]) as client:
        problem(await client.post("/auth/password", body), 401, "invalid_credentials")
    await is_good(timed_shop, pair, await session(timed_shop, EMAIL))
    (event,) = await events(timed_shop, "user.sign_in_failed")
    assert (event["subject_id"], event["actor"]) == (user["id"], f"user:{user['id']}")


@pytest.mark.parametrize(
    "new",
    ["short", "x" * 129, "password1234", "Sunshine2026!", EMAIL, "kimkimkimkim"],
    ids=lambda new: ascii(new[:14]),
)
async def test_a_new_password_that_is_easy_to_guess_is_refused_and_changes_nothing(
    timed_shop: Shop, clock: Clock, new: str
) -> None:
    await hire(timed_shop, EMAIL)
    pair = await session(timed_shop, EMAIL)
    clock.advance(seconds=1)
    body = {"current_password": PASSWORD, "new_password": new}
    async with another(timed_shop, pair["access_token"]) as client:
        answer = await client.post("/auth/password", body)
    document = problem(answer, 422, "validation_error")
    assert document["errors"][0]["pointer"] == "/new_password"
    assert new not in answer.text
    assert PASSWORD not in answer.text
    await is_good(timed_shop, pair, await session(timed_shop, EMAIL))


async def test_a_retry_of_a_password_change_needs_the_new_session(
    timed_shop: Shop, clock: Clock
) -> None:
    pair = await session(timed_shop)
    clock.advance(seconds=1)
    async with another(timed_shop, pair["access_token"]) as client:
        key = {"idempotency-key": "once"}
        assert (await client.post("/auth/password", CHANGE, headers=key)).status_code == 204
        retry = await client.post("/auth/password", CHANGE, headers=key)
    problem(retry, 401, "token_revoked")


async def test_two_password_changes_at_once_set_one_of_the_two(
    timed_shop: Shop, clock: Clock
) -> None:
    pair = await session(timed_shop)
    clock.advance(seconds=1)
    wanted = [f"seven grey herons, number {number}" for number in range(4)]
    bodies = [{"current_password": PASSWORD, "new_password": new} for new in wanted]
    statuses = await asyncio.gather(
        *(set_by(timed_shop, pair["access_token"], body) for body in bodies)
    )
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 401, 409}
    opening = [new for new in wanted if (await tried(timed_shop, ADMIN_EMAIL, new)).is_success]
    assert opening == [wanted[statuses.index(204)]]


# ── disabled, demoted ────────────────────────────────────────────────────────


async def test_disabling_somebody_ends_all_sessions_at_once_and_for_good(
    timed_shop: Shop, clock: Clock
) -> None:
    user = await hire(timed_shop, EMAIL, Role.OPERATOR)
    pair = await session(timed_shop, EMAIL)
    await is_good(timed_shop, pair)
    clock.advance(seconds=1)
    found(await timed_shop.patch(f"/users/{user['id']}", {"disabled": True}))
    await is_over(timed_shop, pair)
    problem(await tried(timed_shop, EMAIL), 401, "invalid_credentials")
    clock.advance(seconds=1)
    found(await timed_shop.patch(f"/users/{user['id']}", {"disabled": False}))
    await is_over(timed_shop, pair)
    await is_good(timed_shop, await session(timed_shop, EMAIL))


async def test_another_role_counts_from_the_next_request_on(timed_shop: Shop) -> None:
    user = await hire(timed_shop, EMAIL, Role.ADMIN)
    pair = await session(timed_shop, EMAIL)
    found_users = [(await asked(timed_shop, pair["access_token"], "/users/")).status_code]
    for role in (Role.VIEWER, Role.ADMIN, Role.OPERATOR):
        found(await timed_shop.patch(f"/users/{user['id']}", {"role": role.value}))
        found_users.append((await asked(timed_shop, pair["access_token"], "/users/")).status_code)
    assert found_users == [200, 403, 200, 403]
    await is_good(timed_shop, pair)
    problem(await asked(timed_shop, pair["access_token"], "/events/"), 403, "forbidden")


async def test_a_refreshed_session_has_the_role_of_now(timed_shop: Shop) -> None:
    user = await hire(timed_shop, EMAIL, Role.ADMIN)
    pair = await session(timed_shop, EMAIL)
    found(await timed_shop.patch(f"/users/{user['id']}", {"role": "viewer"}))
    fresh = found(await refreshed(timed_shop, pair["refresh_token"]))
    problem(await asked(timed_shop, fresh["access_token"], "/users/"), 403, "forbidden")


# ── in between ───────────────────────────────────────────────────────────────


def begin(user: User, token: str) -> BeginSession:
    """What a sign-in does once the password has been found right."""
    return BeginSession(user.id, user.era, opaque.digest(token), b"p" * 32, FROM_THE_NET)


async def test_a_sign_in_whose_password_was_replaced_meanwhile_begins_nothing(
    timed_shop: Shop, clock: Clock
) -> None:
    user, token = await user_of(timed_shop), opaque.refresh_token()
    change = SetPassword(user.id, await Passwords().hash(OTHER_PASSWORD), BY_HAND)
    await done(timed_shop.settings, clock, set_password, change)
    with pytest.raises(Refusal, match="invalid_credentials"):
        await done(timed_shop.settings, clock, actions.begin_session, begin(user, token))


async def test_a_sign_in_of_somebody_disabled_meanwhile_begins_nothing(
    timed_shop: Shop, clock: Clock
) -> None:
    hired = await hire(timed_shop, EMAIL)
    user, token = await user_of(timed_shop, hired["id"]), opaque.refresh_token()
    await done(timed_shop.settings, clock, edit_user, EditUser(user.id, BY_HAND, disabled=True))
    with pytest.raises(Refusal, match="invalid_credentials"):
        await done(timed_shop.settings, clock, actions.begin_session, begin(user, token))


async def test_a_sign_in_just_ahead_of_a_new_password_ends_with_it(
    timed_shop: Shop, clock: Clock
) -> None:
    """Both share one transaction, and so one moment."""
    user, token = await user_of(timed_shop), opaque.refresh_token()
    change = SetPassword(user.id, await Passwords().hash(OTHER_PASSWORD), BY_HAND)
    clock.advance(seconds=1)
    runtime = compose(timed_shop.settings, clock).runtime
    async with opened(runtime):
        await asyncio.gather(
            runtime.writer.perform(actions.begin_session, begin(user, token)),
            runtime.writer.perform(set_password, change),
        )
    clock.advance(seconds=1)
    problem(await refreshed(timed_shop, token), 401, "token_revoked")


@pytest.mark.parametrize("behind", [-2, 2])
async def test_a_new_password_ends_the_sessions_before_it_and_none_after_whatever_the_clocks_say(
    timed_shop: Shop, clock: Clock, behind: int
) -> None:
    """Two machines' clocks are never the same, and a transaction may have to wait."""
    user, before = await user_of(timed_shop), await session(timed_shop)
    change = SetPassword(user.id, await Passwords().hash(OTHER_PASSWORD), BY_HAND)
    elsewhere = Clock(clock.at - behind * 1_000_000)
    await done(timed_shop.settings, elsewhere, set_password, change)
    after = await session(timed_shop, ADMIN_EMAIL, OTHER_PASSWORD)
    await is_over(timed_shop, before)
    await is_good(timed_shop, after)
