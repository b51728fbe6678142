"""Browsers: a cookie's token is a sign-in of its own kind, short, and over at once when it is over."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from leafcraft.access import actions
from leafcraft.access.browsers import Browsers
from leafcraft.access.rules import AGENT_CHARS_MAX, PAIR_FREE_FAILURES
from leafcraft.access.sessions import Sessions
from leafcraft.accounts.rules import PERMISSIONS, Role
from leafcraft.app import compose, opened
from leafcraft.cause import SYSTEM
from leafcraft.config import Settings
from leafcraft.errors import Code, Refusal
from leafcraft.web.call import Call, Runtime
from leafcraft.web.visitor import Visitor, forged
from tests.access.visits import (
    FROM_THE_NET,
    OTHER_PASSWORD,
    asked,
    done,
    events,
    everything_kept,
    hire,
    refreshed,
    session,
    signed_out,
)
from tests.builders import (
    ADMIN_EMAIL,
    PASSWORD,
    Clock,
    Json,
    Shop,
    another,
    found,
    problem,
    signed_in,
)
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

EMAIL: Final = "kim@example.com"
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"
NO_TOKENS: Final = ("", "x", "é" * 43, "\0" * 43, "leafcraft_x", "." * 512, "-" * 43, "a" * 44)


@dataclass
class Window:
    """What a process does for browsers; where there are two, they share a database and no more."""

    browsers: Browsers
    runtime: Runtime

    async def sign_in(self, email: str = ADMIN_EMAIL, password: str = PASSWORD) -> str:
        return await self.browsers.sign_in(email, password, FROM_THE_NET, agent=AGENT)

    async def visitor(self, token: str) -> Visitor:
        scope = {"method": "GET", "path": "/", "query_string": b"", "client": ("192.0.2.1", 1)}
        return await self.browsers.visitor(token, Call(self.runtime, scope, {}, "request"))

    async def refuses(self, token: str) -> Code:
        """Why it does not let the token in."""
        with pytest.raises(Refusal) as caught:
            await self.visitor(token)
        return caught.value.code

    async def note(self) -> None:
        """What the clock does every minute."""
        await self.browsers.note_uses(self.runtime.writer)


@asynccontextmanager
async def window_of(settings: Settings, clock: Clock) -> AsyncIterator[Window]:
    parts = compose(settings, clock)
    sessions = Sessions(parts.runtime, parts.master, parts.keyring)
    async with opened(parts.runtime):
        yield Window(Browsers(parts.runtime, parts.master, sessions), parts.runtime)


@pytest.fixture
async def window(timed_shop: Shop, clock: Clock) -> AsyncIterator[Window]:
    async with window_of(timed_shop.settings, clock) as opened_window:
        yield opened_window


@pytest.fixture
async def other(timed_shop: Shop, clock: Clock) -> AsyncIterator[Window]:
    """Another process."""
    async with window_of(timed_shop.settings, clock) as opened_window:
        yield opened_window


async def listed(shop: Shop, token: str | None = None, **query: Any) -> list[Json]:
    """The open sessions of whoever the token speaks for; of the shop's admin, with a new session for
    that, unless told."""
    asking = token or (await session(shop))["access_token"]
    answer = await asked(shop, asking, "/auth/sessions", params=query)
    assert answer.status_code == 200, answer.text
    rows: list[Json] = answer.json()
    return rows


async def cookies(shop: Shop) -> list[Json]:
    """The admin's open sessions of browsers."""
    return [row for row in await listed(shop) if row["browser"]]


# ── in ───────────────────────────────────────────────────────────────────────


async def test_a_sign_in_gives_a_token_that_speaks_for_its_user(
    timed_shop: Shop, window: Window
) -> None:
    user = await hire(timed_shop, EMAIL, Role.OPERATOR)
    token = await window.sign_in(f" {EMAIL.upper()} ")
    visitor = await window.visitor(token)
    assert visitor[:4] == (user["id"], EMAIL, "operator", PERMISSIONS[Role.OPERATOR])
    (event,) = await events(timed_shop, "user.signed_in", subject_id=user["id"])
    assert event["data"] == {"session": visitor.session_id}
    assert (event["actor"], event["address"]) == (f"user:{user['id']}", "192.0.2.1")
    assert await window.visitor(token) == visitor


async def test_each_sign_in_has_a_token_and_a_proof_of_its_own(window: Window) -> None:
    tokens = [await window.sign_in() for _ in range(3)]
    visitors = [await window.visitor(token) for token in tokens]
    assert len(set(tokens)) == len({one.csrf for one in visitors}) == 3
    for visitor in visitors:
        proofs = [one.csrf for one in visitors]
        assert [forged(visitor, proof) for proof in proofs].count(False) == 1
        assert not forged(visitor, visitor.csrf)
    for wrong in ("", "x", "é", tokens[0], visitors[0].csrf[:-1], f"{visitors[0].csrf} "):
        assert forged(visitors[0], wrong)
    assert visitors[0].csrf not in repr(visitors[0])


async def test_the_proof_of_a_session_is_the_same_in_every_process(
    window: Window, other: Window
) -> None:
    token = await window.sign_in()
    assert await window.visitor(token) == await other.visitor(token)


async def test_nowhere_in_the_database_are_token_and_proof_only_a_digest(
    timed_shop: Shop, window: Window
) -> None:
    token = await window.sign_in()
    visitor = await window.visitor(token)
    kept = await everything_kept(timed_shop.settings)
    assert hashlib.sha256(token.encode()).hexdigest() in kept
    assert token not in kept
    assert visitor.csrf not in kept


async def test_a_wrong_password_counts_at_the_door(make_settings: MakeSettings) -> None:
    clock = Clock()
    settings = make_settings(rate_limit="on")
    async with window_of(settings, clock) as window:
        for _ in range(PAIR_FREE_FAILURES):
            with pytest.raises(Refusal, match="invalid_credentials"):
                await window.sign_in(EMAIL, "not the right one")
        with pytest.raises(Refusal, match="rate_limited"):
            await window.sign_in(EMAIL)


async def test_a_disabled_user_gets_no_session(timed_shop: Shop, window: Window) -> None:
    user = await hire(timed_shop, EMAIL)
    found(await timed_shop.patch(f"/users/{user['id']}", {"disabled": True}))
    with pytest.raises(Refusal, match="invalid_credentials"):
        await window.sign_in(EMAIL)


# ── what is no browser's token ───────────────────────────────────────────────


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: ascii(token[:12]))
async def test_what_is_no_token_opens_nothing(window: Window, token: str) -> None:
    assert await window.refuses(token) is Code.NOT_AUTHENTICATED
    await window.browsers.sign_out(token, FROM_THE_NET)


async def test_a_browsers_token_is_no_other_and_no_other_is_a_browsers(
    timed_shop: Shop, window: Window
) -> None:
    token, pair = await window.sign_in(), await session(timed_shop)
    key = found(await timed_shop.post("/api-keys/", {"name": "a", "scopes": ["admin"]}), 201)
    problem(await asked(timed_shop, token), 401, "not_authenticated")
    problem(await refreshed(timed_shop, token), 401, "not_authenticated")
    assert (await signed_out(timed_shop, token)).status_code == 204
    for theirs in (pair["access_token"], pair["refresh_token"], key["key"]):
        assert await window.refuses(theirs) is Code.NOT_AUTHENTICATED
        await window.browsers.sign_out(theirs, FROM_THE_NET)
    assert (await window.visitor(token)).email == ADMIN_EMAIL
    found(await refreshed(timed_shop, pair["refresh_token"]))


# ── how long ─────────────────────────────────────────────────────────────────


async def test_a_browser_left_alone_for_eight_hours_is_signed_out(
    window: Window, other: Window, clock: Clock
) -> None:
    token = await window.sign_in()
    clock.advance(hours=8, seconds=-1)
    await window.visitor(token)
    await window.note()
    clock.advance(hours=8, seconds=-1)
    for process in (window, other):
        await process.visitor(token)
    await other.note()
    clock.advance(hours=8)
    for process in (window, other):
        assert await process.refuses(token) is Code.TOKEN_EXPIRED
        assert await process.refuses(token) is Code.TOKEN_EXPIRED


async def test_a_visit_counts_before_it_is_written_down(
    timed_shop: Shop, window: Window, clock: Clock
) -> None:
    token = await window.sign_in()
    clock.advance(hours=8, seconds=-1)
    await window.visitor(token)
    clock.advance(seconds=2)
    await window.visitor(token)
    elsewhere = (await session(timed_shop))["refresh_token"]
    await signed_out(timed_shop, elsewhere)  # all who are known are looked up again
    assert (await window.visitor(token)).email == ADMIN_EMAIL


async def test_no_browser_is_signed_in_for_longer_than_seven_days(
    window: Window, other: Window, clock: Clock
) -> None:
    token = await window.sign_in()
    for _ in range(7 * 4 - 1):
        clock.advance(hours=6)
        await window.visitor(token)
        await window.note()
    clock.advance(hours=6, seconds=-1)
    for process in (window, other):
        await process.visitor(token)
    clock.advance(seconds=1)
    for process in (window, other):
        assert await process.refuses(token) is Code.TOKEN_EXPIRED


async def test_when_it_was_used_is_written_at_most_once_in_five_minutes(
    timed_shop: Shop, window: Window, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    perform = window.runtime.writer.perform

    async def counted(action: Any, command: Any) -> Any:
        written.append(command)
        return await perform(action, command)

    tokens = [await window.sign_in() for _ in range(3)]
    monkeypatch.setattr(window.runtime.writer, "perform", counted)
    for _ in range(20):
        clock.advance(seconds=60)
        for token in tokens:
            for _ in range(3):
                await window.visitor(token)
        await window.note()
    assert len(written) == 4
    used = {row["used_at"] for row in await cookies(timed_shop)}
    assert used == {"2026-01-01T12:20:00Z"}


async def test_a_late_note_of_one_process_takes_back_none_of_another(
    timed_shop: Shop, window: Window, other: Window, clock: Clock
) -> None:
    token = await window.sign_in()
    for process in (window, other):
        clock.advance(hours=1)
        await process.visitor(token)
    await other.note()
    await window.note()
    (row,) = await cookies(timed_shop)
    assert row["used_at"] == "2026-01-01T14:00:00Z"


async def test_sessions_that_are_long_over_go_with_their_tokens_and_no_others(
    timed_shop: Shop, window: Window, clock: Clock
) -> None:
    old = await window.sign_in()
    await session(timed_shop)
    clock.advance(hours=30 * 24, seconds=1)
    fresh = await window.sign_in()
    for forgotten in (3, 0):
        sweep = actions.Sweep(clock(), SYSTEM)
        assert await done(timed_shop.settings, clock, actions.sweep, sweep) == forgotten
    assert await window.refuses(old) is Code.NOT_AUTHENTICATED
    assert (await window.visitor(fresh)).email == ADMIN_EMAIL


# ── out ──────────────────────────────────────────────────────────────────────


async def test_signing_out_ends_the_session_at_once_in_every_process(
    timed_shop: Shop, window: Window, other: Window
) -> None:
    gone, kept = await window.sign_in(), await window.sign_in()
    known = [await process.visitor(gone) for process in (window, other)]
    for _ in range(2):  # the second time is no error
        await window.browsers.sign_out(gone, FROM_THE_NET)
    for process in (other, window):
        assert await process.refuses(gone) is Code.TOKEN_REVOKED
        await process.visitor(kept)
    (event,) = await events(timed_shop, "user.signed_out")
    assert event["data"] == {"session": known[0].session_id}
    assert (event["actor"], event["address"]) == ("user:1", "192.0.2.1")


async def test_signing_out_everywhere_ends_all_sessions_of_the_user_and_of_nobody_else(
    timed_shop: Shop, window: Window, other: Window
) -> None:
    user = await hire(timed_shop, EMAIL)
    tokens, admins = [await window.sign_in(EMAIL) for _ in range(2)], await window.sign_in()
    pair = await session(timed_shop, EMAIL)
    for token in (*tokens, admins):
        await other.visitor(token)
    found(await asked(timed_shop, pair["access_token"], "/auth/me"))
    async with another(timed_shop) as client:
        kim = signed_in(pair["access_token"])
        gone = await client.client.delete("/auth/sessions", headers=kim)
    assert gone.status_code == 204, gone.text
    for token in tokens:
        assert await other.refuses(token) is Code.TOKEN_REVOKED
    problem(await asked(timed_shop, pair["access_token"]), 401, "token_revoked")
    problem(await refreshed(timed_shop, pair["refresh_token"]), 401, "token_revoked")
    await other.visitor(admins)
    (event,) = await events(timed_shop, "user.signed_out_everywhere")
    assert (event["subject_id"], event["actor"]) == (user["id"], f"user:{user['id']}")
    await other.visitor(await window.sign_in(EMAIL))


async def test_disabling_somebody_ends_their_browsers_for_good(
    timed_shop: Shop, window: Window
) -> None:
    user = await hire(timed_shop, EMAIL)
    token = await window.sign_in(EMAIL)
    await window.visitor(token)
    for disabled in (True, False):
        found(await timed_shop.patch(f"/users/{user['id']}", {"disabled": disabled}))
        assert await window.refuses(token) is Code.TOKEN_REVOKED


async def test_a_new_password_ends_every_browser(timed_shop: Shop, window: Window) -> None:
    token = await window.sign_in()
    await window.visitor(token)
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert (await timed_shop.post("/auth/password", body)).status_code == 204
    assert await window.refuses(token) is Code.TOKEN_REVOKED
    await window.visitor(await window.sign_in(password=OTHER_PASSWORD))


async def test_another_role_counts_from_the_next_visit_on(timed_shop: Shop, window: Window) -> None:
    user = await hire(timed_shop, EMAIL, Role.ADMIN)
    token = await window.sign_in(EMAIL)
    for role in (Role.ADMIN, Role.VIEWER, Role.OPERATOR):
        found(await timed_shop.patch(f"/users/{user['id']}", {"role": role.value}))
        visitor = await window.visitor(token)
        assert (visitor.role, visitor.permissions) == (role.value, PERMISSIONS[role])


# ── the list ─────────────────────────────────────────────────────────────────


async def test_everybody_sees_their_own_open_sessions_and_which_one_asks(
    timed_shop: Shop, window: Window, clock: Clock
) -> None:
    await hire(timed_shop, EMAIL)
    await window.sign_in()
    pair, gone = await session(timed_shop, EMAIL), await session(timed_shop, EMAIL)
    await signed_out(timed_shop, gone["refresh_token"])
    clock.advance(seconds=60)
    visitor = await window.visitor(await window.sign_in(EMAIL))
    browser, program = await listed(timed_shop, pair["access_token"])
    assert browser == {
        "id": visitor.session_id,
        "started_at": "2026-01-01T12:01:00Z",
        "used_at": "2026-01-01T12:01:00Z",
        "address": "192.0.2.1",
        "agent": AGENT,
        "browser": True,
        "current": False,
    }
    assert (program["browser"], program["current"]) == (False, True)
    assert program["started_at"] == program["used_at"] == "2026-01-01T12:00:00Z"
    assert program["agent"].startswith("python-httpx")


@pytest.mark.parametrize(
    ("hours", "browsers", "programs"), [(7.9, 1, 2), (8, 0, 2), (7 * 24, 0, 1)]
)
async def test_a_session_that_is_over_is_not_listed(
    timed_shop: Shop, window: Window, clock: Clock, hours: float, browsers: int, programs: int
) -> None:
    """`programs` counts the one that asks."""
    await window.sign_in()
    clock.advance(hours=hours)
    kinds = [row["browser"] for row in await listed(timed_shop)]
    assert (kinds.count(True), kinds.count(False)) == (browsers, programs)


async def test_a_busy_browser_is_listed_until_its_seven_days_are_over(
    timed_shop: Shop, window: Window, clock: Clock
) -> None:
    token = await window.sign_in()
    for _ in range(7 * 4):
        assert len(await cookies(timed_shop)) == 1
        await window.visitor(token)
        await window.note()
        clock.advance(hours=6)
    assert await cookies(timed_shop) == []


async def test_sessions_of_before_a_new_password_are_not_listed(
    timed_shop: Shop, window: Window
) -> None:
    await window.sign_in()
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert (await timed_shop.post("/auth/password", body)).status_code == 204
    pair = await session(timed_shop, ADMIN_EMAIL, OTHER_PASSWORD)
    assert [row["current"] for row in await listed(timed_shop, pair["access_token"])] == [True]


async def test_sessions_are_listed_a_page_at_a_time(timed_shop: Shop) -> None:
    for _ in range(4):
        await session(timed_shop)
    numbers = [row["id"] for row in await listed(timed_shop)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 6
    for sort, wanted in (("-id", numbers), ("id", numbers[::-1])):
        seen: list[int] = []
        path = f"/auth/sessions?limit=2&sort={sort}"
        while path:
            answer = await timed_shop.get(path)
            seen += [row["id"] for row in answer.json()]
            path = answer.links.get("next", {}).get("url", "")
        assert seen == wanted


async def test_one_of_ones_own_sessions_can_be_ended_from_any_other(
    timed_shop: Shop, window: Window
) -> None:
    token = await window.sign_in()
    visitor = await window.visitor(token)
    gone = f"/auth/sessions/{visitor.session_id}"
    answer = await timed_shop.client.delete(gone)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await window.refuses(token) is Code.TOKEN_REVOKED
    problem(await timed_shop.client.delete(gone), 404, "not_found")
    assert await cookies(timed_shop) == []
    (event,) = await events(timed_shop, "user.signed_out")
    assert event["data"] == {"session": visitor.session_id}


async def test_nobody_ends_a_session_of_somebody_else_not_even_an_admin(
    timed_shop: Shop, window: Window
) -> None:
    await hire(timed_shop, EMAIL)
    token = await window.sign_in(EMAIL)
    theirs = f"/auth/sessions/{(await window.visitor(token)).session_id}"
    problem(await timed_shop.client.delete(theirs), 404, "not_found")
    await window.visitor(token)
    assert await events(timed_shop, "user.signed_out") == []


async def test_all_sessions_end_over_http_too_the_one_that_asks_among_them(
    timed_shop: Shop, window: Window
) -> None:
    await hire(timed_shop, EMAIL)
    token, pair = await window.sign_in(EMAIL), await session(timed_shop, EMAIL)
    async with another(timed_shop, pair["access_token"]) as client:
        answer = await client.client.delete("/auth/sessions")
        assert (answer.status_code, answer.content) == (204, b"")
        problem(await client.client.delete("/auth/sessions"), 401, "token_revoked")
    assert await window.refuses(token) is Code.TOKEN_REVOKED
    assert (await timed_shop.get("/auth/me")).status_code == 200


async def test_what_a_client_says_it_is_is_kept_within_bounds(timed_shop: Shop) -> None:
    form = {"username": ADMIN_EMAIL, "password": PASSWORD}
    said = [b"x" * 5000, b" \tTill\t7\xe9 ", b""]
    for agent in said:
        headers = {b"user-agent": agent}
        found(await timed_shop.client.post("/auth/login", data=form, headers=headers))
    kept = [row["agent"] for row in (await timed_shop.get("/auth/sessions?limit=3")).json()]
    assert kept == ["", "Till7é", "x" * AGENT_CHARS_MAX]
