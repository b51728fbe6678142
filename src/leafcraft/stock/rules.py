"""The arithmetic of stock: levels in memory, what may be taken from them, and the movements that explain it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from leafcraft.cause import Cause

MAIN = 1
"""The location that exists from the start."""
MAIN_CODE = "main"
ON_HAND_MAX = 10**15


class Kind(StrEnum):
    """What a movement is."""

    RECEIPT = "receipt"
    RESERVE = "reserve"
    RELEASE = "release"


class ReservationState(StrEnum):
    ACTIVE = "active"
    RELEASED = "released"


@dataclass(slots=True)
class Level:
    """One product at one location, as locked; `seq` numbers its movements without gaps."""

    product_id: int
    location_id: int
    on_hand: int
    reserved: int
    seq: int
    seq_read: int = field(init=False)

    def __post_init__(self) -> None:
        self.seq_read = self.seq

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


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
    actor: str


class Why(NamedTuple):
    """What a movement is for."""

    kind: Kind
    by: Cause
    order_id: int | None = None
    reason: str | None = None


class Reservation(NamedTuple):
    """Stock at a location, promised to a line of an order."""

    order_id: int
    line_no: int
    location_id: int
    product_id: int
    quantity: int


class Demand(NamedTuple):
    """What one line of an order wants."""

    line_no: int
    product_id: int
    quantity: int


class Shortage(NamedTuple):
    product_id: int
    requested: int
    available: int


class Shelf:
    """The locked levels of some products, and everything that is done to them in one transaction.

    Decisions are made here, one command after the other, each seeing what those before it took.
    `movements`, `reserved` and `released` are what has to be written down afterwards.
    """

    def __init__(self, levels: Iterable[Level]) -> None:
        self.movements: list[Movement] = []
        self.reserved: list[Reservation] = []
        self.released: list[Reservation] = []
        self._levels: dict[int, list[Level]] = {}
        for level in levels:
            self._levels.setdefault(level.product_id, []).append(level)

    @property
    def changed(self) -> list[Level]:
        """The levels that moved, by product and location."""
        moved = (level for levels in self._levels.values() for level in levels)
        changed = [level for level in moved if level.seq != level.seq_read]
        return sorted(changed, key=lambda level: (level.product_id, level.location_id))

    def available(self, product_id: int) -> int:
        return sum(level.available for level in self._levels.get(product_id, ()))

    def shortages(self, demands: Iterable[Demand]) -> list[Shortage]:
        """Every product of which there is not enough; lines of the same product are one demand."""
        return [
            Shortage(product_id, wanted, available)
            for product_id, wanted in totals(demands).items()
            if (available := self.available(product_id)) < wanted
        ]

    def reserve(self, order_id: int, demands: Iterable[Demand], by: Cause) -> None:
        """Promises stock to an order. Ask `shortages` first: raises AssertionError when there is not enough."""
        why = Why(Kind.RESERVE, by, order_id)
        for line_no, product_id, wanted in demands:
            left = wanted
            for level in self._levels.get(product_id, ()):
                taken = min(left, level.available)
                if taken > 0:
                    self._move(level, why, reserved=taken)
                    self.reserved.append(
                        Reservation(order_id, line_no, level.location_id, product_id, taken)
                    )
                    left -= taken
            if left:
                raise AssertionError(f"{left} of product {product_id} reserved beyond stock")

    def release(self, reservations: Iterable[Reservation], by: Cause) -> None:
        """Gives promised stock back to where it was promised from."""
        for reservation in reservations:
            level = self._at(reservation.product_id, reservation.location_id)
            why = Why(Kind.RELEASE, by, reservation.order_id)
            self._move(level, why, reserved=-reservation.quantity)
            self.released.append(reservation)

    def receive(self, product_id: int, location_id: int, quantity: int, *, why: Why) -> None:
        """Goods come in."""
        self._move(self._at(product_id, location_id), why, on_hand=quantity)

    def _at(self, product_id: int, location_id: int) -> Level:
        for level in self._levels.get(product_id, ()):
            if level.location_id == location_id:
                return level
        raise AssertionError(f"product {product_id} has no level at location {location_id}")

    def _move(self, level: Level, why: Why, *, on_hand: int = 0, reserved: int = 0) -> None:
        level.on_hand += on_hand
        level.reserved += reserved
        level.seq += 1
        if not 0 <= level.reserved <= level.on_hand <= ON_HAND_MAX:
            raise AssertionError(f"product {level.product_id} would be out of balance")
        self.movements.append(
            Movement(
                level.product_id,
                level.location_id,
                level.seq,
                why.kind,
                on_hand,
                reserved,
                level.on_hand,
                level.reserved,
                why.order_id,
                why.reason,
                why.by.actor,
            )
        )


def totals(demands: Iterable[Demand]) -> Mapping[int, int]:
    """Demand by product: two lines of one product are one demand, or both could pass and one be short."""
    wanted: dict[int, int] = {}
    for demand in demands:
        wanted[demand.product_id] = wanted.get(demand.product_id, 0) + demand.quantity
    return wanted
