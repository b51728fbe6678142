"""Charts as the server draws them, in SVG: no script, no inline style, and behind each a table of its numbers.

What they look like is the style sheet's: `chart` with its `plot`, `axis`, `grid`, `bar`, `line`, `area`,
`key`, and `point`, which shows its `value` when it is hovered over.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from leafcraft import times
from leafcraft.web import plot
from leafcraft.web.plot import GRID, Frame
from leafcraft.web.scale import Number, Scale, scale

LABELS_MAX = 4
"""Below the axis: what a telephone has room for."""
BAR, SLOT = 6, 10
"""How wide a bar is, of the room it has."""
SLOTS_MIN = 14
"""A bar is no wider than one of so many: a chart of one day is no wall."""
COLUMNS = 60
"""In how many moments of a curve a pointer can tell the levels."""
STEPS_WIDTH = 1000

_BAR = "M%.5g %dv-%dh%.3gV%dz"
_BARS = Markup('<path class="bar" d="%s"/>')
_CURVES = Markup(
    '<path class="area" d="%sV%dH0z"/>'
    '<path class="line available" d="%s" fill="none" vector-effect="non-scaling-stroke"/>'
    '<path class="line on-hand" d="%s" fill="none" vector-effect="non-scaling-stroke"/>'
)
_KEYS = (("on-hand", "On hand"), ("available", "Available"))


class Words(NamedTuple):
    """How a chart says its values and its points; and, where shorter, the few of them along its axes."""

    value: Callable[[Number], str]
    label: Callable[[str], str]
    short_value: Callable[[Number], str] | None = None
    short_label: Callable[[str], str] | None = None

    def left(self, on: Scale) -> list[tuple[float, str]]:
        say = self.short_value or self.value
        return [(on.share(tick), say(tick)) for tick in on.ticks]

    def below(self, text: str) -> str:
        return (self.short_label or self.label)(text)


class Point(NamedTuple):
    """What was counted on a day, zero or more."""

    day: str
    value: Number


class Level(NamedTuple):
    """A stock level, from a moment (RFC 3339) until the next."""

    moment: str
    on_hand: int
    available: int


def bars(points: Sequence[Point], *, title: str, words: Words) -> Markup:
    """A bar for each day, the oldest first."""
    if not points:
        return plot.nothing("bars", title)
    count = len(points)
    on = scale(point.value for point in points)
    rows = [(words.label(point.day), words.value(point.value)) for point in points]
    every = -(-count // LABELS_MAX)
    labelled = range((count - 1) % every, count, every)
    frame = Frame(
        title,
        about=_about_bars(points, rows),
        left=words.left(on),
        below=[((n + 0.5) / count, words.below(points[n].day)) for n in labelled],
        told=[": ".join(row) for row in rows],
    )
    behind = plot.table(("Day", title), rows)
    return plot.figure("bars", frame, _bars(points, on), across=SLOT * count, behind=behind)


def steps(levels: Sequence[Level], *, title: str, until: str, words: Words) -> Markup:
    """The curve of a stock level, each held until the next and the last `until` a moment; the oldest first."""
    if not levels:
        return plot.nothing("steps", title)
    on = scale(level.on_hand for level in levels)
    starts = [_read(level.moment) for level in levels]
    span = _Span(starts[0], max(_read(until), starts[-1] + 1))
    frame = Frame(
        title,
        about=_about_steps(levels, words),
        left=words.left(on),
        below=_moments(span, words),
        told=[
            _told(levels[bisect_right(starts, at) - 1], words.label(times.write(at)), words)
            for at in span.cut(COLUMNS)
        ],
        keys=_KEYS,
    )
    xs = [span.share(start) * STEPS_WIDTH for start in starts]
    rows = [
        (words.label(one.moment), words.value(one.on_hand), words.value(one.available))
        for one in levels
    ]
    behind = plot.table(("Since", "On hand", "Available"), rows)
    return plot.figure("steps", frame, _curves(levels, xs, on), across=STEPS_WIDTH, behind=behind)


class _Span(NamedTuple):
    """The time that is shown, in microseconds."""

    start: int
    end: int

    def share(self, moment: int) -> float:
        return (moment - self.start) / (self.end - self.start)

    def cut(self, parts: int) -> list[int]:
        """Where each of so many equal parts ends, in whole seconds."""
        length = self.end - self.start
        ends = (self.start + length * n // parts for n in range(1, parts + 1))
        return [max(self.start, end - end % times.MICROS_PER_SECOND) for end in ends]


def _about_bars(points: Sequence[Point], rows: Sequence[tuple[str, str]]) -> str:
    label, value = rows[max(range(len(points)), key=lambda n: points[n].value)]
    return f"{rows[0][0]} to {rows[-1][0]}. The most is {value}, on {label}."


def _about_steps(levels: Sequence[Level], words: Words) -> str:
    least = words.value(min(level.on_hand for level in levels))
    most = words.value(max(level.on_hand for level in levels))
    between = f"Between {least} and {most} on hand since {words.label(levels[0].moment)}."
    return f"{between} {_told(levels[-1], 'Now', words)}."


def _told(level: Level, label: str, words: Words) -> str:
    return (
        f"{label}: {words.value(level.on_hand)} on hand, {words.value(level.available)} available"
    )


def _bars(points: Sequence[Point], on: Scale) -> Markup:
    width = BAR * min(1, len(points) / SLOTS_MIN)
    path = []
    for n, point in enumerate(points):
        if high := plot.height(on, point.value):
            path.append(_BAR % (SLOT * (n + 0.5) - width / 2, GRID, high, width, GRID))
    return _BARS % "".join(path)


def _curves(levels: Sequence[Level], xs: Sequence[float], on: Scale) -> Markup:
    on_hand = _curve(xs, [GRID - plot.height(on, level.on_hand) for level in levels])
    available = _curve(xs, [GRID - plot.height(on, level.available) for level in levels])
    return _CURVES % (on_hand, GRID, available, on_hand)


def _curve(xs: Sequence[float], ys: Sequence[int]) -> str:
    path = [f"M0 {ys[0]}"]
    path += [f"H{x:.4g}V{y}" for x, y in zip(xs[1:], ys[1:], strict=True)]
    return f"{''.join(path)}H{STEPS_WIDTH}"


def _moments(span: _Span, words: Words) -> list[tuple[float, str]]:
    """Labels below the axis, none said twice: a day has many moments."""
    said: dict[str, float] = {}
    for moment in [span.start, *span.cut(LABELS_MAX - 1)]:
        said.setdefault(words.below(times.write(moment)), span.share(moment))
    return [(at, text) for text, at in said.items()]


def _read(moment: str) -> int:
    return times.read(datetime.fromisoformat(moment))
