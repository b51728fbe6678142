"""When a product is low, and what to order of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafcraft.stock.rules import Advice, Reorder, advise

EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None)

counts = st.integers(0, 2000)
days = st.integers(1, 365)
reorders = st.builds(Reorder, st.none() | st.integers(0, 500), st.none() | st.integers(1, 60))


@pytest.mark.parametrize(
    ("point", "available", "low"),
    [(5, 4, True), (5, 5, True), (5, 6, False), (0, 0, True), (0, 1, False), (None, 0, False)],
)
def test_a_product_is_low_when_no_more_than_its_reorder_point_is_available(
    point: int | None, available: int, low: bool
) -> None:
    assert Reorder(point, 12).low(available) is low


@pytest.mark.parametrize(
    ("available", "demand", "reorder", "advice"),
    [
        # 30 days: what was asked for, at what rate, and how long it lasts
        (10, 60, Reorder(5, None), Advice(2.0, 5.0, 55)),
        (10, 60, Reorder(5, 12), Advice(2.0, 5.0, 60)),
        (10, 60, Reorder(5, 55), Advice(2.0, 5.0, 55)),
        (10, 60, Reorder(5, 54), Advice(2.0, 5.0, 108)),
        (10, 60, Reorder(None, None), Advice(2.0, 5.0, 50)),
        (64, 60, Reorder(5, 12), Advice(2.0, 32.0, 12)),
        (65, 60, Reorder(5, 12), Advice(2.0, 32.5, 0)),
        (66, 60, Reorder(5, 12), Advice(2.0, 33.0, 0)),
        (0, 0, Reorder(5, 12), Advice(0.0, None, 12)),
        (0, 0, Reorder(None, 12), Advice(0.0, None, 0)),
        (3, -4, Reorder(5, None), Advice(0.0, None, 2)),
        (1, 1, Reorder(0, None), Advice(0.03, 30.0, 0)),
        (7, 100, Reorder(0, 100), Advice(3.33, 2.1, 100)),
        (0, 100, Reorder(0, 1), Advice(3.33, 0.0, 100)),
    ],
)
def test_advice_by_example(available: int, demand: int, reorder: Reorder, advice: Advice) -> None:
    assert advise(available, demand, days=30, reorder=reorder) == advice


def test_the_rate_is_that_of_the_days_looked_back_on() -> None:
    assert advise(10, 14, days=7, reorder=Reorder()) == Advice(2.0, 5.0, 4)
    assert advise(10, 14, days=1, reorder=Reorder()) == Advice(14.0, 0.7, 4)


@EXAMPLES
@given(counts, counts, days, reorders)
def test_a_suggestion_is_enough_in_whole_lots_and_no_lot_too_many(
    available: int, demand: int, window: int, reorder: Reorder
) -> None:
    suggested = advise(available, demand, days=window, reorder=reorder).suggested_quantity
    lot, target = reorder.quantity or 1, (reorder.point or 0) + demand
    assert suggested >= 0
    assert suggested % lot == 0
    assert available + suggested >= target
    assert suggested == 0 or available + suggested - lot < target


@EXAMPLES
@given(counts, counts, days, reorders)
def test_what_there_is_lasts_as_long_as_the_demand_lets_it(
    available: int, demand: int, window: int, reorder: Reorder
) -> None:
    advice = advise(available, demand, days=window, reorder=reorder)
    assert abs(advice.demand_per_day * window - demand) <= 0.005 * window + 1e-6
    if demand == 0:
        assert advice.days_of_cover is None
    else:
        assert advice.days_of_cover is not None
        assert abs(advice.days_of_cover * demand - available * window) <= 0.05 * demand + 1e-6
