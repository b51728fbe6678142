"""Sessions: a sign-in goes on with refresh tokens that work once, and ends for good."""

import asyncio

import pytest

from leafcraft.access import actions
from leafcraft.access.rules import REFRESH_GRACE_SECONDS
from leafcraft.cause import SYSTEM
from tests.access.visits import asked, done, events, refreshed, session, signed_out
from tests.builders import NOON, Clock, Shop, found, open_shop, problem

pytestmark = pytest.mark.anyio

DAY_HOURS = 24
NO_TOKENS = ("x", "é", "\0", "a b", "leafcraft_x", "." * 512, "-" * 43)


async def still_opens(shop: Shop, token: str) -> bool:
    return (await asked(shop, token)).status_code == 200


async def test_a_sign_in_gives_both_tokens_and_nobody_keeps_the_answer(timed_shop: Shop) -> None:
    answer = await timed_shop.sign_in()
    body = found(answer)
    assert set(body) == {"access_token", "token_type", "refresh_token", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 15 * 60)
    assert answer.headers["cache-control"] == "no-store"
    assert len(body["refresh_token"]) == 43


async def test_a_refresh_gives_a_new_pair_of_tokens(timed_shop: Shop, clock: Clock) -> None:
    first = await session(timed_shop)
    clock.advance(hours=1)
    answer = await refreshed(timed_shop, first["refresh_token"])
    second = found(answer)
    assert set(second) == set(first)
    assert not set(first.values()) & {second["access_token"], second["refresh_token"]}
    assert answer.headers["cache-control"] == "no-store"
    assert await still_opens(timed_shop, second["access_token"])
    problem(await asked(timed_shop, first["access_token"]), 401, "token_expired")


async def test_a_refresh_leaves_the_access_tokens_before_it_good_until_they_end(
    timed_shop: Shop, clock: Clock
) -> None:
    first = await session(timed_shop)
    second = found(await refreshed(timed_shop, first["refresh_token"]))
    clock.advance(seconds=15 * 60 - 1)
    assert await still_opens(timed_shop, first["access_token"])
    assert await still_opens(timed_shop, second["access_token"])


async def test_a_refresh_whose_reply_got_lost_gives_the_same_successor_again(
    timed_shop: Shop, clock: Clock
) -> None:
    spent = (await session(timed_shop))["refresh_token"]
    answers = [found(await refreshed(timed_shop, spent))]
    for seconds in (1, REFRESH_GRACE_SECONDS - 1):
        clock.advance(seconds=seconds)
        answers.append(found(await refreshed(timed_shop, spent)))
    assert len({answer["refresh_token"] for answer in answers}) == 1
    for answer in answers:
        assert await still_opens(timed_shop, answer["access_token"])
    following = found(await refreshed(timed_shop, answers[0]["refresh_token"]))
    assert following["refresh_token"] not in {spent, answers[0]["refresh_token"]}


async def test_a_refresh_token_used_again_too_late_ends_the_whole_session(
    timed_shop: Shop, clock: Clock
) -> None:
    first = await session(timed_shop)
    second = found(await refreshed(timed_shop, first["refresh_token"]))
    assert await still_opens(timed_shop, second["access_token"])
    clock.advance(seconds=REFRESH_GRACE_SECONDS + 1)
    problem(await refreshed(timed_shop, first["refresh_token"]), 401, "token_revoked")
    await is_over(timed_shop, first, second)


async def test_a_refresh_token_used_again_after_its_successor_ends_the_whole_session(
    timed_shop: Shop,
) -> None:
    first = await session(timed_shop)
    second = found(await refreshed(timed_shop, first["refresh_token"]))
    third = found(await refreshed(timed_shop, second["refresh_token"]))
    problem(await refreshed(timed_shop, first["refresh_token"]), 401, "token_revoked")
    await is_over(timed_shop, first, second, third)


async def is_over(shop: Shop, *tokens: dict[str, str]) -> None:
    """No token of the session opens anything; it was noted down once, and other sessions go on."""
    for pair in tokens:
        problem(await asked(shop, pair["access_token"]), 401, "token_revoked")
        problem(await refreshed(shop, pair["refresh_token"]), 401, "token_revoked")
    (event,) = await events(shop, "user.session_revoked")
    assert (event["subject_id"], event["data"]["reason"]) == (1, "reuse")
    assert await still_opens(shop, (await session(shop))["access_token"])


async def test_two_refreshes_at_once_get_the_same_successor(timed_shop: Shop) -> None:
    spent = (await session(timed_shop))["refresh_token"]
    answers = await asyncio.gather(*(refreshed(timed_shop, spent) for _ in range(8)))
    assert len({found(answer)["refresh_token"] for answer in answers}) == 1


async def test_two_refreshes_at_once_in_two_processes_get_the_same_successor(
    timed_shop: Shop, clock: Clock
) -> None:
    async with open_shop(timed_shop.settings, clock) as other:
        for _ in range(5):
            spent = (await session(timed_shop))["refresh_token"]
            both = [refreshed(shop, spent) for shop in (timed_shop, other, timed_shop, other)]
            answers = [found(answer) for answer in await asyncio.gather(*both)]
            assert len({answer["refresh_token"] for answer in answers}) == 1
            for answer in answers:
                assert await still_opens(other, answer["access_token"])
    assert await events(timed_shop, "user.session_revoked") == []


async def test_a_session_left_alone_for_seven_days_is_over(timed_shop: Shop, clock: Clock) -> None:
    token = (await session(timed_shop))["refresh_token"]
    clock.advance(hours=7 * DAY_HOURS, seconds=-1)
    token = found(await refreshed(timed_shop, token))["refresh_token"]
    clock.advance(hours=7 * DAY_HOURS)
    problem(await refreshed(timed_shop, token), 401, "token_expired")


async def test_no_session_lives_longer_than_thirty_days(timed_shop: Shop, clock: Clock) -> None:
    token = (await session(timed_shop))["refresh_token"]
    for _ in range(5):
        clock.advance(hours=6 * DAY_HOURS, seconds=-1)
        token = found(await refreshed(timed_shop, token))["refresh_token"]
    clock.advance(seconds=5)
    problem(await refreshed(timed_shop, token), 401, "token_expired")


async def test_an_access_token_ends_with_the_thirty_days_of_its_session(
    timed_shop: Shop, clock: Clock
) -> None:
    last = await session(timed_shop)
    for _ in range(5):
        clock.advance(hours=6 * DAY_HOURS, seconds=-10)
        last = found(await refreshed(timed_shop, last["refresh_token"]))
    assert await still_opens(timed_shop, last["access_token"])
    clock.at = NOON + round(30 * DAY_HOURS * 3600e6)
    problem(await asked(timed_shop, last["access_token"]), 401, "token_expired")


async def test_signing_out_ends_the_session_at_once(timed_shop: Shop) -> None:
    gone, kept = await session(timed_shop), await session(timed_shop)
    assert await still_opens(timed_shop, gone["access_token"])
    answer = await signed_out(timed_shop, gone["refresh_token"])
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await asked(timed_shop, gone["access_token"]), 401, "token_revoked")
    problem(await refreshed(timed_shop, gone["refresh_token"]), 401, "token_revoked")
    assert await still_opens(timed_shop, kept["access_token"])


async def test_signing_out_again_or_with_an_unknown_token_is_no_error(timed_shop: Shop) -> None:
    token = (await session(timed_shop))["refresh_token"]
    for known in (token, token, *NO_TOKENS):
        assert (await signed_out(timed_shop, known)).status_code == 204, known
    assert len(await events(timed_shop, "user.signed_out")) == 1


async def test_a_spent_refresh_token_still_signs_its_session_out(timed_shop: Shop) -> None:
    first = await session(timed_shop)
    second = found(await refreshed(timed_shop, first["refresh_token"]))
    assert (await signed_out(timed_shop, first["refresh_token"])).status_code == 204
    problem(await asked(timed_shop, second["access_token"]), 401, "token_revoked")
    problem(await refreshed(timed_shop, second["refresh_token"]), 401, "token_revoked")


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: ascii(token[:12]))
async def test_what_is_no_refresh_token_refreshes_nothing(shared_shop: Shop, token: str) -> None:
    problem(await refreshed(shared_shop, token), 401, "not_authenticated")


async def test_an_access_token_refreshes_nothing(shared_shop: Shop) -> None:
    access = (await session(shared_shop))["access_token"]
    problem(await refreshed(shared_shop, access), 401, "not_authenticated")


@pytest.mark.parametrize("place", ["/auth/refresh", "/auth/logout"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"refresh_token": ""}',
        b'{"refresh_token": 1}',
        b'{"refresh_token": null}',
        b'{"refresh_token": ["x"]}',
        b'{"refresh_token": "x", "user_id": 1}',
        b'{"refresh_token": "%s"}' % (b"x" * 513),
        b'{"refresh_token": "\\ud800"}',
    ],
    ids=lambda body: ascii(body[:32]) if isinstance(body, bytes) else None,
)
async def test_a_body_without_a_token_in_it_is_not_valid(
    shared_shop: Shop, place: str, body: bytes
) -> None:
    answer = await shared_shop.client.post(place, content=body)
    problem(answer, 422, "validation_error")


async def test_sessions_that_are_long_over_are_forgotten_and_no_others(
    timed_shop: Shop, clock: Clock
) -> None:
    old = await session(timed_shop)
    clock.advance(hours=30 * DAY_HOURS, seconds=1)
    fresh = await session(timed_shop)
    for forgotten in (2, 0):
        sweep = actions.Sweep(clock(), SYSTEM)
        assert await done(timed_shop.settings, clock, actions.sweep, sweep) == forgotten
    problem(await refreshed(timed_shop, old["refresh_token"]), 401, "not_authenticated")
    assert await still_opens(timed_shop, fresh["access_token"])
