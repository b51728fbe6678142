"""A sku as a barcode: Code 128 in SVG, dark on white whatever the page's colours, so that scanners read it."""

import re
from itertools import groupby

from barcode.codex import Code128  # type: ignore[import-untyped]
from markupsafe import Markup

BARCODE_CHARS_MAX = 32
"""12 cm at a third of a millimetre a module: longer ones fit neither a label nor a scanner's beam."""
QUIET_MODULES = 10
"""The white on either side that the standard (ISO/IEC 15417) asks for."""
MODULE_PIXELS = 2
BAR_HEIGHT = 56
TEXT_HEIGHT = 20

# What every keyboard has and a wedge scanner types. Code 128 could say more by switching its tables,
# but the library takes ñ to ô for its function characters: they would be read as something else.
_PLAIN = re.compile(rf"[ -~]{{1,{BARCODE_CHARS_MAX}}}")


def code128(text: str) -> Markup | None:
    """The barcode with its text beneath; None for what Code 128 doesn't hold, or is too long to scan."""
    if not _PLAIN.fullmatch(text):
        return None
    modules: str = _Code128(text).build()[0]
    width = len(modules) + 2 * QUIET_MODULES
    height = (BAR_HEIGHT + TEXT_HEIGHT) // MODULE_PIXELS
    font = min(7.0, 1.5 * (width - 2 * QUIET_MODULES) / len(text))
    return Markup(
        '<svg class="barcode" role="img" aria-label="Barcode: {0}" viewBox="0 0 {1} {2}" '
        'width="{3}" height="{4}" shape-rendering="crispEdges">'
        '<rect class="paper" width="{1}" height="{2}" fill="#fff"/>'
        '<path class="bars" d="{5}" fill="#000"/>'
        '<text x="{6}" y="{7}" fill="#000" font-family="monospace" font-size="{8:.3g}" '
        'text-anchor="middle" xml:space="preserve">{0}</text></svg>'
    ).format(
        text,
        width,
        height,
        width * MODULE_PIXELS,
        height * MODULE_PIXELS,
        _bars(modules),
        width / 2,
        height - 2,
        font,
    )


class _Code128(Code128):  # type: ignore[misc]
    """The library's, which would take a first 99 for a change of tables and lose it: 9901 would be read as 01.

    It starts in the table of digit pairs, where 99 is a pair like any other.
    """

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        if encoded[1] == 99:
            return encoded
        optimized: list[int] = super()._try_to_optimize(encoded)
        return optimized


def _bars(modules: str) -> str:
    """`1101…`, a digit a module, as the outlines of its bars."""
    path, at = [], QUIET_MODULES
    for digit, run in groupby(modules):
        width = len(list(run))
        if digit == "1":
            path.append(f"M{at} 0h{width}v{BAR_HEIGHT // MODULE_PIXELS}h-{width}z")
        at += width
    return "".join(path)
