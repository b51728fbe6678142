"""The curve of a product's stock, as its ledger tells it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from leafcraft.web.charts import Level

LEVELS_MAX = 120
"""What a chart can tell apart, and a table behind it is still read for."""

Json = Mapping[str, Any]


class Balance(NamedTuple):
    """What lies at a location, and what of it is promised."""

    on_hand: int
    reserved: int


def levels(movements: Sequence[Json], places: Iterable[Json]) -> list[Level]:
    """The stock over all locations after each of the movements, the oldest first.

    `movements`: the newest of the ledger, the newest first. `places`: what lies where now, which is
    what lay there all along where none of them is.
    """
    forth = movements[::-1]
    balances = {one["location"]: Balance(one["on_hand"], one["reserved"]) for one in places}
    for one in movements:  # the oldest of each location comes last, and stays
        balances[one["location"]] = Balance(
            one["on_hand_after"] - one["on_hand_delta"],
            one["reserved_after"] - one["reserved_delta"],
        )
    found: dict[str, Level] = {}
    for one in forth:
        balances[one["location"]] = Balance(one["on_hand_after"], one["reserved_after"])
        at = one["occurred_at"]
        found[at] = _level(at, balances.values())  # of one moment the last
    return thinned(sorted(found.values(), key=lambda one: datetime.fromisoformat(one.moment)))


def _level(at: str, balances: Iterable[Balance]) -> Level:
    on_hand = reserved = 0
    for one in balances:
        on_hand += one.on_hand
        reserved += one.reserved
    return Level(at, on_hand, on_hand - reserved)


def thinned(levels: Sequence[Level], most: int = LEVELS_MAX) -> list[Level]:
    """At most so many: of neighbours the one with the least available, and always first and last."""
    if len(levels) <= most:
        return list(levels)
    inner = levels[1:-1]
    parts = most - 2
    cuts = [len(inner) * n // parts for n in range(parts + 1)]
    lowest = [
        min(inner[start:end], key=lambda level: level.available) for start, end in pairwise(cuts)
    ]
    return [levels[0], *lowest, levels[-1]]
