"""What people take back: a movement that was a mistake is undone by its opposite, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.stock import actions, keeping, store
from leafcraft.stock.actions import COUNTERPART, Entries, Entry, Moved
from leafcraft.stock.rules import REVERSIBLE, Kind, Location, Movement, Why
from leafcraft.stock.shelf import Shelf
from leafcraft.stock.store import Link

REVERSAL = "reversal"
REVERSES = "reverses"
REVERSED_BY = "reversed_by"


class Reverse(NamedTuple):
    """Undo what a movement did; of a transfer both halves, whichever is named."""

    movement_id: int
    by: Cause


async def reverse(tx: Transaction, commands: Sequence[Reverse]) -> Sequence[Entries | Refusal]:
    asked = {command.movement_id for command in commands}
    known = await store.movements(tx, asked)
    halves = await store.links(tx, known)
    known = {**known, **await store.movements(tx, halves.values())}
    sites = {movement.location_id for movement in known.values()}
    places = await store.locations_by_id(tx, sites, tx.for_share)
    shelf = await keeping.take(tx, {movement.product_id for movement in known.values()})
    # Read again: with the levels locked, nobody else reverses anything of these products.
    ledger = _Ledger(known, await store.links(tx, known), places, shelf)
    decided = [ledger.undo(command) for command in commands]
    outcomes = await actions.written(
        tx, shelf, [moved for _, moved in decided], places=places.values()
    )
    linked = [
        outcome if isinstance(outcome, Refusal) else _linked(tx, mistakes, outcome)
        for (mistakes, _), outcome in zip(decided, outcomes, strict=True)
    ]
    for command, outcome in zip(commands, linked, strict=True):
        actions.tell(tx, "stock.reversed", outcome, by=command.by)
    return await keeping.named(tx, linked)


def _linked(tx: Transaction, mistakes: Sequence[int], entries: Entries) -> list[Entry]:
    """Each movement with its mistake: the first takes back the first, and so on."""
    pairs = list(zip(mistakes, entries, strict=True))
    store.add_links(tx, [Link(mistake, REVERSED_BY, entry.id) for mistake, entry in pairs])
    store.add_links(tx, [Link(entry.id, REVERSES, mistake) for mistake, entry in pairs])
    return [entry._replace(links={**entry.links, REVERSES: mistake}) for mistake, entry in pairs]


@dataclass
class _Ledger:
    """The movements in question, what they belong to, and the shelf that they are undone on."""

    known: Mapping[int, Movement]
    links: Mapping[tuple[int, str], int]
    places: Mapping[int, Location]
    shelf: Shelf
    undone: set[int] = field(default_factory=set)

    def undo(self, command: Reverse) -> tuple[Sequence[int], Moved]:
        """The movements that were mistakes, and what makes up for them, in the same order."""
        number = command.movement_id
        refusal = self._refuse(number)
        if refusal is not None:
            return [], refusal
        mistakes = self._halves(number)
        moved = self._opposite([self.known[one] for one in mistakes], command.by)
        if not isinstance(moved, Refusal):
            self.undone.update(mistakes)
        return mistakes, moved

    def _halves(self, number: int) -> list[int]:
        """A transfer comes back from where it went to: its second half is taken back first."""
        other = self.links.get((number, COUNTERPART))
        if other is None:
            return [number]
        came_in = self.known[number].kind is Kind.TRANSFER_IN
        return [number, other] if came_in else [other, number]

    def _refuse(self, number: int) -> Refusal | None:
        movement = self.known.get(number)
        if movement is None:
            return not_found("movement", number)
        if movement.kind not in REVERSIBLE:
            why = f"is a {movement.kind}: it goes with its order"
        elif (number, REVERSES) in self.links:
            why = "takes another one back, and is not taken back itself"
        elif number in self.undone or (number, REVERSED_BY) in self.links:
            why = "has been reversed already"
        else:
            return None
        return Refusal(Code.CONFLICT, f"Movement {number} {why}.", movement_id=number)

    def _opposite(self, mistakes: Sequence[Movement], by: Cause) -> Moved:
        for one in mistakes:
            place = self.places[one.location_id]
            if one.on_hand_delta < 0 and not place.active:
                return actions.not_active(place)
        levels = [self.shelf.place(one.product_id, one.location_id) for one in mistakes]
        first = mistakes[0]
        if len(levels) > 1:
            there, here = levels
            why = Why(Kind.TRANSFER_OUT, by, reason=REVERSAL)
            return actions.carried(self.shelf, there, here, why=why, quantity=first.on_hand_delta)
        why = Why(first.kind, by, reason=REVERSAL)
        return actions.shifted(self.shelf, levels[0], why=why, delta=-first.on_hand_delta)
