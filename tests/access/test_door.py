"""The door: whoever keeps failing to sign in has to wait, and nobody can be locked out by others."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from leafcraft.access import actions, door, store
from leafcraft.access.actions import CountFailure
from leafcraft.access.door import Door
from leafcraft.app import compose, opened
from leafcraft.cause import Cause
from tests.access.visits import hire
from tests.builders import ADDRESS, ADMIN_EMAIL, PASSWORD, Clock, Shop, found, open_shop, problem
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

GUESSER = "192.0.2.66"
HOME = "198.51.100.1"
FREE = 5
FREE_FOR_AN_ADDRESS = 50
OWNERS_TRIES_MAX = 300
DRAW_SECONDS, HOLD_SECONDS = door.DRAW_SECONDS, door.HOLD_SECONDS


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twentieth of the real ones; what is decided in them is the same."""
    monkeypatch.setattr(door, "DRAW_SECONDS", DRAW_SECONDS / 20)
    monkeypatch.setattr(door, "HOLD_SECONDS", HOLD_SECONDS / 20)


@pytest.fixture
def real_waits(_short_waits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where those who are drawn are counted: a crowd that comes slowly would meet many short draws."""
    monkeypatch.setattr(door, "DRAW_SECONDS", DRAW_SECONDS)
    monkeypatch.setattr(door, "HOLD_SECONDS", HOLD_SECONDS)


@pytest.fixture
async def guarded(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Shop]:
    """A shop with its limits on."""
    async with open_shop(make_settings(rate_limit="on"), clock) as shop:
        yield shop


@asynccontextmanager
async def visitor(shop: Shop, address: str) -> AsyncIterator[Shop]:
    """Somebody who is not signed in, at a network address."""
    transport = ASGITransport(shop.app, client=(address, 1234))
    async with AsyncClient(transport=transport, base_url=ADDRESS) as client:
        yield Shop(shop.app, client, shop.settings)


async def guesses(
    shop: Shop, times: int, *, email: str = ADMIN_EMAIL, address: str = GUESSER
) -> list[Response]:
    """So many wrong passwords, one after the other."""
    async with visitor(shop, address) as guesser:
        return [await guesser.sign_in(email, f"wrong password {n}") for n in range(times)]


async def crowd(shop: Shop, times: int, *, email: str = ADMIN_EMAIL) -> list[Response]:
    """So many wrong passwords from one address, all at once."""
    async with visitor(shop, GUESSER) as guesser:
        attempts = (guesser.sign_in(email, f"wrong password {n}") for n in range(times))
        return list(await asyncio.gather(*attempts))


async def right(shop: Shop, address: str, email: str = ADMIN_EMAIL) -> Response:
    async with visitor(shop, address) as owner:
        return await owner.sign_in(email, PASSWORD)


async def counted(shop: Shop, email: str = ADMIN_EMAIL, address: str = GUESSER) -> list[int]:
    """The failures that are remembered: of the pair, and of the address."""
    parts = compose(shop.settings)
    digests = Door(parts.master.derive("knocks"), int, open_wide=False).counted_under(
        email, address
    )
    async with opened(parts.runtime):
        known = await parts.runtime.database.read(lambda reader: store.knocks(reader, digests))
    return [known.get(digest, store.NEVER).failures for digest in digests]


async def fail(shop: Shop, clock: Clock, times: int, *, email: str = ADMIN_EMAIL) -> None:
    """As many failures as if somebody had waited after each."""
    parts = compose(shop.settings, clock)
    digests = Door(parts.master.derive("knocks"), clock, open_wide=False).counted_under(
        email, GUESSER
    )
    failure = CountFailure(1, email, digests, Cause("anonymous", "", GUESSER))
    async with opened(parts.runtime):
        perform = parts.runtime.writer.perform
        await asyncio.gather(*(perform(actions.count_failure, failure) for _ in range(times)))


def told_to_wait(answers: list[Response]) -> list[int]:
    """The waits that the refused ones were told; all others were looked at, and were wrong."""
    waits = []
    for answer in answers:
        if answer.status_code == 429:
            assert problem(answer, 429, "rate_limited")
            waits.append(int(answer.headers["retry-after"]))
        else:
            problem(answer, 401, "invalid_credentials")
    return waits


# ── waiting ──────────────────────────────────────────────────────────────────


async def test_five_failures_are_free_and_then_a_guesser_is_told_to_wait(guarded: Shop) -> None:
    assert told_to_wait(await guesses(guarded, FREE)) == []
    assert told_to_wait(await guesses(guarded, 4)) == [1] * 4


@pytest.mark.usefixtures("real_waits")
async def test_whoever_comes_at_once_is_told_to_wait_too(guarded: Shop) -> None:
    await guesses(guarded, FREE)
    waits = told_to_wait(await crowd(guarded, 30))
    assert len(waits) >= 27  # one or two, picked by lot, are looked at all the same
    assert min(waits) >= 1


async def test_the_wait_doubles_with_each_failure_and_ends_at_a_minute(
    guarded: Shop, clock: Clock
) -> None:
    await fail(guarded, clock, FREE)
    for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
        found(await right(guarded, HOME))
        waits = told_to_wait(await held(guarded))
        assert set(waits) == {seconds}
        clock.advance(seconds=seconds)
        await fail(guarded, clock, 1)


async def held(shop: Shop) -> list[Response]:
    """What refused attempts hear; none of these is looked at, because the lot is never drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "DRAW_SECONDS", 3600)
        patch.setattr(door, "HOLD_SECONDS", 0.01)
        return await crowd(shop, 3)


async def test_who_has_waited_as_told_is_looked_at(guarded: Shop, clock: Clock) -> None:
    await fail(guarded, clock, 10)
    (wait,) = set(told_to_wait(await held(guarded)))
    clock.advance(seconds=wait)
    found(await right(guarded, GUESSER))


async def test_nothing_is_counted_while_attempts_are_refused(guarded: Shop, clock: Clock) -> None:
    await fail(guarded, clock, FREE)
    assert len(told_to_wait(await held(guarded))) == 3
    assert await counted(guarded) == [FREE, FREE]


async def test_a_success_forgets_the_failures_of_the_pair_but_not_those_of_the_address(
    guarded: Shop,
) -> None:
    await guesses(guarded, FREE - 1)
    found(await right(guarded, GUESSER))
    assert await counted(guarded) == [0, FREE - 1]
    assert told_to_wait(await guesses(guarded, FREE - 1)) == []


async def test_failures_are_forgiven_as_time_goes_by(guarded: Shop, clock: Clock) -> None:
    await fail(guarded, clock, 20)
    clock.advance(hours=4)
    assert told_to_wait(await guesses(guarded, FREE)) == []
    assert await counted(guarded) == [FREE, FREE]


# ── whom it concerns ─────────────────────────────────────────────────────────


async def test_other_accounts_and_other_addresses_are_not_concerned(
    guarded: Shop, clock: Clock
) -> None:
    await hire(guarded, "kim@example.com")
    await fail(guarded, clock, 40)
    found(await right(guarded, HOME))
    found(await right(guarded, GUESSER, "kim@example.com"))
    assert told_to_wait(await guesses(guarded, FREE, email="lee@example.com")) == []


async def test_an_address_that_fails_with_many_accounts_waits_with_all_of_them(
    guarded: Shop, clock: Clock
) -> None:
    for number in range(10):
        await fail(guarded, clock, FREE, email=f"user{number}@example.com")
    assert await counted(guarded) == [0, FREE_FOR_AN_ADDRESS]
    waits = told_to_wait(await held(guarded))
    assert set(waits) == {1}
    found(await right(guarded, HOME))


async def test_who_has_a_network_of_addresses_counts_as_one(guarded: Shop) -> None:
    for number in range(FREE):
        await guesses(guarded, 1, address=f"2001:db8:0:7::{number:x}")
    assert await counted(guarded, address="2001:db8:0:7:ffff::1") == [FREE, FREE]
    assert await counted(guarded, address="2001:db8:0:8::1") == [0, 0]
    await guesses(guarded, 2, address="::ffff:192.0.2.9")
    assert await counted(guarded, address="192.0.2.9") == [2, 2]


@pytest.mark.usefixtures("real_waits")
async def test_accounts_that_do_not_exist_are_counted_like_those_that_do(guarded: Shop) -> None:
    await guesses(guarded, FREE, email="nobody@example.com")
    assert await counted(guarded, "nobody@example.com") == [FREE, FREE]
    assert len(told_to_wait(await crowd(guarded, 10, email="Nobody@Example.com "))) >= 5


async def test_a_wrong_current_password_counts_like_a_failed_sign_in(guarded: Shop) -> None:
    body = {"current_password": "wrong password", "new_password": "seven grey herons in rain"}
    async with visitor(guarded, GUESSER) as thief:
        headers = {"authorization": guarded.client.headers["authorization"]}
        for _ in range(3):
            answer = await thief.post("/auth/password", body, headers=headers)
            problem(answer, 401, "invalid_credentials")
    assert await counted(guarded) == [3, 3]


@pytest.mark.usefixtures("real_waits")
async def test_failures_are_remembered_when_the_service_starts_again(
    make_settings: MakeSettings, clock: Clock
) -> None:
    settings = make_settings(rate_limit="on")
    async with open_shop(settings, clock) as shop:
        await guesses(shop, FREE)
    async with open_shop(settings, clock) as shop:
        assert len(told_to_wait(await crowd(shop, 20))) >= 15


async def test_failures_count_in_every_process(make_settings: MakeSettings, clock: Clock) -> None:
    settings = make_settings(rate_limit="on")
    async with open_shop(settings, clock) as one, open_shop(settings, clock) as two:
        await asyncio.gather(guesses(one, 3), guesses(two, 2))
        assert await counted(one) == [FREE, FREE]
        for shop in (one, two):
            assert len(told_to_wait(await held(shop))) == 3


async def test_nobody_waits_where_the_limits_are_off(
    make_settings: MakeSettings, clock: Clock
) -> None:
    async with open_shop(make_settings(rate_limit="off"), clock) as shop:
        assert told_to_wait(await guesses(shop, 20)) == []
        found(await right(shop, GUESSER))


# ── the owner ────────────────────────────────────────────────────────────────


async def test_the_owner_gets_in_while_others_guess_without_end(
    make_settings: MakeSettings,
) -> None:
    """At once from another address, and after some tries from the very same one."""
    async with open_shop(make_settings(rate_limit="on")) as shop:
        over = asyncio.Event()
        flood = [asyncio.create_task(_guess_until(over, shop, number)) for number in range(10)]
        try:
            await asyncio.sleep(1)
            found(await right(shop, HOME))
            tries = [await right(shop, GUESSER)]
            while tries[-1].status_code != 200 and len(tries) < OWNERS_TRIES_MAX:
                await asyncio.sleep(0.02)
                tries.append(await right(shop, GUESSER))
            found(tries[-1])
        finally:
            over.set()
            await asyncio.gather(*flood)


async def _guess_until(over: asyncio.Event, shop: Shop, number: int) -> None:
    async with visitor(shop, GUESSER) as guesser:
        for guess in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
            answer = await guesser.sign_in(ADMIN_EMAIL, f"wrong password {number} {guess}")
            assert answer.status_code in {401, 429}
