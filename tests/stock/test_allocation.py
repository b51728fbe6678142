"""Where each unit of an order comes from, by each of the strategies."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafcraft.stock.rules import Demand, Portion, Strategy, allocate, totals

EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None)
MANY = settings(EXAMPLES, max_examples=400)
PRODUCTS = (1, 2, 3)
PRIORITY, SINGLE, MOST_STOCK = Strategy.PRIORITY, Strategy.SINGLE, Strategy.MOST_STOCK


class Spot(NamedTuple):
    """What can be sold of a product at a location."""

    location_id: int
    available: int


Places = Mapping[int, Sequence[Spot]]

ranking = st.permutations([1, 2, 3, 4])
"""Locations in the order of their priority: the same for every product."""
lines = st.lists(
    st.tuples(st.sampled_from(PRODUCTS), st.integers(1, 7)), min_size=1, max_size=4
).map(lambda them: [Demand(n, *line) for n, line in enumerate(them, start=1)])
strategies = st.sampled_from(list(Strategy))


@st.composite
def shelves(draw: st.DrawFn) -> Places:
    """What can be sold of each product at some of the locations; some of it is nothing."""
    ranked = draw(ranking)
    found: dict[int, list[Spot]] = {}
    for product in draw(st.sets(st.sampled_from(PRODUCTS))):
        at = draw(st.sets(st.sampled_from(ranked)))
        found[product] = [Spot(here, draw(st.integers(0, 9))) for here in ranked if here in at]
    return found


def available(places: Places, product: int) -> int:
    return sum(place.available for place in places.get(product, ()))


def taken(portions: Sequence[Portion]) -> Mapping[tuple[int, int], int]:
    """How much of a product comes from a location."""
    found: Counter[tuple[int, int]] = Counter()
    for portion in portions:
        found[portion.product_id, portion.location_id] += portion.quantity
    return found


def able(demands: Sequence[Demand], places: Places) -> list[int]:
    """The locations that can serve everything alone, by priority."""
    offers = [
        [place.location_id for place in places.get(product, ()) if place.available >= wanted]
        for product, wanted in totals(demands).items()
    ]
    return [here for here in offers[0] if all(here in offer for offer in offers)]


@MANY
@given(strategies, lines, shelves())
def test_it_is_refused_only_if_no_split_could_serve_it(
    strategy: Strategy, demands: list[Demand], places: Places
) -> None:
    enough = all(available(places, p) >= n for p, n in totals(demands).items())
    assert (allocate(strategy, demands, places) is not None) == enough


@MANY
@given(strategies, lines, shelves())
def test_every_line_gets_exactly_what_it_wants_and_no_location_gives_more_than_it_has(
    strategy: Strategy, demands: list[Demand], places: Places
) -> None:
    portions = allocate(strategy, demands, places)
    if portions is None:
        return
    assert all(portion.quantity > 0 for portion in portions)
    for demand in demands:
        own = [portion for portion in portions if portion.line_no == demand.line_no]
        assert sum(portion.quantity for portion in own) == demand.quantity
        assert {portion.product_id for portion in own} == {demand.product_id}
    assert {portion.line_no for portion in portions} == {demand.line_no for demand in demands}
    offered = {(p, place.location_id): place.available for p in places for place in places[p]}
    for where, quantity in taken(portions).items():
        assert quantity <= offered[where]


@EXAMPLES
@given(strategies, lines, shelves())
def test_a_line_is_told_of_a_location_once(
    strategy: Strategy, demands: list[Demand], places: Places
) -> None:
    portions = allocate(strategy, demands, places) or []
    named = [(portion.line_no, portion.location_id) for portion in portions]
    assert len(named) == len(set(named))


@MANY
@given(strategies, lines, shelves())
def test_lines_of_one_product_are_one_demand(
    strategy: Strategy, demands: list[Demand], places: Places
) -> None:
    summed = [Demand(n, *one) for n, one in enumerate(totals(demands).items(), start=1)]
    split, whole = allocate(strategy, demands, places), allocate(strategy, summed, places)
    assert (split is None) == (whole is None)
    assert taken(split or []) == taken(whole or [])


@EXAMPLES
@given(strategies, lines, shelves())
def test_what_is_given_is_left_as_it_was(
    strategy: Strategy, demands: list[Demand], places: Places
) -> None:
    before = {product: list(found) for product, found in places.items()}
    first = allocate(strategy, demands, places)
    assert places == before
    assert allocate(strategy, demands, places) == first


def emptied_in_order(ranked: Sequence[Spot], counted: Sequence[int]) -> bool:
    """Whether a place gives something only when those before it have nothing left."""
    last = max((n for n, quantity in enumerate(counted) if quantity), default=0)
    return all(place.available == counted[n] for n, place in enumerate(ranked[:last]))


@MANY
@given(lines, shelves())
def test_by_priority_each_place_is_emptied_before_the_next(
    demands: list[Demand], places: Places
) -> None:
    found = taken(allocate(PRIORITY, demands, places) or [])
    for product, ranked in places.items():
        counted = [found.get((product, place.location_id), 0) for place in ranked]
        assert emptied_in_order(ranked, counted)


@MANY
@given(lines, shelves())
def test_with_most_stock_each_product_comes_from_where_there_is_most(
    demands: list[Demand], places: Places
) -> None:
    found = taken(allocate(MOST_STOCK, demands, places) or [])
    for product, ranked in places.items():
        most = sorted(ranked, key=lambda place: (-place.available, ranked.index(place)))
        counted = [found.get((product, place.location_id), 0) for place in most]
        assert emptied_in_order(most, counted)


@MANY
@given(lines, shelves())
def test_a_single_location_serves_it_all_whenever_there_is_one(
    demands: list[Demand], places: Places
) -> None:
    portions = allocate(SINGLE, demands, places)
    if portions is None:
        return
    first = able(demands, places)[:1]
    used = {portion.location_id for portion in portions}
    assert len(used) > 1 or list(used) == first
    if first:
        assert list(used) == first
        assert [(one.line_no, one.quantity) for one in portions] == [
            (demand.line_no, demand.quantity) for demand in demands
        ]


@EXAMPLES
@given(lines, shelves())
def test_where_no_location_serves_it_alone_single_goes_by_priority(
    demands: list[Demand], places: Places
) -> None:
    enough = all(available(places, p) >= n for p, n in totals(demands).items())
    if enough and not able(demands, places):
        assert allocate(SINGLE, demands, places) == allocate(PRIORITY, demands, places)


ONE, TWO, THREE = 11, 12, 13
TEA = [Spot(ONE, 2), Spot(TWO, 9), Spot(THREE, 5)]
MINT = [Spot(ONE, 4), Spot(TWO, 1), Spot(THREE, 4)]


@pytest.mark.parametrize(
    ("strategy", "tea", "mint", "sources"),
    [
        (PRIORITY, 5, 3, [(1, ONE, 2), (1, TWO, 3), (2, ONE, 3)]),
        (SINGLE, 5, 3, [(1, THREE, 5), (2, THREE, 3)]),
        (SINGLE, 2, 4, [(1, ONE, 2), (2, ONE, 4)]),
        (SINGLE, 9, 1, [(1, TWO, 9), (2, TWO, 1)]),
        (SINGLE, 9, 2, [(1, ONE, 2), (1, TWO, 7), (2, ONE, 2)]),
        (MOST_STOCK, 5, 3, [(1, TWO, 5), (2, ONE, 3)]),
        (MOST_STOCK, 15, 5, [(1, TWO, 9), (1, THREE, 5), (1, ONE, 1), (2, ONE, 4), (2, THREE, 1)]),
    ],
)
def test_each_strategy_by_example(
    strategy: Strategy, tea: int, mint: int, sources: list[tuple[int, int, int]]
) -> None:
    portions = allocate(strategy, [Demand(1, 1, tea), Demand(2, 2, mint)], {1: TEA, 2: MINT})
    assert [(one.line_no, one.location_id, one.quantity) for one in portions or []] == sources


def test_demands_are_summed_by_product() -> None:
    assert totals([Demand(1, 5, 2), Demand(2, 6, 1), Demand(3, 5, 4)]) == {5: 6, 6: 1}
