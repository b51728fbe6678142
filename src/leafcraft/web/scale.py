"""The scale of a chart: from zero to a round number, in a few round steps."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import ceil
from typing import NamedTuple

Number = Decimal | int

STEPS_MAX = 4
"""Few lines, so that the eye sees the bars and not the grid."""


class Scale(NamedTuple):
    """The values with a line across the chart, zero first."""

    ticks: Sequence[Number]

    def share(self, value: Number) -> float:
        """How high a value is, of the whole height: 0 to 1."""
        top = self.ticks[-1]
        return float(Decimal(value) / Decimal(top)) if top else 0.0


def scale(values: Iterable[Number]) -> Scale:
    """The scale for values of zero and more; in whole steps when all of them are `int`s."""
    shown = list(values)
    if min(shown) < 0:
        raise ValueError("a chart shows nothing below zero")
    most = max(shown)
    whole = all(isinstance(value, int) for value in shown)
    step = _step(Decimal(most), whole=whole) if most else Decimal(1)
    ticks = [step * n for n in range(ceil(most / step) + 1)]
    return Scale([int(tick) if whole else _plain(tick) for tick in ticks])


def _step(most: Decimal, *, whole: bool) -> Decimal:
    """1, 2 or 5 times a power of ten."""
    least = most / STEPS_MAX
    power = Decimal(10) ** least.adjusted()
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= least)
    return max(step, Decimal(1)) if whole else step


def _plain(number: Decimal) -> Decimal:
    """`2E+3` -> `2000`, as formats want it."""
    return Decimal(f"{number:f}")
