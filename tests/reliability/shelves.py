"""The model's stockroom: what lies where, and every movement that the ledger must have, in plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Told = tuple[int, str]
"""A status, and what else the answer says: a code, or a state."""

MAIN = "main"


class Entry(NamedTuple):
    """What a movement must say."""

    product_id: int
    location: str
    kind: str
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int
    reserved_after: int
    order_id: int | None
    reason: str | None
    occurred_at: int


class Promise(NamedTuple):
    """Units of one line of an order, and where they lie."""

    line_no: int
    product_id: int
    location: str
    quantity: int


class Outcome(NamedTuple):
    """A refusal, or the movements that were written."""

    status: int
    code: str = ""
    entries: Sequence[Entry] = ()


@dataclass
class Location:
    id: int
    priority: int
    active: bool = True


@dataclass
class Level:
    on_hand: int = 0
    reserved: int = 0
    ledger: list[Entry] = field(default_factory=list)

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    def at(self, moment: int) -> tuple[int, int]:
        """On hand and reserved at a moment."""
        before = [entry for entry in self.ledger if entry.occurred_at <= moment]
        return (before[-1].on_hand_after, before[-1].reserved_after) if before else (0, 0)


@dataclass
class Written:
    """A movement that people made; the other half of a transfer, and whether it is, or has, a reversal."""

    entry: Entry
    other: int | None
    final: bool


@dataclass
class Shelves:
    """`levels` by product and location; those of a product are there from its first movement on."""

    now: int
    locations: dict[str, Location] = field(default_factory=lambda: {MAIN: Location(1, 0)})
    levels: dict[tuple[int, str], Level] = field(default_factory=dict)
    written: dict[int, Written] = field(default_factory=dict)

    def of(self, product_id: int) -> dict[str, Level]:
        """A product's levels, in the order in which they serve."""
        found = {code: one for (number, code), one in self.levels.items() if number == product_id}
        rank = {code: (self.locations[code].priority, self.locations[code].id) for code in found}
        return {code: found[code] for code in sorted(found, key=lambda code: rank[code])}

    def available(self, product_id: int) -> int:
        return sum(level.available for level in self.of(product_id).values())

    def open(self, product_id: int, stock: int) -> None:
        self.levels[product_id, MAIN] = Level()
        if stock:
            self.move((product_id, MAIN), "receipt", on_hand=stock, reason="opening stock")

    def move(
        self, place: tuple[int, str], kind: str, on_hand: int = 0, reserved: int = 0, **told: Any
    ) -> Entry:
        level = self.levels.setdefault(place, Level())
        level.on_hand += on_hand
        level.reserved += reserved
        after = (level.on_hand, level.reserved)
        what = {"order_id": None, "reason": None, "occurred_at": self.now, **told}
        level.ledger.append(Entry(*place, kind, on_hand, reserved, *after, **what))
        return level.ledger[-1]

    # ── orders ───────────────────────────────────────────────────────────────

    def reserve(self, order_id: int, lines: Sequence[tuple[int, int, int]]) -> list[Promise]:
        """Line by line, each from the locations in the order of their priority."""
        made = []
        for line_no, product_id, quantity in lines:
            wanted = quantity
            for code, level in self.of(product_id).items():
                taken = min(wanted, level.available)
                wanted = wanted - taken
                if taken:
                    self.move((product_id, code), "reserve", reserved=taken, order_id=order_id)
                    made.append(Promise(line_no, product_id, code, taken))
        return made

    def release(self, order_id: int, promises: Sequence[Promise], **told: Any) -> None:
        in_order = lambda one: (one.line_no, self.locations[one.location].id)  # noqa: E731
        for one in sorted(promises, key=in_order):
            place = (one.product_id, one.location)
            self.move(place, "release", reserved=-one.quantity, order_id=order_id, **told)

    # ── what people do by hand ───────────────────────────────────────────────

    def receive(self, product_id: int, quantity: int, location: str) -> Outcome:
        refusal = self._refuse(product_id, location)
        return refusal or self._shift((product_id, location), "receipt", quantity)

    def adjust(self, product_id: int, location: str, **how: Any) -> Outcome:
        refusal = self._refuse(product_id, location)
        if refusal:
            return refusal
        on_hand = self.levels.get((product_id, location), Level()).on_hand
        if how.get("expected_on_hand") not in {None, on_hand}:
            return Outcome(409, "conflict")
        delta = how["delta"] if "delta" in how else how["counted"] - on_hand
        return self._shift((product_id, location), "adjustment", delta, reason=how["reason"])

    def transfer(
        self, product_id: int, quantity: int, from_location: str, to_location: str
    ) -> Outcome:
        refusal = self._refuse(product_id, from_location, to_location)
        there, here = (product_id, from_location), (product_id, to_location)
        return refusal or self._carry(there, here, quantity)

    def reverse(self, movement_id: int) -> Outcome:
        if movement_id not in self.written:
            return Outcome(404, "not_found")
        mistake = self.written[movement_id]
        halves = [mistake, *([self.written[mistake.other]] if mistake.other else [])]
        back = [one.entry for one in halves if one.entry.on_hand_delta < 0]
        if mistake.final or any(not self.locations[one.location].active for one in back):
            return Outcome(409, "conflict")
        entry = mistake.entry
        if mistake.other is None:
            place = (entry.product_id, entry.location)
            outcome = self._shift(place, entry.kind, -entry.on_hand_delta, reason="reversal")
        else:
            there, here = sorted((one.entry for one in halves), key=lambda one: -one.on_hand_delta)
            left, came = [(one.product_id, one.location) for one in (there, here)]
            outcome = self._carry(left, came, there.on_hand_delta, reason="reversal")
        if outcome.status == 201:
            for one in halves:
                one.final = True
        return outcome

    def note(self, ids: Sequence[int], entries: Sequence[Entry]) -> None:
        """The ids that the service gave to movements."""
        others = list(reversed(ids)) if len(ids) > 1 else [None]
        for number, other, entry in zip(ids, others, entries, strict=True):
            self.written[number] = Written(entry, other, entry.reason == "reversal")

    def edit(self, code: str, priority: int | None, active: bool | None) -> Told:
        location = self.locations[code]
        if active is False and location.active:
            lies = any(one.on_hand for (_, at), one in self.levels.items() if at == code)
            if code == MAIN or lies:
                return 409, "conflict"
        location.priority = location.priority if priority is None else priority
        location.active = location.active if active is None else active
        return 200, code

    def _refuse(self, product_id: int, *codes: str) -> Outcome | None:
        for code in codes:
            if code not in self.locations:
                return Outcome(422, "validation_error")
            if not self.locations[code].active:
                return Outcome(409, "conflict")
        known = any(number == product_id for number, _ in self.levels)
        return None if known else Outcome(422, "product_not_found")

    def _shift(self, place: tuple[int, str], kind: str, delta: int, **told: Any) -> Outcome:
        if -delta > self.levels.get(place, Level()).available:
            return Outcome(409, "insufficient_stock")
        return Outcome(201, entries=[self.move(place, kind, on_hand=delta, **told)])

    def _carry(
        self, there: tuple[int, str], here: tuple[int, str], quantity: int, **told: Any
    ) -> Outcome:
        if quantity > self.levels.get(there, Level()).available:
            return Outcome(409, "insufficient_stock")
        left = self.move(there, "transfer_out", on_hand=-quantity, **told)
        return Outcome(201, entries=[left, self.move(here, "transfer_in", quantity, **told)])
