"""The rules of access, as plain functions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from leafcraft.access import opaque, rules
from leafcraft.access.rules import session_ends, unforgiven, wait_until
from leafcraft.times import MICROS_PER_DAY, MICROS_PER_SECOND
from tests.builders import NOON

FAILURES = st.integers(0, 10**9)
FREE = st.integers(1, 100)
MOMENTS = st.integers(0, 2**62)


def waits(failures: int, free: int = rules.PAIR_FREE_FAILURES) -> int:
    """The seconds from the last failure on."""
    return (wait_until(failures, NOON, free) - NOON) // MICROS_PER_SECOND


def test_each_failure_beyond_the_free_ones_doubles_the_wait_up_to_a_minute() -> None:
    assert [waits(failures) for failures in range(5, 13)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(FAILURES, MOMENTS, FREE)
def test_nobody_waits_before_the_free_failures_are_used_up_and_never_more_than_a_minute(
    failures: int, last_at: int, free: int
) -> None:
    until = wait_until(failures, last_at, free)
    if failures < free:
        assert until == 0
    else:
        assert last_at < until <= last_at + 60 * MICROS_PER_SECOND


@given(FAILURES, MOMENTS, FREE)
def test_one_more_failure_never_shortens_the_wait(failures: int, last_at: int, free: int) -> None:
    assert wait_until(failures + 1, last_at, free) >= wait_until(failures, last_at, free)


def test_a_failure_is_forgiven_every_ten_minutes() -> None:
    ten = 10 * 60 * MICROS_PER_SECOND
    for passed, left in ((0, 7), (ten - 1, 7), (ten, 6), (6 * ten, 1), (7 * ten, 0), (10**15, 0)):
        assert unforgiven(7, NOON, NOON + passed) == left


@given(FAILURES, MOMENTS, MOMENTS)
def test_forgiving_never_adds_a_failure_whatever_the_clock_says(
    failures: int, last_at: int, now: int
) -> None:
    assert 0 <= unforgiven(failures, last_at, now) <= failures


def test_a_session_ends_after_thirty_days_or_seven_of_silence() -> None:
    month, week = 30 * MICROS_PER_DAY, 7 * MICROS_PER_DAY
    assert session_ends(NOON, NOON) == NOON + week
    assert session_ends(NOON, NOON + week - 1) == NOON + 2 * week - 1
    assert session_ends(NOON, NOON + month - 1) == NOON + month


@given(MOMENTS, st.integers(0, 2**50), st.integers(0, 2**50))
def test_using_a_session_never_shortens_it_and_never_stretches_it_beyond_its_days(
    started_at: int, used: int, later: int
) -> None:
    before, after = (session_ends(started_at, started_at + n) for n in (used, used + later))
    assert before <= after <= started_at + 30 * MICROS_PER_DAY


# ── secrets that only their digest is kept of ────────────────────────────────


def test_an_api_key_is_known_by_its_looks_and_nothing_like_it_is() -> None:
    key = opaque.api_key()
    assert opaque.is_api_key(key)
    assert len(key) == 59
    for place in range(len(opaque.API_KEY_PREFIX), len(key)):
        other = "x" if key[place] != "x" else "y"
        assert not opaque.is_api_key(f"{key[:place]}{other}{key[place + 1 :]}")
        assert not opaque.is_api_key(f"{key[:place]}{key[place + 1 :]}")
    for near in (f" {key}", f"{key} ", f"{key}\n", key.upper(), key.lower(), key[1:], key + "0"):
        assert not opaque.is_api_key(near)


@settings(max_examples=50)
@given(st.text(max_size=80))
def test_no_text_that_somebody_makes_up_is_an_api_key(text: str) -> None:
    assert not opaque.is_api_key(text)
    assert not opaque.is_api_key(opaque.API_KEY_PREFIX + text)


def test_a_successor_is_always_the_same_and_hangs_on_the_services_own_key() -> None:
    token = opaque.refresh_token()
    following = opaque.successor(token, b"k")
    assert following == opaque.successor(token, b"k")
    assert len(following) == len(token) == 43
    assert len({token, following, opaque.successor(token, b"l"), opaque.refresh_token()}) == 4
