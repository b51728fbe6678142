"""The levels of some products in memory, locked, and everything that is done to them in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from leafcraft.cause import SYSTEM, Cause
from leafcraft.stock import rules
from leafcraft.stock.rules import (
    ON_HAND_MAX,
    Demand,
    Kind,
    Movement,
    Reorder,
    Reservation,
    Shortage,
    Strategy,
    Why,
)
from leafcraft.times import NEVER

HOLD_ENDED = "hold ended"


@dataclass(slots=True, eq=False)
class Level:
    """One product at one location, as locked.

    `seq` numbers its movements without gaps, `moved_at` is the moment of the last one, and no
    hold here ends before `held_until`.
    """

    product_id: int
    location_id: int
    on_hand: int
    reserved: int
    seq: int
    moved_at: int
    held_until: int
    new: bool = False
    """Nobody has heard of it so far."""
    seq_read: int = field(init=False)
    held_read: int = field(init=False)

    def __post_init__(self) -> None:
        self.seq_read = self.seq
        self.held_read = self.held_until

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass(slots=True)
class Watched:
    """A product's reorder point, and whether it is known to be low."""

    reorder: Reorder
    low: bool


class Shelf:
    """Decisions are made here, one command after the other, each seeing what those before it took.

    `movements`, `reserved`, `released` and `expired` are what has to be written down afterwards.
    """

    def __init__(
        self,
        levels: Iterable[Level],
        now: int,
        priorities: Mapping[int, int] | None = None,
        watched: Mapping[int, Watched] | None = None,
    ) -> None:
        """`priorities` are those of the locations; without them their ids order them."""
        self.movements: list[Movement] = []
        self.reserved: list[Reservation] = []
        self.released: list[Reservation] = []
        self.expired: list[Reservation] = []
        self._now = now
        self._watched = watched or {}
        self._levels: dict[int, list[Level]] = {}
        for level in levels:
            self._levels.setdefault(level.product_id, []).append(level)
        if priorities:
            for found in self._levels.values():
                found.sort(key=lambda level: (priorities[level.location_id], level.location_id))

    @property
    def levels(self) -> list[Level]:
        """By product and location."""
        found = (level for levels in self._levels.values() for level in levels)
        return sorted(found, key=lambda level: (level.product_id, level.location_id))

    @property
    def changed(self) -> list[Level]:
        """The levels that moved."""
        return [level for level in self.levels if level.seq != level.seq_read]

    def crossed(self) -> Mapping[int, bool]:
        """The products that became low, or are low no more, since they were read."""
        return {
            product_id: not watched.low
            for product_id, watched in self._watched.items()
            if watched.reorder.low(self.available(product_id)) != watched.low
        }

    def __contains__(self, product_id: int) -> bool:
        return product_id in self._levels

    def at(self, product_id: int, location_id: int) -> Level | None:
        """What lies at a location."""
        for level in self._levels.get(product_id, ()):
            if level.location_id == location_id:
                return level
        return None

    def place(self, product_id: int, location_id: int) -> Level:
        """The same; where there was none yet, a new one, which is remembered if it moves."""
        level = self.at(product_id, location_id)
        if level is None:
            level = Level(product_id, location_id, 0, 0, 0, self._now, NEVER, new=True)
            self._levels.setdefault(product_id, []).append(level)
        return level

    def ranks(self, product_id: int) -> Mapping[int, int]:
        """The product's locations, by the order in which they serve."""
        levels = self._levels.get(product_id, ())
        return {level.location_id: rank for rank, level in enumerate(levels)}

    def available(self, product_id: int) -> int:
        return sum(level.available for level in self._levels.get(product_id, ()))

    def shortages(
        self, demands: Iterable[Demand], promised: Mapping[int, int] | None = None
    ) -> list[Shortage]:
        """Every product of which there is not enough; lines of the same product are one demand.

        `promised` is what others were told they will get, and have not been given yet.
        """
        taken = promised or {}
        return [
            Shortage(product_id, wanted, available)
            for product_id, wanted in rules.totals(demands).items()
            if (available := self.available(product_id) - taken.get(product_id, 0)) < wanted
        ]

    def reserve(
        self,
        order_id: int,
        demands: Sequence[Demand],
        by: Cause,
        *,
        strategy: Strategy,
        until: int = NEVER,
    ) -> list[Reservation]:
        """Promises stock to an order that has been promised nothing so far, for good or until a moment.
        Ask `shortages` first: raises AssertionError when there is not enough."""
        made = self.promise(order_id, demands, by, strategy=strategy, until=until)
        self.reserved.extend(made)
        return made

    def promise(
        self,
        order_id: int,
        demands: Sequence[Demand],
        by: Cause,
        *,
        strategy: Strategy,
        until: int,
    ) -> list[Reservation]:
        """The same, without a note of the reservations: whoever asks keeps them."""
        portions = rules.allocate(strategy, demands, self._levels)
        if portions is None:
            raise AssertionError(f"order {order_id} reserved beyond stock")
        why = Why(Kind.RESERVE, by, order_id)
        made = []
        for line_no, product_id, location_id, quantity in portions:
            level = self._level(product_id, location_id)
            level.held_until = min(level.held_until, until)
            self.move(level, why, reserved=quantity)
            made.append(Reservation(order_id, line_no, location_id, product_id, quantity, until))
        return made

    def release(
        self, reservations: Iterable[Reservation], by: Cause, reason: str | None = None
    ) -> None:
        """Gives promised stock back to where it was promised from."""
        for one in reservations:
            why = Why(Kind.RELEASE, by, one.order_id, reason)
            self.move(self._level(one.product_id, one.location_id), why, reserved=-one.quantity)
            self.released.append(one)

    def expire(self, reservations: Iterable[Reservation]) -> None:
        """Ends holds. They ended when they did, whenever that is noticed: so say their movements."""
        for one in sorted(reservations, key=lambda one: (one.expires_at, one)):
            why = Why(Kind.RELEASE, SYSTEM, one.order_id, HOLD_ENDED)
            level = self._level(one.product_id, one.location_id)
            self.move(level, why, reserved=-one.quantity, moment=one.expires_at)
            self.expired.append(one)

    def move(
        self,
        level: Level,
        why: Why,
        *,
        on_hand: int = 0,
        reserved: int = 0,
        moment: int | None = None,
    ) -> Movement:
        """Changes a level and writes the movement. What can't be raises AssertionError."""
        level.on_hand += on_hand
        level.reserved += reserved
        level.seq += 1
        # Clocks differ, and go back. A level's movements are in the order of their moments all the
        # same: otherwise its past could not be told.
        level.moved_at = max(self._now if moment is None else moment, level.moved_at)
        if not 0 <= level.reserved <= level.on_hand <= ON_HAND_MAX:
            raise AssertionError(f"product {level.product_id} would be out of balance")
        movement = Movement(
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
            why.reference,
            why.note,
            why.by.actor,
            level.moved_at,
        )
        self.movements.append(movement)
        return movement

    def _level(self, product_id: int, location_id: int) -> Level:
        level = self.at(product_id, location_id)
        if level is None:
            raise AssertionError(f"product {product_id} has no level at location {location_id}")
        return level
