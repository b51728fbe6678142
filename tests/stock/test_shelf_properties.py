"""What is true of every shelf, whatever is done to it and in whatever order."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from leafcraft.cause import Cause
from leafcraft.stock.rules import Demand, Kind, Reorder, Reservation, Strategy, Why, totals
from leafcraft.stock.shelf import Level, Shelf, Watched
from leafcraft.times import NEVER

BY = Cause("user:1")
PRODUCTS = (1, 2, 3)
LOCATIONS = (1, 2, 3)
RECEIPT = Why(Kind.RECEIPT, BY)
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
    reserved, seq, moved_at = (draw(st.integers(0, top)) for top in (on_hand, 5, 60))
    return Level(*place, on_hand, reserved, seq, moved_at, NEVER)


lines = st.lists(
    st.tuples(st.sampled_from((*PRODUCTS, 9)), st.integers(1, 8)), min_size=1, max_size=5
)
demands = lines.map(lambda them: [Demand(n, *line) for n, line in enumerate(them, start=1)])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("order"), demands),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("expire"), st.integers(0, 30)),
        st.tuples(
            st.just("move"),
            st.tuples(st.sampled_from(PRODUCTS), st.sampled_from(LOCATIONS), st.integers(-5, 9)),
        ),
    ),
    max_size=25,
)


def balances(found: Sequence[Level]) -> Balances:
    return {(one.product_id, one.location_id): (one.on_hand, one.reserved) for one in found}


class Day:
    """A day at a shelf: orders come, some go again, some holds end, goods come and go."""

    def __init__(self, opening: list[Level], *, now: int = 30) -> None:
        self.now = now
        self.points = {1: Reorder(4), 2: Reorder(0), 3: Reorder(9)}
        self.shelf = Shelf(opening, now, {1: 5, 2: 9, 3: 5})
        self.watched = {p: Watched(r, self.low(p)) for p, r in self.points.items()}
        self.shelf = Shelf(opening, now, {1: 5, 2: 9, 3: 5}, self.watched)
        self.opening = balances(opening)
        self.seqs = {(one.product_id, one.location_id): one.seq for one in opening}
        self.moments = {(one.product_id, one.location_id): one.moved_at for one in opening}
        self.received: Counter[Key] = Counter()
        self.held: dict[int, list[Reservation]] = {}

    @property
    def levels(self) -> list[Level]:
        return self.shelf.levels

    def low(self, product: int) -> bool:
        return self.shelf.available(product) <= (self.points[product].point or 0)

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
        strategy = list(Strategy)[number % 3]
        until = self.now - number if number % 2 else NEVER
        self.held[number] = self.shelf.reserve(number, wanted, BY, strategy=strategy, until=until)
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

    def expire(self, _number: int, which: int) -> None:
        ended = [n for n, found in self.held.items() if found[0].expires_at <= self.now]
        if ended:
            self.shelf.expire(self.held.pop(ended[which % len(ended)]))

    def move(self, _number: int, how: tuple[int, int, int]) -> None:
        product, location, quantity = how
        level = self.shelf.place(product, location)
        possible = max(quantity, -level.available)
        self.shelf.move(level, RECEIPT, on_hand=possible)
        self.received[product, location] += possible


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
    expected: Balances = {}
    for key in {*day.opening, *day.received}:
        on_hand, reserved = day.opening.get(key, (0, 0))
        expected[key] = (on_hand + day.received[key], reserved + promised[key])
    assert balances(day.levels) == expected
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
        on_hand, reserved = running.get(key, (0, 0))
        running[key] = (on_hand + line.on_hand_delta, reserved + line.reserved_delta)
        seqs[key] = seqs.get(key, 0) + 1
        assert (line.seq, line.on_hand_after, line.reserved_after) == (seqs[key], *running[key])
    assert running == balances(day.levels)
    moved = {(line.product_id, line.location_id) for line in day.shelf.movements}
    assert {(one.product_id, one.location_id) for one in day.shelf.changed} == moved


@EXAMPLES
@given(levels(), steps, st.integers(0, 60))
def test_a_levels_movements_are_in_the_order_of_their_moments(
    opening: list[Level], plan: Steps, now: int
) -> None:
    day = Day(opening, now=now)
    day.live(plan)
    latest = dict(day.moments)
    for line in day.shelf.movements:
        key = (line.product_id, line.location_id)
        before = latest.get(key, now)
        assert line.occurred_at >= before
        assert line.occurred_at <= max(now, before)
        latest[key] = line.occurred_at
    assert latest == latest | {
        (one.product_id, one.location_id): one.moved_at for one in day.levels
    }


@EXAMPLES
@given(levels(), steps)
def test_a_product_has_crossed_its_reorder_point_when_it_is_on_the_other_side(
    opening: list[Level], plan: Steps
) -> None:
    day = Day(opening)
    day.live(plan)
    changed = {p: day.low(p) for p, was in day.watched.items() if day.low(p) != was.low}
    assert day.shelf.crossed() == changed


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
    shelf = Shelf(opening, 0)
    assert shelf.shortages(split) == shelf.shortages(summed)
