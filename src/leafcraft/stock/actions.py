"""What people do to stock: they receive, adjust and transfer it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from leafcraft import events
from leafcraft.bulk import each
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal
from leafcraft.stock import keeping, store
from leafcraft.stock.rules import (
    MAIN_CODE,
    ON_HAND_MAX,
    Kind,
    Location,
    Movement,
    Portion,
    Reason,
    Shortage,
    Why,
    arrivals,
)
from leafcraft.stock.shelf import Level, Shelf
from leafcraft.stock.store import Link

COUNTERPART = "counterpart"
"""The link between the two halves of a transfer."""


class Receive(NamedTuple):
    """Goods come in."""

    product_id: int
    quantity: int
    by: Cause
    location: str = MAIN_CODE
    reason: str | None = None
    reference: str | None = None

    @property
    def places(self) -> Mapping[str, str]:
        return {"location": self.location}


class Adjust(NamedTuple):
    """A correction by hand: by `delta` units, or to what was `counted`.

    `expected` is what on hand was when it was counted; None: whatever it is.
    """

    product_id: int
    location: str
    reason: Reason
    by: Cause
    delta: int | None = None
    counted: int | None = None
    expected: int | None = None
    note: str | None = None

    @property
    def places(self) -> Mapping[str, str]:
        return {"location": self.location}


class Transfer(NamedTuple):
    product_id: int
    quantity: int
    from_location: str
    to_location: str
    by: Cause

    @property
    def places(self) -> Mapping[str, str]:
        return {"from_location": self.from_location, "to_location": self.to_location}


class Entry(NamedTuple):
    """A movement as it was written."""

    id: int
    movement: Movement
    location: str
    links: Mapping[str, int]


Entries = Sequence[Entry]
Placed = Receive | Adjust | Transfer
P = TypeVar("P", Receive, Adjust, Transfer)
Moved = Sequence[Movement] | Refusal


async def receive(tx: Transaction, commands: Sequence[Receive]) -> Sequence[Entries | Refusal]:
    return await _do(tx, commands, _received, fact="stock.received")


async def adjust(tx: Transaction, commands: Sequence[Adjust]) -> Sequence[Entries | Refusal]:
    return await _do(tx, commands, _adjusted, fact="stock.adjusted")


async def transfer(tx: Transaction, commands: Sequence[Transfer]) -> Sequence[Entries | Refusal]:
    return await _do(tx, commands, _transferred, fact="stock.transferred")


receive_many = each(receive)
adjust_many = each(adjust)
transfer_many = each(transfer)


async def _do(
    tx: Transaction,
    commands: Sequence[P],
    decide: Callable[[Shelf, P, Sequence[Location]], Moved],
    *,
    fact: str,
) -> Sequence[Entries | Refusal]:
    """Takes what the commands are about, decides one after the other, and writes it all down."""
    codes = {code for command in commands for code in command.places.values()}
    # Nobody closes a location while goods are on their way there.
    known = await store.locations(tx, codes, tx.for_share)
    shelf = await keeping.take(tx, (command.product_id for command in commands))
    decided: list[Moved] = []
    for command in commands:
        refusal = _refuse_place(command, known) or _refuse_product(command, shelf)
        places = [known[code] for code in command.places.values() if code in known]
        decided.append(refusal or decide(shelf, command, places))
    outcomes = await written(tx, shelf, decided, places=known.values())
    for command, outcome in zip(commands, outcomes, strict=True):
        tell(tx, fact, outcome, by=command.by)
    return await keeping.named(tx, outcomes)


async def written(
    tx: Transaction, shelf: Shelf, decided: Sequence[Moved], *, places: Iterable[Location]
) -> Sequence[Entries | Refusal]:
    """Writes the shelf down; what was decided, with the ids of the movements."""
    codes = {place.id: place.code for place in places}
    numbers = await keeping.put_back_numbered(tx, shelf)
    ids = {id(one): number for one, number in zip(shelf.movements, numbers, strict=True)}
    outcomes: list[Entries | Refusal] = []
    for moved in decided:
        if isinstance(moved, Refusal):
            outcomes.append(moved)
            continue
        entries = [Entry(ids[id(one)], one, codes[one.location_id], {}) for one in moved]
        outcomes.append(_paired(entries) if len(entries) > 1 else entries)
    store.add_links(tx, [link for outcome in outcomes for link in _links(outcome)])
    return outcomes


def _paired(entries: Entries) -> Entries:
    """The two halves of a transfer, each with the other."""
    first, second = entries
    pairs = ((first, second), (second, first))
    return [one._replace(links={COUNTERPART: other.id}) for one, other in pairs]


def _links(outcome: Entries | Refusal) -> list[Link]:
    if isinstance(outcome, Refusal):
        return []
    return [Link(one.id, link, other) for one in outcome for link, other in one.links.items()]


def tell(tx: Transaction, fact: str, outcome: Entries | Refusal, *, by: Cause) -> None:
    """An event about the product whose stock has moved."""
    if isinstance(outcome, Refusal):
        return
    moved = [
        {
            "movement_id": entry.id,
            "location": entry.location,
            "on_hand_delta": entry.movement.on_hand_delta,
            "on_hand": entry.movement.on_hand_after,
        }
        for entry in outcome
    ]
    first = outcome[0].movement
    events.record(tx, fact, first.product_id, by=by, reason=first.reason, movements=moved)


def _refuse_place(command: Placed, known: Mapping[str, Location]) -> Refusal | None:
    for field, code in command.places.items():
        if code not in known:
            return unknown_place(field, code)
        if not known[code].active:
            return not_active(known[code])
    return None


def _refuse_product(command: Placed, shelf: Shelf) -> Refusal | None:
    if command.product_id in shelf:
        return None
    missing = command.product_id
    return Refusal(Code.PRODUCT_NOT_FOUND, f"No such product: {missing}.", product_ids=[missing])


def _received(shelf: Shelf, command: Receive, places: Sequence[Location]) -> Moved:
    level = shelf.place(command.product_id, places[0].id)
    why = Why(Kind.RECEIPT, command.by, None, command.reason, command.reference)
    return shifted(shelf, level, why=why, delta=command.quantity)


def _adjusted(shelf: Shelf, command: Adjust, places: Sequence[Location]) -> Moved:
    level = shelf.place(command.product_id, places[0].id)
    if command.expected not in {None, level.on_hand}:
        return Refusal(
            Code.CONFLICT,
            f"On hand is {level.on_hand} by now, not {command.expected}: count again.",
            on_hand=level.on_hand,
        )
    delta = command.delta if command.counted is None else command.counted - level.on_hand
    why = Why(Kind.ADJUSTMENT, command.by, reason=command.reason, note=command.note)
    return shifted(shelf, level, why=why, delta=delta or 0)


def _transferred(shelf: Shelf, command: Transfer, places: Sequence[Location]) -> Moved:
    there, here = (shelf.place(command.product_id, place.id) for place in places)
    why = Why(Kind.TRANSFER_OUT, command.by)
    return carried(shelf, there, here, why=why, quantity=command.quantity)


def carried(shelf: Shelf, there: Level, here: Level, *, why: Why, quantity: int) -> Moved:
    """Takes units from one location to another."""
    refusal = _refuse_room(here, quantity) or _refuse_promised(there, quantity)
    return refusal or [
        shelf.move(there, why, on_hand=-quantity),
        shelf.move(here, why._replace(kind=Kind.TRANSFER_IN), on_hand=quantity),
    ]


def shifted(shelf: Shelf, level: Level, *, why: Why, delta: int) -> Moved:
    """Changes what is on hand, as far as it is not promised and there is room."""
    refusal = _refuse_room(level, delta) or _refuse_promised(level, -delta)
    return refusal or [shelf.move(level, why, on_hand=delta)]


def unknown_place(field: str, code: str) -> Refusal:
    error = {"pointer": f"/{field}", "detail": f"there is no location {code}"}
    return Refusal(Code.VALIDATION_ERROR, "The body is not valid.", errors=[error])


def not_active(place: Location) -> Refusal:
    return Refusal(Code.CONFLICT, f"The location {place.code} is not active.", location=place.code)


def refuse_room(shelf: Shelf, arriving: Iterable[Portion]) -> Refusal | None:
    """Where more would lie than a level holds, were all this put there."""
    for (product_id, location_id), units in arrivals(arriving).items():
        refusal = _refuse_room(shelf.place(product_id, location_id), units)
        if refusal is not None:
            return refusal
    return None


def _refuse_room(level: Level, delta: int) -> Refusal | None:
    if level.on_hand + delta <= ON_HAND_MAX:
        return None
    return Refusal(Code.CONFLICT, f"A level holds at most {ON_HAND_MAX} units.")


def _refuse_promised(level: Level, taken: int) -> Refusal | None:
    if taken <= level.available:
        return None
    short = Shortage(level.product_id, taken, level.available)
    return Refusal(
        Code.INSUFFICIENT_STOCK,
        f"Only {level.available} of {level.on_hand} there are not promised to orders.",
        shortages=[short],
    )
