"""The curve of a product's stock is what its ledger says, over all locations."""

from hypothesis import given
from hypothesis import strategies as st

from leafcraft.products.console_curve import levels, thinned
from leafcraft.web.charts import Level
from tests.builders import Json

PLACES = ("main", "shop")


def _moment(number: int) -> str:
    """As the wire has them: fractions of a second only where there are any."""
    half = ".500000" if number % 2 else ""
    return f"2026-01-01T12:{number // 120:02}:{number // 2 % 60:02}{half}Z"


def _ledger(steps: list[tuple[str, int, int]]) -> tuple[list[Json], list[Json], list[Level]]:
    """The movements, the levels that they end at, and the curve as it was lived through."""
    at = {place: [0, 0] for place in PLACES}
    movements: list[Json] = []
    lived: list[Level] = []
    for number, (place, on_hand, reserved) in enumerate(steps):
        at[place][0] += on_hand
        at[place][1] += reserved
        movements.append(
            {
                "location": place,
                "occurred_at": _moment(number),
                "on_hand_delta": on_hand,
                "reserved_delta": reserved,
                "on_hand_after": at[place][0],
                "reserved_after": at[place][1],
            }
        )
        total, promised = (sum(one[n] for one in at.values()) for n in (0, 1))
        lived.append(Level(_moment(number), total, total - promised))
    now = [{"location": place, "on_hand": on, "reserved": of} for place, (on, of) in at.items()]
    return movements, now, lived


STEPS = st.lists(
    st.tuples(st.sampled_from(PLACES), st.integers(-9, 9), st.integers(-9, 9)), max_size=40
)


@given(STEPS, st.integers(1, 40))
def test_the_newest_part_of_a_ledger_gives_the_end_of_the_curve(
    steps: list[tuple[str, int, int]], newest: int
) -> None:
    movements, now, lived = _ledger(steps)
    assert levels(movements[::-1][:newest], now) == lived[-newest:]


def test_a_transfer_changes_nothing_over_all_locations() -> None:
    movements, now, _ = _ledger([("main", 9, 0), ("main", -4, 0), ("shop", 4, 0)])
    movements[2]["occurred_at"] = movements[1]["occurred_at"]
    assert [one.on_hand for one in levels(movements[::-1], now)] == [9, 9]


@given(st.lists(st.integers(0, 50), min_size=3, max_size=300), st.integers(3, 60))
def test_a_curve_with_too_many_levels_keeps_its_ends_and_where_it_was_lowest(
    heights: list[int], most: int
) -> None:
    curve = [Level(_moment(number), 50, height) for number, height in enumerate(heights)]
    kept = thinned(curve, most)
    assert len(kept) == min(most, len(curve))
    assert (kept[0], kept[-1]) == (curve[0], curve[-1])
    assert kept == [one for one in curve if one in kept]
    assert min(one.available for one in kept) == min(heights)
