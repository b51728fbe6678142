"""Which units of which lines a verb is about, over made-up orders."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from leafcraft.errors import Code, Refusal
from leafcraft.orders import units
from leafcraft.orders.rules import Line
from leafcraft.orders.units import Wanted
from tests.orders.test_rules import EXAMPLES

few = st.integers(0, 3)


@st.composite
def _line(draw: st.DrawFn) -> Line:
    fulfilled, cancelled = draw(few), draw(few)
    quantity = fulfilled + cancelled + draw(few) or 1
    returned = draw(st.integers(0, fulfilled))
    product_id = draw(st.integers(1, 3))
    return Line(0, product_id, quantity, 10 * product_id, fulfilled, returned, cancelled)


@st.composite
def _lines(draw: st.DrawFn) -> list[Line]:
    """With gaps in their numbers, as they are after edits."""
    made = draw(st.lists(_line(), min_size=1, max_size=5))
    numbers = sorted(draw(st.sets(st.integers(1, 9), min_size=len(made), max_size=len(made))))
    return [one._replace(line_no=n) for one, n in zip(made, numbers, strict=True)]


lines_of = _lines()
wishes = st.lists(
    st.builds(Wanted, st.integers(1, 4), st.integers(1, 4), st.none() | st.integers(1, 9)),
    min_size=1,
    max_size=4,
)
items = st.lists(st.builds(Wanted, st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=5)


def room(line: Line) -> int:
    return line.open


@EXAMPLES
@given(lines_of, wishes)
def test_units_are_spread_over_lines_that_have_room_and_are_as_many_as_were_wanted(
    lines: list[Line], wanted: list[Wanted]
) -> None:
    counted = units.spread(lines, wanted, room)
    if isinstance(counted, Refusal):
        assert counted.code is Code.QUANTITY_EXCEEDED
        return
    by_no = {line.line_no: line for line in lines}
    assert all(0 < n <= by_no[line_no].open for line_no, n in counted.items())
    got: Counter[int] = Counter()
    for line_no, n in counted.items():
        got[by_no[line_no].product_id] += n
    asked: Counter[int] = Counter()
    for want in wanted:
        asked[want.product_id] += want.quantity
    assert got == asked
    for number in {want.line_no for want in wanted} - {None}:
        named = sum(want.quantity for want in wanted if want.line_no == number)
        assert counted[number or 0] >= named


@EXAMPLES
@given(lines_of, wishes)
def test_units_are_refused_only_where_there_are_too_few(
    lines: list[Line], wanted: list[Wanted]
) -> None:
    """A wish for a line takes it first, so wishes for a product get what is left of its lines."""
    left = {line.line_no: line.open for line in lines}
    enough = True
    for want in wanted:
        if want.line_no is not None:
            mine = [one for one in lines if one[:2] == (want.line_no, want.product_id)]
            left[want.line_no] = left.get(want.line_no, 0) - (want.quantity if mine else 0)
            enough = enough and bool(mine) and left[want.line_no] >= 0
    for product_id in {want.product_id for want in wanted}:
        more = [w.quantity for w in wanted if w.product_id == product_id and w.line_no is None]
        free = sum(max(left[one.line_no], 0) for one in lines if one.product_id == product_id)
        enough = enough and sum(more) <= free
    assert isinstance(units.spread(lines, wanted, room), Refusal) == (not enough)


@EXAMPLES
@given(lines_of)
def test_all_of_an_order_is_what_there_is_room_for(lines: list[Line]) -> None:
    counted = units.all_of(lines, room)
    assert counted == {line.line_no: line.open for line in lines if line.open}


@EXAMPLES
@given(lines_of, items)
def test_renewed_lines_are_the_wanted_ones_and_keep_what_has_become_of_them(
    lines: list[Line], wanted: list[Wanted]
) -> None:
    made = units.renewed(lines, wanted, {n: 10 * n for n in range(1, 5)})
    if isinstance(made, Refusal):
        assert made.code in {Code.QUANTITY_EXCEEDED, Code.CONFLICT}
        return
    pairs = sorted((line.product_id, line.quantity) for line in made)
    assert pairs == sorted((want.product_id, want.quantity) for want in wanted)
    numbers = [line.line_no for line in made]
    assert numbers == sorted(set(numbers))
    assert all(line.unit_price_minor == 10 * line.product_id for line in made)
    old = {line.line_no: line for line in lines}
    for line in made:
        there = old.get(line.line_no)
        if there is None:
            assert line.line_no > max(old)
            assert line[4:] == (0, 0, 0)
        else:
            assert line._replace(quantity=there.quantity) == there
        assert line.open >= 0
    gone = [line for line_no, line in old.items() if line_no not in numbers]
    assert all(line.fulfilled == line.cancelled == 0 for line in gone)


@EXAMPLES
@given(lines_of)
def test_lines_that_are_wanted_as_they_are_stay_as_they_are(lines: list[Line]) -> None:
    wanted = [Wanted(line.product_id, line.quantity) for line in lines]
    made = units.renewed(lines, wanted, {})
    if isinstance(made, Refusal):
        assert made.code is Code.CONFLICT
        assert not any(line.open or line.fulfilled for line in lines)
    else:
        assert list(made) == lines


@EXAMPLES
@given(lines_of, items)
def test_a_refused_edit_asks_for_less_than_was_sent_or_cancelled_or_for_nothing(
    lines: list[Line], wanted: list[Wanted]
) -> None:
    made = units.renewed(lines, wanted, {n: 10 * n for n in range(1, 5)})
    if isinstance(made, Refusal) and made.code is Code.QUANTITY_EXCEEDED:
        for excess in made.members["exceeded"]:
            assert excess["requested"] < excess["minimum"]
