"""What orders have been promised, in memory beside the shelf it lies on, while it is taken from and added to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from leafcraft.cause import Cause
from leafcraft.stock import rules
from leafcraft.stock.rules import (
    Demand,
    Kind,
    Portion,
    Reservation,
    ReservationState,
    Shortage,
    Strategy,
    Why,
)
from leafcraft.stock.shelf import Shelf
from leafcraft.times import NEVER

MOVED = "fulfilled from elsewhere"


class _Place(NamedTuple):
    order_id: int
    line_no: int
    location_id: int


class Promised:
    """The active reservations of some orders, line by line; `changed` has to be written down."""

    def __init__(self, shelf: Shelf, found: Mapping[int, Iterable[Reservation]]) -> None:
        self._shelf = shelf
        self._active: dict[tuple[int, int], dict[int, Reservation]] = {}
        """By order and line, and then by location."""
        for reservations in found.values():
            for one in reservations:
                self._line(one)[one.location_id] = one
        self._changed: dict[_Place, tuple[Reservation, ReservationState]] = {}

    @property
    def changed(self) -> Sequence[tuple[Reservation, ReservationState]]:
        """Reservations as they are now; what is promised no more, as it was, and how it ended."""
        return [self._changed[place] for place in sorted(self._changed)]

    def reserve(
        self,
        order_id: int,
        demands: Sequence[Demand],
        by: Cause,
        *,
        strategy: Strategy,
        until: int = NEVER,
    ) -> None:
        """Promises more. Ask the shelf for shortages first."""
        for one in self._shelf.promise(order_id, demands, by, strategy=strategy, until=until):
            self._add(one)

    def release(self, order_id: int, counted: Mapping[int, int], by: Cause) -> None:
        """Gives units back, by line number: those first that were the last choice to be served from."""
        for line_no, units in counted.items():
            for one, part in self._taken(reversed(self._of(order_id, line_no)), units):
                self._release(one, part, by=by)

    def fulfill(
        self,
        order_id: int,
        counted: Mapping[int, int],
        by: Cause,
        *,
        location_id: int | None = None,
    ) -> list[Portion]:
        """Sends units, by line number; all from one location, if it is named: ask `missing_at` first."""
        if location_id is not None:
            self._gather(order_id, counted, by, location_id=location_id)
        sent = []
        for line_no, units in counted.items():
            served = self._of(order_id, line_no)
            if location_id is not None:
                served = [one for one in served if one.location_id == location_id]
            for one, part in self._taken(served, units):
                level = self._shelf.place(one.product_id, one.location_id)
                why = Why(Kind.FULFILL, by, order_id)
                self._shelf.move(level, why, on_hand=-part, reserved=-part)
                self._take(one, part, ReservationState.CONSUMED)
                sent.append(Portion(line_no, one.product_id, one.location_id, part))
        return sent

    def take_back(self, order_id: int, sent: Iterable[Portion], by: Cause, *, reason: str) -> None:
        """Undoes a fulfillment: the goods are there again, and promised to the same lines."""
        for line_no, product_id, location_id, units in sent:
            level = self._shelf.place(product_id, location_id)
            why = Why(Kind.FULFILL, by, order_id, reason)
            self._shelf.move(level, why, on_hand=units, reserved=units)
            self._add(Reservation(order_id, line_no, location_id, product_id, units))

    def missing_at(
        self, order_id: int, counted: Mapping[int, int], location_id: int
    ) -> list[Shortage]:
        """What these units of the order's lines lack, were they all to come from this location."""
        wanted: Counter[int] = Counter()
        there: Counter[int] = Counter()
        for line_no, units in counted.items():
            found = self._of(order_id, line_no)
            here = sum(one.quantity for one in found if one.location_id == location_id)
            wanted[found[0].product_id] += units
            there[found[0].product_id] += min(here, units)
        return [
            Shortage(product_id, units, possible)
            for product_id, units in wanted.items()
            if (possible := there[product_id] + self._free(product_id, location_id)) < units
        ]

    def _free(self, product_id: int, location_id: int) -> int:
        level = self._shelf.at(product_id, location_id)
        return level.available if level is not None else 0

    def _gather(
        self, order_id: int, counted: Mapping[int, int], by: Cause, *, location_id: int
    ) -> None:
        """What is promised elsewhere is promised here instead."""
        for line_no, units in counted.items():
            found = self._of(order_id, line_no)
            there = sum(one.quantity for one in found if one.location_id == location_id)
            others = [one for one in reversed(found) if one.location_id != location_id]
            for one, part in self._taken(others, max(units - there, 0)):
                self._release(one, part, by=by, reason=MOVED)
                level = self._shelf.place(one.product_id, location_id)
                why = Why(Kind.RESERVE, by, order_id, MOVED)
                self._shelf.move(level, why, reserved=part)
                self._add(one._replace(location_id=location_id, quantity=part))

    def _of(self, order_id: int, line_no: int) -> list[Reservation]:
        """What is promised to a line, in the order in which locations serve."""
        found = list(self._active.get((order_id, line_no), {}).values())
        if len(found) > 1:
            ranks = self._shelf.ranks(found[0].product_id)
            found.sort(key=lambda one: ranks[one.location_id])
        return found

    def _taken(self, found: Iterable[Reservation], units: int) -> Iterable[tuple[Reservation, int]]:
        parts = rules.taken(found, units)
        if sum(part for _, part in parts) != units:
            raise AssertionError(f"{units} units were to be promised, and are not")
        return parts

    def _release(
        self, one: Reservation, units: int, *, by: Cause, reason: str | None = None
    ) -> None:
        level = self._shelf.place(one.product_id, one.location_id)
        self._shelf.move(level, Why(Kind.RELEASE, by, one.order_id, reason), reserved=-units)
        self._take(one, units, ReservationState.RELEASED)

    def _add(self, one: Reservation) -> None:
        line = self._line(one)
        there = line.get(one.location_id)
        if there is not None:
            one = one._replace(quantity=one.quantity + there.quantity)
        line[one.location_id] = one
        self._changed[_Place(*one[:3])] = (one, ReservationState.ACTIVE)

    def _take(self, one: Reservation, units: int, ended: ReservationState) -> None:
        line, place = self._line(one), _Place(*one[:3])
        if units == one.quantity:
            del line[one.location_id]
            self._changed[place] = (one, ended)
            return
        left = line[one.location_id] = one._replace(quantity=one.quantity - units)
        self._changed[place] = (left, ReservationState.ACTIVE)

    def _line(self, one: Reservation) -> dict[int, Reservation]:
        return self._active.setdefault((one.order_id, one.line_no), {})
