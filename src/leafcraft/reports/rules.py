"""Which days a report is about, and how much was sold on them: plain numbers, added exactly."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from leafcraft.times import MICROS_PER_DAY

DAYS_DEFAULT = 30
DAYS_MAX = 3660
"""Of one report: ten years."""


class Days(NamedTuple):
    """Days in UTC, each told by its first moment; both ends are among them."""

    first: int
    last: int

    @property
    def end(self) -> int:
        """The first moment after them."""
        return self.last + MICROS_PER_DAY

    @property
    def number(self) -> int:
        return (self.end - self.first) // MICROS_PER_DAY

    def each(self) -> range:
        return range(self.first, self.end, MICROS_PER_DAY)


def days(first: int | None, last: int | None, *, today: int) -> Days:
    """The days that are asked for; where nothing is said, the last ones up to today."""
    last = today if last is None else last
    if first is None:
        first = max(last - (DAYS_DEFAULT - 1) * MICROS_PER_DAY, 0)
    return Days(first, last)


class Sold(NamedTuple):
    """What became of the orders confirmed on some day: without what was cancelled since."""

    orders: int = 0
    units: int = 0
    amount_minor: int = 0
    returned_units: int = 0
    returned_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Without what came back."""
        return self.amount_minor - self.returned_minor

    def plus(self, other: "Sold") -> "Sold":
        return Sold(*(one + more for one, more in zip(self, other, strict=True)))


NOTHING = Sold()

Place = tuple[int, str]
"""A day and a currency."""


def added(parts: Iterable[tuple[Place, Sold]]) -> Mapping[Place, Sold]:
    """One number of each kind for each place, however many processes have counted there."""
    found: dict[Place, Sold] = {}
    for place, sold in parts:
        found[place] = found.get(place, NOTHING).plus(sold)
    return found


def every_day(
    chosen: Days, found: Mapping[Place, Sold], currency: str
) -> Iterable[tuple[Place, Sold]]:
    """Each day in the shop's currency, sold or not; in others where something was sold."""
    others = sorted({other for _, other in found} - {currency})
    for day in chosen.each():
        yield (day, currency), found.get((day, currency), NOTHING)
        for other in others:
            sold = found.get((day, other), NOTHING)
            if sold != NOTHING:
                yield (day, other), sold
