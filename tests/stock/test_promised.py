"""What is promised to orders, over made-up sequences: on the shelf and line by line it is always the same."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcraft.cause import Cause
from leafcraft.stock.promised import Promised
from leafcraft.stock.rules import Demand, Kind, Portion, ReservationState, Strategy
from leafcraft.stock.shelf import Level, Shelf
from leafcraft.times import NEVER
from tests.orders.test_rules import EXAMPLES

BY = Cause("user:1", "request", "")
PLACES = (1, 2, 3)
LINES = ((7, 1), (7, 2), (8, 1))
"""Two orders of one product, one of them with two lines."""

steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "release", "send", "send from", "undo"]),
        st.sampled_from(LINES),
        st.integers(1, 4),
        st.sampled_from(PLACES),
    ),
    max_size=25,
)


class Bench:
    """A shelf of one product at three places, and how many units of each line were sent."""

    def __init__(self, stock: tuple[int, int, int]) -> None:
        levels = [
            Level(1, place, n, 0, 0, 0, NEVER) for place, n in zip(PLACES, stock, strict=True)
        ]
        self.shelf = Shelf(levels, 1, {1: 5, 2: 5, 3: 0})
        self.promised = Promised(self.shelf, {})
        self.open: Counter[tuple[int, int]] = Counter()
        self.sent: list[tuple[int, list[Portion]]] = []
        self.active: dict[tuple[int, ...], int] = {}

    def do(self, verb: str, line: tuple[int, int], units: int, place: int) -> None:
        order, line_no = line
        counted = {line_no: units}
        if verb == "reserve" and units <= self.shelf.available(1):
            demand = [Demand(line_no, 1, units)]
            self.promised.reserve(order, demand, BY, strategy=Strategy.PRIORITY)
            self.open[line] += units
        elif verb == "undo" and self.sent:
            order, portions = self.sent.pop()
            self.promised.take_back(order, portions, BY, reason="undone")
            for one in portions:
                self.open[order, one.line_no] += one.quantity
        elif verb in {"release", "send", "send from"} and units <= self.open[line]:
            self._take(verb, order, counted, place)

    def _take(self, verb: str, order: int, counted: dict[int, int], place: int) -> None:
        ((line_no, units),) = counted.items()
        if verb == "release":
            self.promised.release(order, counted, BY)
        else:
            named = place if verb == "send from" else None
            if named is not None and self.promised.missing_at(order, counted, named):
                return
            portions = self.promised.fulfill(order, counted, BY, location_id=named)
            assert sum(one.quantity for one in portions) == units
            assert named is None or {one.location_id for one in portions} == {named}
            self.sent.append((order, portions))
        self.open[order, line_no] -= units

    @property
    def written(self) -> Counter[tuple[int, int]]:
        """Units by line, of what has to be written down as active."""
        found: Counter[tuple[int, int]] = Counter()
        for one, state in self.promised.changed:
            if state is ReservationState.ACTIVE:
                found[one.order_id, one.line_no] += one.quantity
        return found


def run(stock: tuple[int, int, int], asked: list[Any]) -> Bench:
    bench = Bench(stock)
    for step in asked:
        bench.do(*step)
    return bench


stocks = st.tuples(*3 * [st.integers(0, 6)])


@EXAMPLES
@given(stocks, steps)
def test_what_is_reserved_on_the_shelf_is_what_is_promised_line_by_line(
    stock: tuple[int, int, int], asked: list[Any]
) -> None:
    bench = run(stock, asked)
    assert +bench.written == +bench.open
    at: Counter[int] = Counter()
    for one, state in bench.promised.changed:
        if state is ReservationState.ACTIVE:
            at[one.location_id] += one.quantity
    assert {level.location_id: level.reserved for level in bench.shelf.levels} == {
        place: at[place] for place in PLACES
    }


@EXAMPLES
@given(stocks, steps)
def test_every_unit_is_on_hand_or_sent_and_the_movements_say_so(
    stock: tuple[int, int, int], asked: list[Any]
) -> None:
    bench = run(stock, asked)
    gone = sum(one.quantity for _, portions in bench.sent for one in portions)
    assert sum(level.on_hand for level in bench.shelf.levels) == sum(stock) - gone
    for level, first in zip(bench.shelf.levels, stock, strict=True):
        moved = [one for one in bench.shelf.movements if one.location_id == level.location_id]
        assert sum(one.on_hand_delta for one in moved) == level.on_hand - first
        assert sum(one.reserved_delta for one in moved) == level.reserved
        for one in moved:
            assert (one.on_hand_delta == 0) == (one.kind in {Kind.RESERVE, Kind.RELEASE})


@EXAMPLES
@given(stocks, steps)
def test_what_has_ended_is_written_down_as_it_ended_once(
    stock: tuple[int, int, int], asked: list[Any]
) -> None:
    changed = run(stock, asked).promised.changed
    places = [one[:3] for one, _ in changed]
    assert places == sorted(set(places))
    assert all(one.quantity > 0 for one, _ in changed)


@EXAMPLES
@given(stocks, st.integers(1, 9), st.sampled_from(PLACES))
def test_a_location_lacks_only_what_it_has_neither_promised_nor_free(
    stock: tuple[int, int, int], units: int, place: int
) -> None:
    """Whoever else has been promised something."""
    bench = run(stock, [("reserve", (8, 1), 2, 1)])
    if units > bench.shelf.available(1):
        return
    bench.do("reserve", (7, 1), units, 1)
    level = bench.shelf.at(1, place)
    assert level is not None
    mine = sum(
        one.quantity
        for one, _ in bench.promised.changed
        if (one.order_id, one.location_id) == (7, place)
    )
    missing = bench.promised.missing_at(7, {1: units}, place)
    assert bool(missing) == (level.available + mine < units)


@pytest.mark.parametrize(
    ("verb", "ended"),
    [("send", ReservationState.CONSUMED), ("release", ReservationState.RELEASED)],
)
def test_what_was_sent_is_consumed_and_what_was_given_back_is_released(
    verb: str, ended: ReservationState
) -> None:
    bench = run((4, 0, 0), [("reserve", (7, 1), 3, 1), (verb, (7, 1), 1, 1)])
    assert [(one.quantity, state) for one, state in bench.promised.changed] == [
        (2, ReservationState.ACTIVE)
    ]
    bench.do(verb, (7, 1), 2, 1)
    assert [state for _, state in bench.promised.changed] == [ended]
