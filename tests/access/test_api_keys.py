"""API keys: shown once, kept as a digest, good for what they were made for, until they go."""

import hashlib
import re
from typing import Any

import pytest

from leafcraft import times
from tests.access.visits import (
    asked,
    auth_of,
    everything_kept,
    front_of,
    key_of,
)
from tests.builders import NOON, Clock, Json, Shop, another, found, open_shop, problem

pytestmark = pytest.mark.anyio

KEY = re.compile(r"leafcraft_[0-9A-Za-z]{49}")
SHOWN = {
    "id",
    "name",
    "scopes",
    "start",
    "created_by",
    "created_at",
    "expires_at",
    "last_used_at",
}


async def test_a_key_is_shown_when_it_is_made_and_never_again(timed_shop: Shop) -> None:
    answer = await timed_shop.post(
        "/api-keys/", {"name": " till ", "scopes": ["orders:write", "orders:read"]}
    )
    made = found(answer, 201)
    assert set(made) == SHOWN | {"key"}
    assert KEY.fullmatch(made["key"])
    assert (made["name"], made["scopes"]) == ("till", ["orders:write", "orders:read"])
    assert (made["created_by"], made["created_at"]) == ("user:1", "2026-01-01T12:00:00Z")
    assert (made["expires_at"], made["last_used_at"]) == (None, None)
    assert made["key"].startswith(made["start"])
    assert len(made["start"]) == 16
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/api-keys/{made['id']}"
    listed = await timed_shop.get("/api-keys/")
    assert listed.json() == [{name: made[name] for name in SHOWN}]
    assert made["key"][16:] not in listed.text


async def test_nowhere_in_the_database_is_the_key_only_its_digest(timed_shop: Shop) -> None:
    body = {"name": "till", "scopes": ["admin"]}
    made = found(await timed_shop.post("/api-keys/", body, headers={"idempotency-key": "k"}), 201)
    assert (await asked(timed_shop, made["key"], "/users/")).status_code == 200
    kept = await everything_kept(timed_shop.settings)
    assert hashlib.sha256(made["key"].encode()).hexdigest() in kept
    assert made["start"] in kept
    assert made["key"][16:] not in kept
    assert made["key"][16:].encode().hex() not in kept


async def test_a_retry_gets_the_same_key_again(timed_shop: Shop) -> None:
    body = {"name": "till", "scopes": ["products:read"]}
    headers = {"idempotency-key": "the same"}
    answers = [await timed_shop.post("/api-keys/", body, headers=headers) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [
        None,
        "true",
        "true",
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        found(answer, 201)
    assert (await asked(timed_shop, answers[2].json()["key"])).status_code == 200
    assert len((await timed_shop.get("/api-keys/")).json()) == 1
    other = await timed_shop.post("/api-keys/", {**body, "name": "door"}, headers=headers)
    problem(other, 422, "idempotency_key_reused")


async def test_a_key_that_was_removed_opens_nothing_from_then_on(timed_shop: Shop) -> None:
    made, kept = await key_of(timed_shop), await key_of(timed_shop)
    assert (await asked(timed_shop, made["key"])).status_code == 200
    answer = await timed_shop.client.delete(f"/api-keys/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await asked(timed_shop, made["key"]), 401, "not_authenticated")
    assert (await asked(timed_shop, kept["key"])).status_code == 200
    assert [key["id"] for key in (await timed_shop.get("/api-keys/")).json()] == [kept["id"]]
    problem(await timed_shop.client.delete(f"/api-keys/{made['id']}"), 404, "not_found")


async def test_the_number_of_a_removed_key_is_never_given_again(timed_shop: Shop) -> None:
    """Its deeds stand in the events under that number."""
    first = await key_of(timed_shop)
    await timed_shop.client.delete(f"/api-keys/{first['id']}")
    assert (await key_of(timed_shop))["id"] > first["id"]


async def test_a_key_ends_when_it_was_said_to(timed_shop: Shop, clock: Clock) -> None:
    ends = times.write(NOON + 60 * times.MICROS_PER_SECOND)
    made = await key_of(timed_shop, expires_at=ends)
    assert made["expires_at"] == ends
    clock.advance(seconds=59)
    assert (await asked(timed_shop, made["key"])).status_code == 200
    clock.advance(seconds=1)
    problem(await asked(timed_shop, made["key"]), 401, "token_expired")


@pytest.mark.parametrize(
    "ends",
    ["2026-01-01T12:00:00Z", "2025-12-31T00:00:00Z", "1970-01-01T00:00:00Z", "tomorrow", 5, True],
    ids=str,
)
async def test_a_key_is_not_made_to_have_ended(timed_shop: Shop, ends: Any) -> None:
    body = {"name": "till", "scopes": ["admin"], "expires_at": ends}
    answer = problem(await timed_shop.post("/api-keys/", body), 422, "validation_error")
    assert answer["errors"][0]["pointer"] == "/expires_at"
    assert (await timed_shop.get("/api-keys/")).json() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["user"]},
        {"scopes": ["everything"]},
        {"scopes": ["Admin"]},
        {"scopes": ["admin "]},
        {"scopes": ["admin admin"]},
        {"scopes": ["admin", "admin"]},
        {"scopes": "admin"},
        {"scopes": [None]},
        {"scopes": None},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": None},
        {"id": 7},
        {"key": "leafcraft_x"},
        {"digest": "x"},
        {"created_by": "user:2"},
        {"last_used_at": None},
    ],
    ids=str,
)
async def test_a_key_is_not_made_of_anything_else(shared_shop: Shop, changes: Json) -> None:
    body = {"name": "till", "scopes": ["products:read"], **changes}
    problem(await shared_shop.post("/api-keys/", body), 422, "validation_error")
    assert (await shared_shop.get("/api-keys/")).json() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: f"{key}0",
        lambda key: f"{key[:-1]}{'x' if key[-1] != 'x' else 'y'}",
        lambda key: f"{key[:20]}{'x' if key[20] != 'x' else 'y'}{key[21:]}",
        lambda key: key.lower(),
        lambda key: key.upper(),
        lambda key: key.swapcase(),
        lambda key: key.replace("leafcraft_", "leafcraft-"),
        lambda key: key.replace("leafcraft_", ""),
        lambda key: key.replace("leafcraft_", "github_"),
        lambda key: f"{key[:30]} {key[30:]}",
        lambda key: f"{key}.{key}",
        lambda key: f"{key},{key}",
        lambda key: f"'{key}'",
        lambda key: key[:16],
        lambda key: f"{key}%20",
    ],
)
async def test_a_key_that_is_not_written_to_the_letter_opens_nothing(
    shared_shop: Shop, change: Any
) -> None:
    made = await key_of(shared_shop)
    try:
        assert (await asked(shared_shop, made["key"])).status_code == 200
        problem(await asked(shared_shop, change(made["key"])), 401, "not_authenticated")
        basic = {"authorization": f"Basic {made['key']}"}
        async with another(shared_shop) as machine:
            problem(await machine.get("/products/", headers=basic), 401, "not_authenticated")
    finally:
        await shared_shop.client.delete(f"/api-keys/{made['id']}")


async def test_keys_are_listed_a_page_at_a_time(timed_shop: Shop) -> None:
    made = [(await key_of(timed_shop, name=f"till {number}"))["id"] for number in range(5)]
    for sort, wanted in (("id", made), ("-id", made[::-1])):
        seen: list[int] = []
        path = f"/api-keys/?limit=2&sort={sort}"
        while path:
            answer = await timed_shop.get(path)
            seen += [key["id"] for key in answer.json()]
            path = answer.links.get("next", {}).get("url", "")
        assert seen == wanted


async def test_when_a_key_was_last_used_is_noted_now_and_then(
    timed_shop: Shop, clock: Clock
) -> None:
    made, gone, idle = [await key_of(timed_shop) for _ in range(3)]
    auth = auth_of(timed_shop)
    for key in (made, gone):
        assert (await asked(timed_shop, key["key"])).status_code == 200
    clock.advance(seconds=30)
    assert (await asked(timed_shop, made["key"])).status_code == 200
    await timed_shop.client.delete(f"/api-keys/{gone['id']}")
    await auth.note_uses(front_of(timed_shop).runtime.writer)
    listed = {key["id"]: key["last_used_at"] for key in (await timed_shop.get("/api-keys/")).json()}
    assert listed == {made["id"]: "2026-01-01T12:00:30Z", idle["id"]: None}


async def test_a_process_that_has_just_started_knows_every_key(
    timed_shop: Shop, clock: Clock
) -> None:
    made = await key_of(timed_shop)
    async with open_shop(timed_shop.settings, clock) as other:
        assert (await asked(other, made["key"])).status_code == 200
        await timed_shop.client.delete(f"/api-keys/{made['id']}")
        problem(await asked(other, made["key"]), 401, "not_authenticated")
