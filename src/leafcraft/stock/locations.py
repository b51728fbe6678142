"""What happens to locations: they are opened, renamed, ranked, and closed when nothing lies there."""

from collections.abc import Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.stock import store
from leafcraft.stock.rules import MAIN, MAIN_CODE, Location


class AddLocation(NamedTuple):
    code: str
    name: str
    priority: int
    by: Cause


class EditLocation(NamedTuple):
    """None leaves a field as it is."""

    location_id: int
    by: Cause
    name: str | None = None
    priority: int | None = None
    active: bool | None = None


async def add_location(
    tx: Transaction, commands: Sequence[AddLocation]
) -> Sequence[Location | Refusal]:
    taken = set(await store.locations(tx, (command.code for command in commands)))
    outcomes: list[Location | Refusal] = []
    for code, name, priority, by in commands:
        if code in taken:
            detail = f"There is a location {code} already."
            outcomes.append(Refusal(Code.CONFLICT, detail, location=code))
            continue
        taken.add(code)
        made = await store.add_location(tx, code, name, priority=priority)
        events.record(tx, "location.created", made.id, by=by, **made._asdict())
        outcomes.append(made)
    return outcomes


async def edit_location(
    tx: Transaction, commands: Sequence[EditLocation]
) -> Sequence[Location | Refusal]:
    asked = (command.location_id for command in commands)
    # For nobody else: whoever brings goods in holds the location, too.
    known = await store.locations_by_id(tx, asked, tx.for_update)
    outcomes: list[Location | Refusal] = []
    for command in commands:
        outcome = await _edited(tx, known.get(command.location_id), command)
        if not isinstance(outcome, Refusal):
            _save(tx, known[outcome.id], outcome, by=command.by)
            known[outcome.id] = outcome
        outcomes.append(outcome)
    return outcomes


async def _edited(
    tx: Transaction, location: Location | None, command: EditLocation
) -> Location | Refusal:
    if location is None:
        return not_found("location", command.location_id)
    closes = command.active is False and location.active
    if closes and location.id == MAIN:
        return Refusal(Code.CONFLICT, f"{MAIN_CODE} stays: goods come in there by default.")
    if closes and await store.holds_stock(tx, location.id):
        return Refusal(Code.CONFLICT, f"There is stock at {location.code}: move it first.")
    wanted = {
        field: value
        for field in ("name", "priority", "active")
        if (value := getattr(command, field)) is not None
    }
    return location._replace(**wanted)


def _save(tx: Transaction, before: Location, after: Location, *, by: Cause) -> None:
    changed = {
        field: [was, now]
        for field, was, now in zip(Location._fields, before, after, strict=True)
        if was != now
    }
    if changed:
        store.save_location(tx, after)
        events.record(tx, "location.edited", after.id, by=by, **changed)
