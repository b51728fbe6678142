"""The life of an order and what it comes to."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafcraft.errors import Code, Refusal
from leafcraft.money import AMOUNT_MINOR_MAX
from leafcraft.orders import rules
from leafcraft.orders.rules import Line, Order, Status, Verb
from leafcraft.stock.rules import Demand

EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None)
NOW = 1_767_268_800_000_000

lines = st.lists(
    st.builds(Line, st.just(1), st.integers(1, 9), st.integers(1, 10**9), st.integers(0, 10**8)),
    max_size=20,
)


def order(status: Status, version: int = 1) -> Order:
    return Order(7, status, 250, "USD", version, 1, 1, None, None, lines=(Line(1, 1, 2, 125),))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.PENDING, None),
        (Status.CONFIRMED, Code.ORDER_NOT_PENDING),
        (Status.FULFILLED, Code.ORDER_NOT_PENDING),
        (Status.CANCELLED, Code.ORDER_NOT_PENDING),
        (Status.EXPIRED, Code.ORDER_EXPIRED),
    ],
)
def test_only_a_pending_order_can_be_confirmed(status: Status, code: Code | None) -> None:
    refusal = rules.refuse(Verb.CONFIRM, order(status))
    assert (refusal and refusal.code) == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.PENDING, None),
        (Status.CONFIRMED, None),
        (Status.FULFILLED, Code.ORDER_NOT_CANCELLABLE),
        (Status.CANCELLED, Code.ORDER_ALREADY_CANCELLED),
        (Status.EXPIRED, Code.ORDER_EXPIRED),
    ],
)
def test_a_pending_or_a_confirmed_order_can_be_cancelled_once(
    status: Status, code: Code | None
) -> None:
    refusal = rules.refuse(Verb.CANCEL, order(status))
    assert (refusal and refusal.code) == code


@pytest.mark.parametrize("status", list(Status))
def test_every_refusal_names_the_order(status: Status) -> None:
    for verb in Verb:
        refusal = rules.refuse(verb, order(status))
        if refusal is not None:
            assert "7" in refusal.detail
            assert refusal.members["order_id"] == 7


@pytest.mark.parametrize(
    ("move", "status", "stamp"),
    [
        (rules.confirmed, Status.CONFIRMED, "confirmed_at"),
        (rules.cancelled, Status.CANCELLED, "cancelled_at"),
    ],
)
def test_a_step_stamps_the_order_and_leaves_the_rest_of_it_alone(
    move: Callable[[Order, int], Order], status: Status, stamp: str
) -> None:
    before = order(Status.PENDING, version=4)
    changed = {"status": status, "version": 5, "updated_at": NOW, stamp: NOW}
    after = move(before, NOW)
    assert after._replace(lines=before.lines)._asdict() == {**before._asdict(), **changed}
    assert [line.open for line in after.lines] == [0 if status is Status.CANCELLED else 2]


def test_a_hold_moves_its_end_and_an_expiry_keeps_it() -> None:
    held = rules.held(order(Status.PENDING, version=4), NOW + 9, NOW)
    assert (held.status, held.version, held.updated_at) == (Status.PENDING, 5, NOW)
    expired = rules.expired(held, NOW + 10)
    changed = {"status": Status.EXPIRED, "version": 6, "updated_at": NOW + 10}
    assert expired._asdict() == {**held._asdict(), **changed}
    assert expired.expires_at == NOW + 9


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("end", [None, NOW - 1, NOW, NOW + 1])
def test_only_a_pending_order_is_seen_as_expired_from_the_end_of_its_hold_on(
    status: Status, end: int | None
) -> None:
    held = order(status)._replace(expires_at=end)
    over = status is Status.PENDING and end is not None and end <= NOW
    ended = held._replace(status=Status.EXPIRED, version=held.version + 1)
    assert rules.seen(held, NOW) == (ended if over else held)
    assert held.holds == (status is Status.PENDING and end is not None)


def test_an_order_demands_each_of_its_lines() -> None:
    two = order(Status.PENDING)._replace(
        lines=(Line(1, 1, 2, 125), Line(2, 1, 3, 125), Line(3, 4, 1, 5))
    )
    assert two.demands == [Demand(1, 1, 2), Demand(2, 1, 3), Demand(3, 4, 1)]


@EXAMPLES
@given(lines)
def test_a_total_is_the_exact_sum_of_its_lines_or_refused(chosen: list[Line]) -> None:
    exact = 0
    for line in chosen:
        exact += line.quantity * line.unit_price_minor
    total = rules.total(chosen)
    if exact > AMOUNT_MINOR_MAX:
        assert isinstance(total, Refusal)
        assert total.code is Code.VALIDATION_ERROR
    else:
        assert total == exact


@EXAMPLES
@given(lines, st.randoms(use_true_random=False))
def test_a_total_does_not_depend_on_the_order_of_the_lines(
    chosen: list[Line], random: Random
) -> None:
    mixed = list(chosen)
    random.shuffle(mixed)
    first, second = rules.total(chosen), rules.total(mixed)
    assert isinstance(first, Refusal) == isinstance(second, Refusal)
    assert isinstance(first, Refusal) or first == second


@pytest.mark.parametrize("beyond", [False, True])
def test_a_total_is_refused_just_beyond_the_largest_exact_amount(beyond: bool) -> None:
    total = rules.total([Line(1, 1, 1, AMOUNT_MINOR_MAX), *([Line(2, 2, 1, 1)] if beyond else [])])
    assert isinstance(total, Refusal) == beyond
