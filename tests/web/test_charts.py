"""Charts show what was counted, whatever was, in a box that they don't leave."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcraft import times
from leafcraft.money import AMOUNT_MINOR_MAX
from leafcraft.web import charts
from leafcraft.web.charts import Level, Point, Words
from leafcraft.web.plot import GRID
from leafcraft.web.scale import STEPS_MAX, Number, scale
from tests.web.drawing import drawn, parts, texts

PLAIN = Words(value=str, label=str)
FIRST = date(2026, 7, 8)
START = datetime(2026, 10, 5, 12, tzinfo=UTC)

counts = st.lists(st.integers(0, 10**9), min_size=1, max_size=90)
amounts = st.lists(
    st.decimals(0, AMOUNT_MINOR_MAX, places=2) | st.just(Decimal(0)), min_size=1, max_size=90
)
changes = st.lists(
    st.tuples(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6)),
    min_size=1,
    max_size=60,
)


def days(values: Sequence[Number]) -> list[Point]:
    return [Point(f"{FIRST + timedelta(n)}", value) for n, value in enumerate(values)]


def later(seconds: int) -> str:
    return times.write(times.read(START + timedelta(seconds=seconds)))


def levels(found: list[tuple[int, int, int]]) -> list[Level]:
    """Seconds since START, reserved and available."""
    return [
        Level(later(at), reserved + available, available)
        for at, reserved, available in sorted(found, key=lambda one: one[0])
    ]


def drawn_bars(chart: Element) -> list[tuple[float, float, float]]:
    """Where each bar begins and ends, and how high it is."""
    path = next(parts(chart, "bar")).get("d", "")
    found = re.findall(rf"M([\d.]+) {GRID}v-(\d+)h([\d.]+)V{GRID}z", path)
    assert len(found) == path.count("M")
    return [(float(x), float(x) + float(width), float(high)) for x, high, width in found]


@given(counts | amounts)
def test_all_bars_are_within_the_box_and_as_high_as_their_values(
    values: list[int] | list[Decimal],
) -> None:
    chart = drawn(charts.bars(days(values), title="Orders", words=PLAIN))
    bars = drawn_bars(chart)
    shown = [value for value in values if value]
    assert len(bars) == len(shown)
    top = Decimal(scale(values).ticks[-1])
    end = 0.0
    for (left, right, high), value in zip(bars, shown, strict=True):
        assert end <= left < right <= charts.SLOT * len(values)
        assert 1 <= high <= GRID
        assert high == pytest.approx(max(1, GRID * float(Decimal(value) / top)), abs=0.51)
        end = right


@given(counts | amounts)
def test_a_scale_has_a_few_round_steps_from_zero_to_just_above_the_most(
    values: list[int] | list[Decimal],
) -> None:
    ticks = [Decimal(tick) for tick in scale(values).ticks]
    assert ticks[0] == 0
    assert len(ticks) <= STEPS_MAX + 1
    if not any(values):
        return
    step = ticks[1]
    assert [step * n for n in range(len(ticks))] == ticks
    assert ticks[-2] < max(values) <= ticks[-1]
    assert step.scaleb(-step.adjusted()) in {1, 2, 5}


def test_what_is_counted_in_whole_numbers_has_whole_steps() -> None:
    assert scale([0, 1]).ticks == [0, 1]
    assert scale([3]).ticks == [0, 1, 2, 3]
    assert scale([Decimal("0.5")]).ticks == [Decimal(tick) for tick in ("0.0", "0.2", "0.4", "0.6")]


def test_nothing_is_ever_below_zero() -> None:
    with pytest.raises(ValueError, match="below zero"):
        scale([1, -1])


@given(counts)
def test_behind_bars_is_a_table_of_all_of_them(values: list[int]) -> None:
    points = days(values)
    chart = drawn(charts.bars(points, title="Orders", words=PLAIN))
    heads, cells = texts(chart, "th"), texts(chart, "td")
    assert heads == ["Day", "Orders", *(point.day for point in points)]
    assert cells == [str(value) for value in values]
    told = [one.text for one in parts(chart, "value")]
    assert told == [f"{point.day}: {point.value}" for point in points]


@given(changes)
def test_curves_stay_in_the_box_and_end_at_the_last_level(
    found: list[tuple[int, int, int]],
) -> None:
    given_levels = levels(found)
    until = later(2 * 10**7)
    chart = drawn(charts.steps(given_levels, title="Stock", until=until, words=PLAIN))
    top = scale([level.on_hand for level in given_levels]).ticks[-1]
    for curve, last in zip(
        parts(chart, "line"), (given_levels[-1].available, given_levels[-1].on_hand), strict=True
    ):
        path = curve.get("d", "")
        xs = [0.0, *(float(x) for x in re.findall(r"H([\d.e+-]+)", path))]
        ys = [int(y) for y in re.findall(r"(?:V|M0 )(\d+)", path)]
        assert xs == sorted(xs)
        assert xs[-1] == charts.STEPS_WIDTH
        assert len(ys) == len(given_levels)
        assert all(0 <= y <= GRID for y in ys)
        assert ys[-1] == pytest.approx(GRID - GRID * last / max(top, 1), abs=1)


def test_a_pointer_is_told_the_level_that_was_then() -> None:
    given_levels = [Level(later(0), 5, 5), Level(later(1800), 5, 2), Level(later(3000), 12, 9)]
    chart = drawn(charts.steps(given_levels, title="Stock", until=later(3600), words=PLAIN))
    told = [one.text for one in parts(chart, "value")]
    assert told[28] == f"{later(1740)}: 5 on hand, 5 available"
    assert told[29] == f"{later(1800)}: 5 on hand, 2 available"
    assert told[48] == f"{later(2940)}: 5 on hand, 2 available"
    assert told[-1] == f"{later(3600)}: 12 on hand, 9 available"
    assert texts(chart, "td") == ["5", "5", "5", "2", "12", "9"]


def test_a_curve_of_one_moment_is_a_line() -> None:
    level = Level(later(0), 3, 1)
    chart = charts.steps([level], title="Stock", until=level.moment, words=PLAIN)
    curve = next(parts(drawn(chart), "on-hand"))
    assert curve.tag == "span"
    assert f'd="M0 0H{charts.STEPS_WIDTH}"' in chart


def test_without_anything_to_show_a_chart_says_so() -> None:
    assert "Nothing to show yet." in charts.bars([], title="Orders", words=PLAIN)
    assert "Nothing to show yet." in charts.steps([], title="Stock", until="", words=PLAIN)


def test_who_cannot_see_a_chart_is_told_what_it_is_and_what_it_shows() -> None:
    chart = drawn(charts.bars(days([1, 7, 2]), title="Orders", words=PLAIN))
    image = next(one for one in chart.iter("svg") if one.get("role") == "img")
    by_id = {one.get("id"): one.text for one in chart.iter() if one.get("id")}
    assert by_id[image.get("aria-labelledby")] == "Orders"
    about = by_id[image.get("aria-describedby")]
    assert about == "2026-07-08 to 2026-07-10. The most is 7, on 2026-07-09."
    assert chart.find("details/table/thead") is not None


@pytest.mark.parametrize("count", [1, 2, 7, 30, 90])
def test_few_labels_stand_below_and_the_last_day_has_one(count: int) -> None:
    chart = drawn(charts.bars(days([1] * count), title="Orders", words=PLAIN))
    below = [text for text in texts(chart, "text") if text.startswith("2026") and ":" not in text]
    assert 1 <= len(below) <= min(count, charts.LABELS_MAX)
    assert below[-1] == f"{FIRST + timedelta(count - 1)}"


def test_the_axes_have_words_of_their_own_where_these_are_given() -> None:
    words = Words(str, str, short_value=lambda n: f"~{n}", short_label=lambda day: day[-2:])
    chart = drawn(charts.bars(days([4]), title="Orders", words=words))
    assert texts(chart, "text") == ["~0", "~1", "~2", "~3", "~4", "08", "2026-07-08: 4"]


def test_a_page_takes_a_chart_as_it_is_and_no_markup_from_a_title() -> None:
    chart = charts.bars(days([1]), title="<b>&\"'", words=Words(lambda _: "<i>", lambda _: "<u>"))
    drawn(chart)
    assert chart.__html__() == chart
    assert not re.search(r"<[biu]>|<script|\sstyle=|\son\w+=|tabindex", chart)


def test_two_charts_of_a_page_have_no_id_in_common() -> None:
    first = charts.bars(days([1, 2]), title="Orders", words=PLAIN)
    second = charts.bars(days([1, 2]), title="Revenue", words=PLAIN)
    ids = re.compile(r' id="(\w+)"')
    assert not set(ids.findall(first)) & set(ids.findall(second))


def test_ninety_days_are_few_bytes() -> None:
    points = days([Decimal(1000) + n for n in range(90)])
    chart = charts.bars(points, title="Revenue", words=PLAIN)
    drawing, _, _ = chart.partition("<details>")
    assert len(drawing) < 13_000
