"""Access that ends, ends at once: in every process, for every request that begins after the answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2
import pytest

from tests.access.visits import OTHER_PASSWORD
from tests.builders import ADMIN_EMAIL, PASSWORD, Json
from tests.harness.service import Service
from tests.reliability.client import Ask, Client, Reply
from tests.writer.workshop import until

pytestmark = pytest.mark.anyio

READERS = 6
WARM_UP = 24
"""Requests over fresh connections: both workers have seen the token then, and remember it."""
LATE = 8 * READERS
"""So many requests begin after the end: far more than one process alone would get of them by chance."""

End = Callable[["Stage"], Awaitable[int]]


class Stage(NamedTuple):
    """An admin, and somebody whose access is about to end."""

    service: Service
    admin: Client
    user_id: int
    email: str
    pair: Json


def sign_in(service: Service, email: str, password: str) -> Json:
    form = {"username": email, "password": password}
    answer = httpx2.post(f"{service.url}/auth/login", data=form, timeout=60)
    assert answer.status_code == 200, answer.text
    pair: Json = answer.json()
    return pair


@pytest.fixture
async def stage(pair: Service) -> Stage:
    admin = Client(pair.port, sign_in(pair, ADMIN_EMAIL, pair.admin_password)["access_token"])
    email = f"{uuid4()}@example.com"
    body = {"email": email, "password": PASSWORD, "role": "admin"}
    added = await admin.ask(Ask("POST", "/users/", body))
    assert added.status == 201, added
    return Stage(pair, admin, added.json["id"], email, sign_in(pair, email, PASSWORD))


async def ends_at_once(stage: Stage, token: str, end: Callable[[], Awaitable[int]]) -> set[int]:
    """What requests were answered that began after the access had ended; some were under way then."""
    client = Client(stage.service.port, token)
    over = float("inf")
    late: list[Reply] = []
    stop = asyncio.Event()

    async def keep_asking() -> None:
        while not stop.is_set():
            began = time.monotonic()
            reply = await client.ask(Ask("GET", "/users/"))
            assert reply.status in {200, 401, 403}, reply
            if began > over:
                late.append(reply)

    warm = await asyncio.gather(*(client.ask(Ask("GET", "/users/")) for _ in range(WARM_UP)))
    assert {reply.status for reply in warm} == {200}
    readers = [asyncio.create_task(keep_asking()) for _ in range(READERS)]
    await asyncio.sleep(0.1)
    status = await end()
    over = time.monotonic()
    assert status in {200, 204}
    await until(lambda: len(late) >= LATE or any(reader.done() for reader in readers))
    stop.set()
    await asyncio.gather(*readers)
    return {reply.status for reply in late}


async def sign_out(stage: Stage) -> int:
    nobody = Client(stage.service.port, "none")
    body = {"refresh_token": stage.pair["refresh_token"]}
    return (await nobody.ask(Ask("POST", "/auth/logout", body))).status


async def set_password(stage: Stage) -> int:
    own = Client(stage.service.port, stage.pair["access_token"])
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    return (await own.ask(Ask("POST", "/auth/password", body))).status


async def disable(stage: Stage) -> int:
    ask = Ask("PATCH", f"/users/{stage.user_id}", {"disabled": True})
    return (await stage.admin.ask(ask)).status


async def demote(stage: Stage) -> int:
    ask = Ask("PATCH", f"/users/{stage.user_id}", {"role": "viewer"})
    return (await stage.admin.ask(ask)).status


@pytest.mark.parametrize(
    ("end", "status"),
    [(sign_out, 401), (set_password, 401), (disable, 401), (demote, 403)],
    ids=["signed out", "a new password", "disabled", "demoted"],
)
async def test_a_session_that_ends_is_over_in_every_process_at_once(
    stage: Stage, end: End, status: int
) -> None:
    token = stage.pair["access_token"]
    assert await ends_at_once(stage, token, lambda: end(stage)) == {status}


async def test_an_api_key_that_is_removed_opens_nothing_in_any_process(stage: Stage) -> None:
    body = {"name": "till", "scopes": ["admin"]}
    made = (await stage.admin.ask(Ask("POST", "/api-keys/", body))).json

    async def remove() -> int:
        return (await stage.admin.ask(Ask("DELETE", f"/api-keys/{made['id']}"))).status

    assert await ends_at_once(stage, made["key"], remove) == {401}


async def test_a_refresh_token_that_is_used_again_ends_its_session_in_every_process(
    stage: Stage,
) -> None:
    first = stage.pair["refresh_token"]
    second = await refreshed(stage, first)
    third = await refreshed(stage, second.json["refresh_token"])

    async def use_again() -> int:
        assert (await refreshed(stage, first)).code == "token_revoked"
        return 200

    assert await ends_at_once(stage, third.json["access_token"], use_again) == {401}


async def refreshed(stage: Stage, token: str) -> Reply:
    nobody = Client(stage.service.port, "none")
    return await nobody.ask(Ask("POST", "/auth/refresh", {"refresh_token": token}))


async def test_refreshes_at_once_in_both_processes_get_one_successor(stage: Stage) -> None:
    spent = stage.pair["refresh_token"]
    for _ in range(5):
        replies = await asyncio.gather(*(refreshed(stage, spent) for _ in range(8)))
        assert {reply.status for reply in replies} == {200}
        (spent,) = {reply.json["refresh_token"] for reply in replies}


async def test_two_admins_who_demote_each_other_at_once_leave_one(stage: Stage) -> None:
    """Every other admin is put aside first; the two then ask each through a process of their own."""
    first = Client(stage.service.port, stage.pair["access_token"])
    others = [one["id"] for one in await stage.admin.get("/users/?role=admin&disabled=false")]
    boss = await stage.admin.get("/auth/me")
    for user_id in set(others) - {stage.user_id, boss["id"]}:
        ask = Ask("PATCH", f"/users/{user_id}", {"disabled": True})
        assert (await stage.admin.ask(ask)).status == 200
    for _ in range(6):
        replies = await asyncio.gather(
            first.ask(Ask("PATCH", f"/users/{boss['id']}", {"role": "viewer"})),
            stage.admin.ask(Ask("PATCH", f"/users/{stage.user_id}", {"role": "viewer"})),
        )
        statuses = sorted(reply.status for reply in replies)
        assert statuses in ([200, 403], [200, 409]), replies
        await restore(stage, first, boss["id"])


async def restore(stage: Stage, first: Client, boss_id: int) -> None:
    """Both are admins again, by the hand of whoever still is."""
    for client in (first, stage.admin):
        for user_id in (boss_id, stage.user_id):
            await client.ask(Ask("PATCH", f"/users/{user_id}", {"role": "admin"}))
    rows: list[Any] = await first.get("/users/?role=admin&disabled=false")
    assert {row["id"] for row in rows} == {boss_id, stage.user_id}
