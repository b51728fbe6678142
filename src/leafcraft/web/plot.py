"""The frame of a chart: title, axes, grid, and what a pointer is told, around shapes that others draw.

The shapes are stretched to the width that is there; texts are placed in per cents of it, so that
they are as large on a telephone as on a desk. What is pointed at is found by columns of the full
height. They are no stops of the tab key, since ninety of them would be in the way: the table behind
the chart tells the same to who has no pointer, and to who can't see the chart.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple
from zlib import crc32

from markupsafe import Markup

from leafcraft.web.scale import Number, Scale

HEAD = 28
"""Pixels above the grid, where the value of what is pointed at is shown."""
GRID = 160
"""Pixels of the grid, from zero to the scale's top."""
FOOT = 26
DIGIT_PIXELS = 8
"""About the width of a digit: how much room the labels on the left need."""
EDGE = 0.002
"""A label below that is so close to an edge (a share of the width) begins or ends there."""
TOLD_EDGE = 0.3
"""The same for what a pointer is told, which is longer."""

# Unseen unless the style sheet shows the point that is hovered over; only the column takes the pointer.
_FIGURE = Markup(
    '<figure class="chart %(kind)s">'
    '<figcaption><span id="t%(id)s">%(title)s</span>%(keys)s</figcaption><div class="plot">'
    '<svg class="axis" width="%(gutter)d" height="%(height)d" text-anchor="end"'
    ' aria-hidden="true">%(left)s</svg>'
    '<svg width="100%%" height="%(height)d" overflow="visible" role="img" aria-labelledby="t%(id)s"'
    ' aria-describedby="d%(id)s"><desc id="d%(id)s">%(about)s</desc>'
    '<defs><rect id="c%(id)s" width="%(column).4g%%" y="%(up)d" height="%(grid)d"'
    ' fill-opacity=".07" pointer-events="all"/></defs><g class="grid">%(lines)s</g>'
    '<svg y="%(head)d" width="100%%" height="%(grid)d" viewBox="0 0 %(across)d %(grid)d"'
    ' preserveAspectRatio="none" overflow="visible">%(shapes)s</svg>'
    '<g class="axis"><line x2="100%%" y1="%(floor)d" y2="%(floor)d"/>%(below)s</g>'
    '<svg y="%(told)d" overflow="visible" visibility="hidden" pointer-events="none">%(spots)s</svg>'
    "</svg></div>%(behind)s</figure>"
)
_EMPTY = Markup(
    '<figure class="chart %s"><figcaption>%s</figcaption><p class="empty">%s</p></figure>'
)
_KEY = Markup(' <span class="key %s">%s</span>')
_LEFT = Markup('<text x="%d" y="%.4g">%s</text>')
_LINE = Markup('<line x2="100%%" y1="%.4g" y2="%.4g"/>')
_BELOW = Markup('<text x="%.4g%%" y="%d" text-anchor="%s">%s</text>')
_SPOT = Markup(
    '<g class="point"><use href="#c%s" x="%.3g%%"/><text class="value" x="%.3g%%">%s</text></g>'
)
_ANCHORED = Markup('<g text-anchor="%s">%s</g>')
_TABLE = Markup(
    "<details><summary>Show as a table</summary><table><thead><tr>%s</tr></thead>"
    "<tbody>%s</tbody></table></details>"
)
_HEAD = Markup('<th scope="col">%s</th>')
_ROW = Markup('<tr><th scope="row">%s</th>%s</tr>')
_CELL = Markup("<td>%s</td>")
_JOINT = Markup("")

_TOLD_Y = HEAD - 14


class Frame(NamedTuple):
    """What is around the shapes, and what they mean to who can't see them.

    `left` are shares of the height with their labels, `below` of the width; `told` is what the
    columns, all of one width, tell from left to right; `keys` are the classes and names of lines.
    """

    title: str
    about: str
    left: Sequence[tuple[float, str]]
    below: Sequence[tuple[float, str]]
    told: Sequence[str]
    keys: Sequence[tuple[str, str]] = ()


def figure(kind: str, frame: Frame, shapes: Markup, *, across: int, behind: Markup) -> Markup:
    """The chart; `shapes` are drawn in a box `across` wide and GRID high, `behind` is its table."""
    name = f"{crc32(repr(frame).encode()) % 16**5:05x}"
    gutter = max(len(text) for _, text in frame.left) * DIGIT_PIXELS + 12
    floor = HEAD + GRID
    heights = [(floor - GRID * share, text) for share, text in frame.left]
    return _FIGURE % {
        "kind": kind,
        "id": name,
        "title": frame.title,
        "keys": joined(_KEY % key for key in frame.keys),
        "about": frame.about,
        "gutter": gutter,
        "height": floor + FOOT,
        "head": HEAD,
        "grid": GRID,
        "floor": floor,
        "told": _TOLD_Y,
        "up": HEAD - _TOLD_Y,
        "column": 100 / len(frame.told),
        "across": across,
        "left": joined(_LEFT % (gutter - 12, y + 4, text) for y, text in heights),
        "lines": joined(_LINE % (y, y) for y, _ in heights[1:]),
        "below": joined(
            _BELOW % (100 * at, floor + 20, _anchor(at, EDGE), text) for at, text in frame.below
        ),
        "shapes": shapes,
        "spots": _spots(name, frame.told),
        "behind": behind,
    }


def nothing(kind: str, title: str) -> Markup:
    """A chart without points."""
    return _EMPTY % (kind, title, "Nothing to show yet.")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """The numbers behind a chart, closed until asked for; the first cell of a row is its head."""
    return _TABLE % (
        joined(_HEAD % column for column in columns),
        joined(_ROW % (row[0], joined(_CELL % cell for cell in row[1:])) for row in rows),
    )


def joined(parts: Iterable[Markup]) -> Markup:
    return _JOINT.join(parts)


def height(on: Scale, value: Number) -> int:
    """How high a value is drawn, in whole pixels, which are sharp; what isn't zero can be seen."""
    return max(1, round(GRID * on.share(value))) if value else 0


def _spots(name: str, told: Sequence[str]) -> Markup:
    count = len(told)
    spots = [((n + 0.5) / count, n / count, text) for n, text in enumerate(told)]
    groups = groupby(spots, key=lambda spot: _anchor(spot[0], TOLD_EDGE))
    return joined(
        _ANCHORED
        % (anchor, joined(_SPOT % (name, 100 * x, 100 * middle, text) for middle, x, text in group))
        for anchor, group in groups
    )


def _anchor(at: float, edge: float) -> str:
    return "start" if at < edge else "end" if at > 1 - edge else "middle"
