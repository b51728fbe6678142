"""What is true of every shelf, whatever is done to it and in whatever order."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from leafcraft.cause import Cause
from leafcraft.stock.rules import Demand, Kind, Level, Reservation, Shelf, Why, totals

BY = Cause("user:1")
PRODUCTS = (1, 2, 3)
LOCATIONS = (1, 2)
EXAMPLES = settings(max_examples=250, deadline=None, derandomize=True, database=None)

Key = tuple[int, int]
Balances = dict[Key, tuple[int, int]]
Steps = Sequence[tuple[str, object]]


@st.composite
def levels(draw: st.DrawFn) -> list[Level]:
    """Levels of some products at some locations, a part of each promised already."""
    places = [(product, location) for product in PRODUCTS for location in LOCATIONS]
    chosen = draw(st.lists(st.sampled_from(places), unique=True).map(sorted))
    return [_level(draw, place) for place in chosen]


def _level(draw: st.DrawFn, place: Key) -> Level:
    on_hand = draw(st.integers(0, 12))
    return Level(*place, on_hand, draw(st.integers(0, on_hand)), draw(st.integers(0, 5)))


lines = st.lists(
    st.tuples(st.sampled_from((*PRODUCTS, 9)), st.integers(1, 8)), min_size=1, max_size=5
)
demands = lines.map(lambda them: [Demand(n, *line) for n, line in enumerate(them, start=1)])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("order"), demands),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(
            st.just("receive"),
            st.tuples(st.sampled_from(PRODUCTS), st.sampled_from(LOCATIONS), st.integers(1, 9)),
        ),
    ),
    max_size=25,
)


def balances(found: Sequence[Level]) -> Balances:
    return {(one.product_id, one.location_id): (one.on_hand, one.reserved) for one in found}


class Day:
    """A day at a shelf: orders come, some go again, goods come in."""

    def __init__(self, opening: list[Level]) -> None:
        self.levels = opening
        self.shelf = Shelf(opening)
        self.opening = balances(opening)
        self.seqs = {(one.product_id, one.location_id): one.seq for one in opening}
        self.received: Counter[Key] = Counter()
        self.held: dict[int, list[Reservation]] = {}

    def live(self, plan: Steps) -> None:
        for number, (what, how) in enumerate(plan, start=1):
            getattr(self, what)(number, how)

    def order(self, number: int, wanted: list[Demand]) -> None:
        before = {product: self.shelf.available(product) for product in (*PRODUCTS, 9)}
        short = self.shelf.shortages(wanted)
        lacking = {p: n for p, n in totals(wanted).items() if n > before[p]}
        assert {s.product_id: (s.requested, s.available) for s in short} == {
            product: (count, before[product]) for product, count in lacking.items()
        }
        if short:
            return
        already = len(self.shelf.reserved)
        self.shelf.reserve(number, wanted, BY)
        self.held[number] = self.shelf.reserved[already:]
        for demand in wanted:
            parts = [one for one in self.held[number] if one.line_no == demand.line_no]
            assert sum(one.quantity for one in parts) == demand.quantity
            assert all(one.quantity > 0 for one in parts)
            assert {one.product_id for one in parts} == {demand.product_id}
        for product, count in before.items():
            assert self.shelf.available(product) == count - totals(wanted).get(product, 0)

    def cancel(self, _number: int, which: int) -> None:
        if self.held:
            order_id = sorted(self.held)[which % len(self.held)]
            self.shelf.release(self.held.pop(order_id), BY)

    def receive(self, _number: int, how: tuple[int, int, int]) -> None:
        product, location, quantity = how
        if (product, location) in self.opening:
            self.shelf.receive(product, location, quantity, why=Why(Kind.RECEIPT, BY))
            self.received[product, location] += quantity


@EXAMPLES
@given(levels(), steps)
def test_nothing_is_made_nothing_is_lost_and_nothing_is_promised_twice(
    opening: list[Level], plan: Steps
) -> None:
    day = Day(opening)
    day.live(plan)
    promised: Counter[Key] = Counter()
    for one in (one for held in day.held.values() for one in held):
        promised[one.product_id, one.location_id] += one.quantity
    assert balances(day.levels) == {
        key: (on_hand + day.received[key], reserved + promised[key])
        for key, (on_hand, reserved) in day.opening.items()
    }
    assert all(0 <= one.reserved <= one.on_hand for one in day.levels)


@EXAMPLES
@given(levels(), steps)
def test_the_movements_retell_every_balance_without_a_gap(
    opening: list[Level], plan: Steps
) -> None:
    day = Day(opening)
    day.live(plan)
    running, seqs = dict(day.opening), dict(day.seqs)
    for line in day.shelf.movements:
        key = (line.product_id, line.location_id)
        on_hand, reserved = running[key]
        running[key] = (on_hand + line.on_hand_delta, reserved + line.reserved_delta)
        seqs[key] += 1
        assert (line.seq, line.on_hand_after, line.reserved_after) == (seqs[key], *running[key])
    assert running == balances(day.levels)
    moved = {(line.product_id, line.location_id) for line in day.shelf.movements}
    assert {(one.product_id, one.location_id) for one in day.shelf.changed} == moved


@EXAMPLES
@given(levels(), st.lists(demands, max_size=6))
def test_cancelling_everything_leaves_the_shelf_as_it_was(
    opening: list[Level], orders: list[list[Demand]]
) -> None:
    day = Day(opening)
    for number, wanted in enumerate(orders, start=1):
        day.order(number, wanted)
    while day.held:
        day.cancel(0, 0)
    assert balances(day.levels) == day.opening
    assert sorted(day.shelf.released) == sorted(day.shelf.reserved)


@EXAMPLES
@given(levels(), lines)
def test_an_order_of_many_lines_fits_exactly_when_its_sums_fit(
    opening: list[Level], wanted: list[tuple[int, int]]
) -> None:
    split = [Demand(n, *line) for n, line in enumerate(wanted, start=1)]
    summed = [Demand(n, *line) for n, line in enumerate(totals(split).items(), start=1)]
    shelf = Shelf(opening)
    assert shelf.shortages(split) == shelf.shortages(summed)
