"""How much may be asked: by somebody known, and from an address that has proven nothing."""

import pytest

from leafcraft.errors import Refusal
from leafcraft.web import limits
from leafcraft.web.limits import STRANGER_PER_SECOND, Buckets
from tests.access.visits import asked, hire, session, signed_out
from tests.builders import another, found, open_shop, problem, signed_in
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


class Seconds:
    """A clock of seconds whose hands a test moves."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


def taken(buckets: Buckets, name: str, times: int) -> int:
    """How many of so many requests are let through."""
    through = 0
    for _ in range(times):
        try:
            buckets.take(name)
        except Refusal:
            continue
        through += 1
    return through


# ── the buckets ──────────────────────────────────────────────────────────────


def test_a_bucket_holds_ten_seconds_worth_and_fills_again_as_time_goes_by() -> None:
    seconds = Seconds()
    buckets = Buckets(5, seconds)
    assert taken(buckets, "a", 100) == 50
    seconds.at += 2
    assert taken(buckets, "a", 100) == 10
    seconds.at += 3600
    assert taken(buckets, "a", 100) == 50


def test_everybody_has_a_bucket_of_their_own() -> None:
    buckets = Buckets(1, Seconds())
    assert [taken(buckets, name, 20) for name in ("a", "b", "a")] == [10, 10, 0]


def test_whoever_asks_at_the_permitted_pace_is_never_refused() -> None:
    seconds = Seconds()
    buckets = Buckets(4, seconds)
    for _ in range(1000):
        buckets.take("a")
        seconds.at += 0.25


def test_asking_while_refused_costs_nothing_and_the_wait_that_was_told_is_enough() -> None:
    seconds = Seconds()
    buckets = Buckets(2, seconds)
    assert taken(buckets, "a", 100) == 20
    with pytest.raises(Refusal) as refused:
        buckets.take("a")
    seconds.at += refused.value.members["retry_after"]
    buckets.take("a")


def test_a_clock_that_stands_still_gives_nothing_away() -> None:
    buckets = Buckets(3, Seconds())
    assert taken(buckets, "a", 1000) == 30


def test_the_memory_of_buckets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 10)
    seconds = Seconds()
    buckets = Buckets(1, seconds)
    for number in range(1000):
        seconds.at += 0.01
        buckets.take(f"address {number}")
        assert len(buckets._buckets) <= 10


# ── through the service ──────────────────────────────────────────────────────


@ON_SQLITE
async def test_a_caller_who_asks_too_much_is_told_when_to_come_back_and_no_other_suffers(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings(rate_limit="on", rate_per_second=1)) as shop:
        await hire(shop, "kim@example.com")
        kim = (await session(shop, "kim@example.com"))["access_token"]
        answers = [await asked(shop, kim) for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
        problem(answers[-1], 429, "rate_limited")
        assert answers[-1].headers["retry-after"] == "1"
        again = await session(shop, "kim@example.com")
        problem(await asked(shop, again["access_token"]), 429, "rate_limited")
        found(await shop.get("/auth/me"))


@ON_SQLITE
async def test_an_address_that_proves_nothing_is_refused_after_a_while(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings(rate_limit="on")) as shop:
        full = STRANGER_PER_SECOND * limits.BURST_SECONDS
        found(await shop.get("/auth/me"))
        async with another(shop) as stranger:
            headers = [signed_in(f"x.y.{number}") for number in range(2 * full)]
            answers = [await stranger.get("/products/", headers=one) for one in headers]
        refused = [answer for answer in answers if answer.status_code != 401]
        assert full // 2 < len(refused) <= full
        for answer in refused:
            problem(answer, 429, "rate_limited")
            assert answer.headers["retry-after"] == "1"
        found(await shop.get("/auth/me"))  # who is known already goes on


@ON_SQLITE
async def test_forms_of_strangers_are_counted_before_they_are_read(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings(rate_limit="on")) as shop, another(shop) as stranger:
        form = {
            "content": b"\xff",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        }
        statuses = []
        for _ in range(STRANGER_PER_SECOND * limits.BURST_SECONDS * 2):
            statuses.append((await stranger.post("/console/orders/new", **form)).status_code)
            if statuses[-1] == 429:
                break
        assert set(statuses) == {422, 429}


@ON_SQLITE
async def test_people_who_have_signed_in_are_no_strangers_because_somebody_signs_out(
    make_settings: MakeSettings,
) -> None:
    """Many people may share one network address. When access changes, all tokens are checked anew:
    that is the service's own business, and must not use up what strangers may ask."""
    async with open_shop(make_settings(rate_limit="on")) as shop:
        people = [await session(shop) for _ in range(40)]
        for _ in range(15):
            await signed_out(shop, people.pop()["refresh_token"])
            for one in people:
                found(await asked(shop, one["access_token"], "/auth/me"))


@ON_SQLITE
async def test_nothing_is_limited_where_the_limits_are_off(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings(rate_limit="off", rate_per_second=1)) as shop:
        for _ in range(40):
            found(await shop.get("/auth/me"))
        async with another(shop) as stranger:
            for number in range(STRANGER_PER_SECOND * limits.BURST_SECONDS + 20):
                answer = await stranger.get("/products/", headers=signed_in(str(number)))
                problem(answer, 401, "not_authenticated")
