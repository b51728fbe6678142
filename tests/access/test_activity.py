"""The record of what happened: complete, by whom and from where, and for admins' eyes alone."""

import asyncio
from typing import Any, NamedTuple

import pytest

from leafcraft import times
from leafcraft.accounts.rules import Role
from tests.access.visits import (
    OTHER_PASSWORD,
    asked,
    hire,
    key_of,
    refreshed,
    session,
    signed_out,
    tried,
)
from tests.builders import (
    ADMIN_EMAIL,
    NOON,
    PASSWORD,
    SECRET,
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
MEMBERS = {
    "id",
    "type",
    "subject_type",
    "subject_id",
    "actor",
    "request_id",
    "address",
    "data",
    "occurred_at",
}


class Noted(NamedTuple):
    """What should stand in one event."""

    type: str
    subject_id: int
    actor: str
    data: Json


async def rows(shop: Shop, **filters: Any) -> list[Json]:
    answer = await shop.get("/events/", params={"limit": 500, **filters})
    assert answer.status_code == 200, answer.text
    found_rows: list[Json] = answer.json()
    return found_rows


async def latest(shop: Shop) -> int:
    return int((await rows(shop, limit=1))[0]["id"])


async def since(shop: Shop, event_id: int) -> list[Json]:
    """What has happened after an event, the oldest first."""
    return [row for row in await rows(shop, sort="id") if row["id"] > event_id]


async def noted(shop: Shop, before: int, request_id: str, wanted: Noted) -> None:
    """Exactly this has happened since, in that request, from here, now."""
    (event,) = await since(shop, before)
    assert set(event) == MEMBERS
    assert Noted(event["type"], event["subject_id"], event["actor"], event["data"]) == wanted
    assert event["subject_type"] == wanted.type.partition(".")[0]
    assert (event["request_id"], event["address"]) == (request_id, "127.0.0.1")
    assert event["occurred_at"].startswith("2026-01-01T12:00:")


# ── each thing once ──────────────────────────────────────────────────────────


async def test_signing_in_and_out_is_noted_once_each(timed_shop: Shop) -> None:
    before = await latest(timed_shop)
    answer = await tried(timed_shop)
    (event,) = await since(timed_shop, before)
    session_id = event["data"]["session"]
    request_id = answer.headers["x-request-id"]
    wanted = Noted("user.signed_in", 1, "user:1", {"session": session_id})
    await noted(timed_shop, before, request_id, wanted)
    before = await latest(timed_shop)
    await refreshed(timed_shop, found(answer)["refresh_token"])
    assert await since(timed_shop, before) == []
    gone = await signed_out(timed_shop, found(answer)["refresh_token"])
    wanted = Noted("user.signed_out", 1, "user:1", {"session": session_id})
    await noted(timed_shop, before, gone.headers["x-request-id"], wanted)


@pytest.mark.parametrize(
    ("email", "subject", "data"),
    [
        (ADMIN_EMAIL, 1, {"email": ADMIN_EMAIL}),
        ("Nobody@Example.com", 0, {"email": "nobody@example.com"}),
        ("my password, typed into the wrong field", 0, {}),
    ],
    ids=["wrong password", "unknown", "no address"],
)
async def test_a_failed_sign_in_is_noted_once(
    timed_shop: Shop, email: str, subject: int, data: Json
) -> None:
    before = await latest(timed_shop)
    answer = await tried(timed_shop, email, "the wrong password")
    problem(answer, 401, "invalid_credentials")
    wanted = Noted("user.sign_in_failed", subject, "anonymous", data)
    await noted(timed_shop, before, answer.headers["x-request-id"], wanted)


async def test_what_is_done_to_users_is_noted_once_each(timed_shop: Shop, clock: Clock) -> None:
    before = await latest(timed_shop)
    body = {"email": EMAIL, "password": PASSWORD, "role": "viewer"}
    answer = await timed_shop.post("/users/", body)
    kim = found(answer, 201)["id"]
    wanted = Noted("user.added", kim, "user:1", {"email": EMAIL, "role": "viewer"})
    await noted(timed_shop, before, answer.headers["x-request-id"], wanted)
    before = await latest(timed_shop)
    answer = await timed_shop.patch(f"/users/{kim}", {"role": "operator"})
    wanted = Noted("user.edited", kim, "user:1", {"role": "operator", "disabled": False})
    await noted(timed_shop, before, answer.headers["x-request-id"], wanted)
    token = (await session(timed_shop, EMAIL))["access_token"]
    before = await latest(timed_shop)
    clock.advance(seconds=1)
    async with another(timed_shop, token) as own:
        change = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        answer = await own.post("/auth/password", change)
    wanted = Noted("user.password_changed", kim, f"user:{kim}", {})
    await noted(timed_shop, before, answer.headers["x-request-id"], wanted)


async def test_what_is_done_to_api_keys_is_noted_once_each(timed_shop: Shop) -> None:
    before = await latest(timed_shop)
    body = {"name": "till", "scopes": ["orders:read", "orders:write"]}
    answer = await timed_shop.post("/api-keys/", body, headers={"idempotency-key": "k"})
    await timed_shop.post("/api-keys/", body, headers={"idempotency-key": "k"})
    made = found(answer, 201)
    wanted = Noted("api_key.created", made["id"], "user:1", body)
    await noted(timed_shop, before, answer.headers["x-request-id"], wanted)
    before = await latest(timed_shop)
    answer = await timed_shop.client.delete(f"/api-keys/{made['id']}")
    wanted = Noted("api_key.removed", made["id"], "user:1", {})
    await noted(timed_shop, before, answer.headers["x-request-id"], wanted)


async def test_what_is_refused_or_changes_nothing_is_not_noted(timed_shop: Shop) -> None:
    kim = await hire(timed_shop, EMAIL)
    before = await latest(timed_shop)
    await timed_shop.post("/users/", {"email": EMAIL, "password": PASSWORD, "role": "viewer"})
    await timed_shop.post("/users/", {"email": "x", "password": PASSWORD, "role": "viewer"})
    await timed_shop.patch(f"/users/{kim['id']}", {"role": "viewer", "disabled": False})
    await timed_shop.patch("/users/1", {"role": "viewer"})
    await timed_shop.patch("/users/99", {"role": "viewer"})
    await timed_shop.client.delete("/api-keys/99")
    await refreshed(timed_shop, "unknown")
    await signed_out(timed_shop, "unknown")
    await asked(timed_shop, "x.y.z")
    assert await since(timed_shop, before) == []


async def test_a_start_notes_its_settings_once_until_they_change(
    make_settings: MakeSettings, clock: Clock
) -> None:
    seen = []
    for minutes in (15, 15, 7, 7, 15):
        async with open_shop(make_settings(token_minutes=minutes), clock) as shop:
            seen.append(await rows(shop, type="settings.changed"))
    assert [len(events) for events in seen] == [1, 1, 2, 2, 3]
    (newest, *_) = seen[-1]
    assert (newest["actor"], newest["subject_id"]) == ("system", 0)
    assert newest["data"]["token_minutes"] == 15
    assert newest["data"]["admin_email"] == ADMIN_EMAIL
    for secret in (SECRET, PASSWORD, "database_url", "secret_key", "admin_password"):
        assert secret not in str(seen)


# ── who may see it, and how it is searched ───────────────────────────────────


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_only_admins_see_what_happened(timed_shop: Shop, role: Role) -> None:
    await hire(timed_shop, EMAIL, role)
    token = (await session(timed_shop, EMAIL))["access_token"]
    problem(await asked(timed_shop, token, "/events/"), 403, "forbidden")
    till = (await key_of(timed_shop, "orders:read", "orders:write"))["key"]
    problem(await asked(timed_shop, till, "/events/"), 403, "forbidden")
    auditor = (await key_of(timed_shop, "admin"))["key"]
    assert (await asked(timed_shop, auditor, "/events/")).status_code == 200
    async with another(timed_shop) as stranger:
        problem(await stranger.get("/events/"), 401, "not_authenticated")


async def test_events_can_not_be_made_changed_or_removed(timed_shop: Shop) -> None:
    for method, path in (
        ("POST", "/events/"),
        ("PATCH", "/events/"),
        ("DELETE", "/events/"),
        ("PUT", "/events/"),
        ("DELETE", "/events/1"),
        ("PATCH", "/events/1"),
    ):
        answer = await timed_shop.client.request(method, path, json={})
        assert answer.status_code in {404, 405}, (method, path)


async def test_events_are_filtered_by_each_member(timed_shop: Shop, clock: Clock) -> None:
    kim = (await hire(timed_shop, EMAIL, Role.ADMIN))["id"]
    clock.advance(seconds=10)
    token = (await session(timed_shop, EMAIL))["access_token"]
    async with another(timed_shop, token) as own:
        await own.product("Oolong", stock=0)
    clock.advance(seconds=10)
    await tried(timed_shop, EMAIL, "wrong password")
    every = await rows(timed_shop)
    assert [event["id"] for event in every] == sorted((e["id"] for e in every), reverse=True)
    middle, last = (times.write(NOON + seconds * 1_000_000) for seconds in (10, 20))
    for filters, wanted in (
        ({"type": "user.added"}, lambda event: event["type"] == "user.added"),
        ({"subject_type": "user"}, lambda event: event["subject_type"] == "user"),
        ({"subject_id": kim}, lambda event: event["subject_id"] == kim),
        ({"actor": f"user:{kim}"}, lambda event: event["actor"] == f"user:{kim}"),
        ({"since": middle}, lambda event: event["occurred_at"] >= middle),
        ({"until": middle}, lambda event: event["occurred_at"] < middle),
        ({"since": middle, "until": last}, lambda event: event["occurred_at"] == middle),
        (
            {"subject_type": "user", "subject_id": kim, "actor": "anonymous"},
            lambda event: event["type"] == "user.sign_in_failed",
        ),
        ({"type": "user.forgotten"}, lambda _: False),
    ):
        expected = [event for event in every if wanted(event)]
        assert await rows(timed_shop, **filters) == expected, filters
        assert len(expected) < len(every)


@pytest.mark.parametrize(
    "query",
    [
        "type=" + "x" * 65,
        "actor=" + "x" * 65,
        "subject_id=-1",
        "subject_id=x",
        "subject_id=9223372036854775808",
        "since=yesterday",
        "until=2026-01-01",
        "sort=type",
        "limit=0",
        "limit=501",
        "data=x",
        "cursor=x",
    ],
)
async def test_a_filter_that_means_nothing_is_refused(shared_shop: Shop, query: str) -> None:
    problem(await shared_shop.get(f"/events/?{query}"), 422, "validation_error")


async def test_pages_of_events_miss_nothing_and_repeat_nothing_while_others_write(
    timed_shop: Shop,
) -> None:
    for number in range(12):
        await tried(timed_shop, ADMIN_EMAIL, f"wrong password {number}")
    there = [event["id"] for event in await rows(timed_shop, type="user.sign_in_failed")]
    seen: list[int] = []
    path = "/events/?limit=5&type=user.sign_in_failed"
    while path:
        answer, *_ = await asyncio.gather(
            timed_shop.get(path), *(tried(timed_shop, ADMIN_EMAIL, "wrong again") for _ in range(3))
        )
        seen += [event["id"] for event in answer.json()]
        path = answer.links.get("next", {}).get("url", "")
    newer = [event_id for event_id in seen if event_id > there[0]]
    assert seen == newer + there
    assert len(set(seen)) == len(seen)
    oldest_first = [event["id"] for event in await rows(timed_shop, sort="id")]
    assert oldest_first == sorted(oldest_first)
