"""The arithmetic of stock: what may be taken from where, what is too low, and what a movement says."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from leafcraft.cause import Cause
from leafcraft.times import NEVER

MAIN = 1
"""The location that exists from the start, and is never closed."""
MAIN_CODE = "main"
ON_HAND_MAX = 10**15
PRIORITY_MAX = 1_000_000


class Kind(StrEnum):
    """What a movement is."""

    RECEIPT = "receipt"
    ADJUSTMENT = "adjustment"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    RESERVE = "reserve"
    RELEASE = "release"
    FULFILL = "fulfill"
    RETURN = "return"


REVERSIBLE = {Kind.RECEIPT, Kind.ADJUSTMENT, Kind.TRANSFER_OUT, Kind.TRANSFER_IN}
"""What people do by hand, they can undo by hand; the rest goes with its order."""


class Reason(StrEnum):
    """Why stock was adjusted."""

    COUNT = "count"
    DAMAGED = "damaged"
    LOST = "lost"
    FOUND = "found"
    EXPIRED = "expired"
    CORRECTION = "correction"
    OTHER = "other"


class ReservationState(StrEnum):
    ACTIVE = "active"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


class Strategy(StrEnum):
    """Which locations serve an order first."""

    PRIORITY = "priority"
    """In the order of the locations' priorities, the lowest number first."""
    SINGLE = "single"
    """From one location, the first that can serve the whole order; where none can, by priority."""
    MOST_STOCK = "most_stock"
    """Each product from where there is most of it."""


class Location(NamedTuple):
    id: int
    code: str
    name: str
    priority: int
    active: bool


class Movement(NamedTuple):
    """One line of the ledger: what changed, and the balances after it."""

    product_id: int
    location_id: int
    seq: int
    kind: Kind
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int
    reserved_after: int
    order_id: int | None
    reason: str | None
    reference: str | None
    note: str | None
    actor: str
    occurred_at: int


class Why(NamedTuple):
    """What a movement is for."""

    kind: Kind
    by: Cause
    order_id: int | None = None
    reason: str | None = None
    reference: str | None = None
    note: str | None = None


class Reservation(NamedTuple):
    """Stock at a location, promised to a line of an order."""

    order_id: int
    line_no: int
    location_id: int
    product_id: int
    quantity: int
    expires_at: int = NEVER
    """When a hold ends; NEVER for what a confirmed order has."""


class Demand(NamedTuple):
    """What one line of an order wants."""

    line_no: int
    product_id: int
    quantity: int


class Shortage(NamedTuple):
    product_id: int
    requested: int
    available: int


class Place(Protocol):
    """What can be sold of a product at a location."""

    @property
    def location_id(self) -> int: ...
    @property
    def available(self) -> int: ...


class Portion(NamedTuple):
    """So many units of a line come from this location."""

    line_no: int
    product_id: int
    location_id: int
    quantity: int


class Reorder(NamedTuple):
    """When a product is low, and in what lots it is ordered; None: not said."""

    point: int | None = None
    quantity: int | None = None

    def low(self, available: int) -> bool:
        return self.point is not None and available <= self.point


def totals(demands: Iterable[Demand]) -> Mapping[int, int]:
    """Demand by product: two lines of one product are one demand, or both could pass and one be short."""
    wanted: dict[int, int] = {}
    for demand in demands:
        wanted[demand.product_id] = wanted.get(demand.product_id, 0) + demand.quantity
    return wanted


def arrivals(portions: Iterable[Portion]) -> Mapping[tuple[int, int], int]:
    """Units by product and location, over all lines."""
    units: dict[tuple[int, int], int] = {}
    for one in portions:
        place = (one.product_id, one.location_id)
        units[place] = units.get(place, 0) + one.quantity
    return units


def taken(found: Iterable[Reservation], units: int) -> list[tuple[Reservation, int]]:
    """So many units of these reservations, one after the other; fewer, where they are not as many."""
    parts = []
    for one in found:
        part = min(one.quantity, units)
        if part:
            parts.append((one, part))
            units -= part
    return parts


def allocate(
    strategy: Strategy, demands: Sequence[Demand], places: Mapping[int, Sequence[Place]]
) -> list[Portion] | None:
    """Where each unit comes from; None when no split could serve every line.

    `places` has those of each product, in the order of their priority. A line may be split.
    """
    wanted = totals(demands)
    for product_id, units in wanted.items():
        if sum(place.available for place in places.get(product_id, ())) < units:
            return None
    if all(len(places[product_id]) == 1 for product_id in wanted):  # most shops have one location
        return [Portion(n, p, places[p][0].location_id, units) for n, p, units in demands]
    ranked = _ranked(strategy, wanted, places)
    left = {
        product_id: [[one.location_id, one.available] for one in ranked[product_id]]
        for product_id in wanted
    }
    return [portion for demand in demands for portion in _served(demand, left[demand.product_id])]


def _ranked(
    strategy: Strategy, wanted: Mapping[int, int], places: Mapping[int, Sequence[Place]]
) -> Mapping[int, Sequence[Place]]:
    """The places in the order in which they are to be emptied."""
    if strategy is Strategy.MOST_STOCK:
        return {p: sorted(places[p], key=lambda place: -place.available) for p in wanted}
    if strategy is Strategy.SINGLE:
        able = [
            {place.location_id for place in places[p] if place.available >= n}
            for p, n in wanted.items()
        ]
        alone = set.intersection(*able)
        for place in next(iter(places[p] for p in wanted)):
            if place.location_id in alone:
                return {
                    p: [one for one in places[p] if one.location_id == place.location_id]
                    for p in wanted
                }
    return places


def _served(demand: Demand, left: list[list[int]]) -> Iterable[Portion]:
    """Takes the demand from what is left, which there is enough of."""
    missing = demand.quantity
    for place in left:
        taken = min(missing, place[1])
        if taken > 0:
            place[1] -= taken
            missing -= taken
            yield Portion(demand.line_no, demand.product_id, place[0], taken)
        if not missing:
            return


class Advice(NamedTuple):
    """How fast a product sells, how long what there is will last, and how much to order."""

    demand_per_day: float
    days_of_cover: float | None
    """None when nothing was asked for."""
    suggested_quantity: int


def advise(available: int, demand: int, *, days: int, reorder: Reorder) -> Advice:
    """Of `demand` units asked for in the last `days` days.

    The suggestion brings what is available up to the reorder point and the same number of days'
    demand on top, in whole lots; it is 0 while that much is there already.
    """
    expected = max(demand, 0)
    missing = (reorder.point or 0) + expected - available
    lot = reorder.quantity or 1
    return Advice(
        round(expected / days, 2),
        round(available * days / expected, 1) if expected else None,
        -(-missing // lot) * lot if missing > 0 else 0,
    )
