"""Users: admins add them, see them and edit them, and there is always an admin left."""

import asyncio
import itertools
from typing import Any

import pytest

from leafcraft.accounts import store
from leafcraft.accounts.rules import Role
from leafcraft.db import Database
from tests.access.visits import OTHER_PASSWORD, events, hire, session, tried
from tests.builders import (
    ADMIN_EMAIL,
    PASSWORD,
    Clock,
    Json,
    Shop,
    another,
    found,
    open_shop,
    problem,
)
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

EMAIL = "kim@example.com"
NEW = {"email": EMAIL, "password": PASSWORD, "role": "viewer"}
_numbers = itertools.count(1)

MEMBERS = {"id", "email", "role", "disabled", "created_at"}


async def emails(shop: Shop, **filters: Any) -> list[str]:
    answer = await shop.get("/users/", params=filters)
    assert answer.status_code == 200, answer.text
    return [user["email"] for user in answer.json()]


# ── added, seen, edited ──────────────────────────────────────────────────────


async def test_a_new_user_can_sign_in_and_is_shown_without_a_password(shop: Shop) -> None:
    answer = await shop.post("/users/", NEW)
    user = found(answer, 201)
    assert set(user) == MEMBERS
    assert (user["email"], user["role"], user["disabled"]) == (EMAIL, "viewer", False)
    assert answer.headers["location"] == f"/users/{user['id']}"
    assert found(await shop.get(f"/users/{user['id']}")) == user
    token = (await session(shop, EMAIL))["access_token"]
    async with another(shop, token) as own:
        assert found(await own.get("/auth/me")) == user


async def test_a_retry_adds_nobody_twice(shop: Shop) -> None:
    key = {"idempotency-key": "once"}
    first, second = [await shop.post("/users/", NEW, headers=key) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    other = await shop.post("/users/", {**NEW, "password": OTHER_PASSWORD}, headers=key)
    problem(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper(), f"  {EMAIL} ", "Kim@EXAMPLE.com"])
async def test_an_address_has_one_account_however_it_is_written(shop: Shop, email: str) -> None:
    assert (await hire(shop, EMAIL))["email"] == EMAIL
    answer = await shop.post("/users/", {**NEW, "email": email, "password": OTHER_PASSWORD})
    problem(answer, 409, "email_taken")
    assert OTHER_PASSWORD not in answer.text
    found(await tried(shop, email))
    assert len(await emails(shop)) == 2


async def test_an_address_that_two_ask_for_at_once_goes_to_one(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings()) as one, open_shop(make_settings()) as two:
        answers = await asyncio.gather(
            *(shop.post("/users/", NEW) for shop in (one, two, one, two))
        )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "email_taken")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "kim",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a b@c",
        "a@b\nc",
        "a@\0b",
        "a\u200b@b",
        "x" * 255,
        5,
        None,
    ],
    ids=ascii,
)
async def test_what_is_no_address_is_refused(shared_shop: Shop, email: Any) -> None:
    answer = problem(
        await shared_shop.post("/users/", {**NEW, "email": email}), 422, "validation_error"
    )
    assert "/email" in {error["pointer"] for error in answer["errors"]}


@pytest.mark.parametrize(
    "members",
    [
        {"id": 7},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"updated_at": 0},
        {"password_hash": "$argon2id$"},
        {"sessions_since": 0},
        {"era": 0},
        {"disabled": True},
        {"permissions": ["admin"]},
        {"Role": "admin"},
        {"role": "owner"},
        {"role": "ADMIN"},
        {"role": ""},
        {"role": None},
        {"role": ["admin"]},
        {"role": 2},
    ],
    ids=str,
)
async def test_a_new_user_has_no_members_but_the_three(shared_shop: Shop, members: Json) -> None:
    problem(await shared_shop.post("/users/", {**NEW, **members}), 422, "validation_error")


@pytest.mark.parametrize(
    "members",
    [
        {"id": 7},
        {"email": "other@example.com"},
        {"password": OTHER_PASSWORD},
        {"password_hash": "$argon2id$"},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"sessions_since": 0},
        {"era": 0},
        {"role": "owner"},
        {"disabled": "true"},
        {"disabled": 1},
        {"disabled": "no"},
    ],
    ids=str,
)
async def test_an_edit_changes_nothing_but_role_and_state(shared_shop: Shop, members: Json) -> None:
    email = f"user{next(_numbers)}@example.com"
    user = await hire(shared_shop, email)
    body = {"role": "operator", **members}
    answer = problem(await shared_shop.patch(f"/users/{user['id']}", body), 422, "validation_error")
    assert OTHER_PASSWORD not in str(answer)
    assert found(await shared_shop.get(f"/users/{user['id']}")) == user
    found(await tried(shared_shop, email))


async def test_an_edit_changes_what_it_names_and_leaves_the_rest(shop: Shop) -> None:
    user = await hire(shop, EMAIL)
    place = f"/users/{user['id']}"
    assert found(await shop.patch(place, {"role": "operator"}))["disabled"] is False
    assert found(await shop.patch(place, {"disabled": True}))["role"] == "operator"
    assert found(await shop.patch(place, {}))["disabled"] is True
    wanted = {**user, "role": "operator", "disabled": True}
    assert found(await shop.get(place)) == wanted
    assert len(await events(shop, "user.edited")) == 2


async def test_who_is_not_there_can_not_be_seen_or_edited(shop: Shop) -> None:
    problem(await shop.get("/users/99"), 404, "not_found")
    problem(await shop.patch("/users/99", {"role": "viewer"}), 404, "not_found")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_only_admins_have_to_do_with_users(shop: Shop, role: Role) -> None:
    user = await hire(shop, EMAIL, role)
    token = (await session(shop, EMAIL))["access_token"]
    async with another(shop, token) as own:
        for method, path in (
            ("GET", "/users/"),
            ("POST", "/users/"),
            ("GET", f"/users/{user['id']}"),
            ("PATCH", f"/users/{user['id']}"),
        ):
            problem(
                await own.client.request(method, path, json={"role": "admin"}), 403, "forbidden"
            )


async def test_users_are_filtered_sorted_and_listed_a_page_at_a_time(
    make_settings: MakeSettings,
) -> None:
    clock = Clock()
    async with open_shop(make_settings(), clock) as shop:
        for number, role in enumerate((Role.VIEWER, Role.OPERATOR, Role.VIEWER, Role.ADMIN)):
            clock.advance(seconds=1)
            await hire(shop, f"user{3 - number}@example.com", role)
        found(await shop.patch("/users/5", {"disabled": True}))
        assert await emails(shop, role="viewer") == ["user3@example.com", "user1@example.com"]
        assert await emails(shop, disabled="true") == ["user0@example.com"]
        assert await emails(shop, disabled="false", role="admin") == [ADMIN_EMAIL]
        for sort in ("id", "-id", "email", "-email", "created_at", "-created_at"):
            whole = await emails(shop, sort=sort)
            by_place = sort.removeprefix("-") != "email"
            wanted = [ADMIN_EMAIL, *(f"user{n}@example.com" for n in (3, 2, 1, 0))]
            wanted = wanted if by_place else sorted(wanted)
            assert whole == (wanted[::-1] if sort[0] == "-" else wanted)
            assert await in_pages(shop, sort) == whole
        for unknown in ({"sort": "password_hash"}, {"role": "owner"}, {"password": "x"}):
            problem(await shop.get("/users/", params=unknown), 422, "validation_error")


async def in_pages(shop: Shop, sort: str) -> list[str]:
    seen: list[str] = []
    path = f"/users/?limit=2&sort={sort}"
    while path:
        answer = await shop.get(path)
        seen += [user["email"] for user in answer.json()]
        path = answer.links.get("next", {}).get("url", "")
    return seen


async def test_nobodys_password_hash_is_in_any_answer(shop: Shop) -> None:
    await hire(shop, EMAIL)
    for path in ("/users/", "/users/1", "/auth/me", "/events/", "/openapi.json"):
        assert "$argon2" not in (await shop.get(path)).text


# ── the last admin ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}], ids=str)
async def test_the_last_admin_stays_one(shop: Shop, change: Json) -> None:
    retired = await hire(shop, EMAIL, Role.ADMIN)
    found(await shop.patch(f"/users/{retired['id']}", {"disabled": True}))
    body = problem(await shop.patch("/users/1", change), 409, "conflict")
    assert "last admin" in body["detail"]
    found(await shop.get("/users/"))
    found(await shop.patch(f"/users/{retired['id']}", {"disabled": False}))
    assert found(await shop.patch("/users/1", change))["id"] == 1


async def test_admins_who_demote_each_other_in_two_processes_leave_one(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings()) as one, open_shop(make_settings()) as two:
        other = await hire(one, EMAIL, Role.ADMIN)
        for change in ({"role": "operator"}, {"disabled": True}) * 3:
            answers = await asyncio.gather(
                one.patch("/users/1", change), two.patch(f"/users/{other['id']}", change)
            )
            assert {answer.status_code for answer in answers} <= {200, 401, 403, 409}
            (left,) = await admins(make_settings)
            back = {"role": "admin", "disabled": False}
            token = (await session(one, left))["access_token"]
            async with another(one, token) as client:
                for user_id in (1, other["id"]):
                    found(await client.patch(f"/users/{user_id}", back))
            for shop in (one, two):
                token = (await session(shop))["access_token"]
                shop.client.headers["authorization"] = f"Bearer {token}"


async def admins(make_settings: MakeSettings) -> list[str]:
    """Whoever can still sign in as an admin, as the database has it."""
    settings = make_settings()
    database = Database(settings.database_url, settings.data_dir)
    try:
        everybody = await database.read(store.everybody)
    finally:
        await database.close()
    return [one.email for one in everybody if one.role is Role.ADMIN and not one.disabled]
