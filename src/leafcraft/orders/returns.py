"""What comes back of orders: it goes on sale again, or is written off."""

from collections.abc import Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Refusal
from leafcraft.orders import parcels, rules, units
from leafcraft.orders.desk import Desk, Needs
from leafcraft.orders.parcels import Return
from leafcraft.orders.rules import Disposition, Verb
from leafcraft.orders.units import Wanted
from leafcraft.stock.actions import not_active, refuse_room, unknown_place
from leafcraft.stock.rules import MAIN_CODE, Kind, Portion, Why


class TakeBack(NamedTuple):
    """These units have come back, to a location."""

    order_id: int
    items: Sequence[Wanted]
    disposition: Disposition
    by: Cause
    reason: str | None = None
    location: str = MAIN_CODE


CameBack = Return | Refusal


async def take_back(tx: Transaction, commands: Sequence[TakeBack]) -> Sequence[CameBack]:
    """Never more than was sent and is not back yet."""
    codes = {command.location for command in commands}
    desk = await Desk.take(tx, (command.order_id for command in commands), Needs(locations=codes))
    decided = [_returned(desk, command) for command in commands]
    desk.put_back()
    made = iter(await _add(tx, [one for one in decided if not isinstance(one, Refusal)]))
    outcomes = [one if isinstance(one, Refusal) else next(made) for one in decided]
    for command, outcome in zip(commands, outcomes, strict=True):
        if isinstance(outcome, Return):
            _tell(tx, outcome, by=command.by)
    return outcomes


async def _add(
    tx: Transaction, decided: Sequence[tuple[Return, Sequence[Portion]]]
) -> list[Return]:
    lines = await parcels.located(tx, [portions for _, portions in decided])
    drafts = [one._replace(lines=of) for (one, _), of in zip(decided, lines, strict=True)]
    return await parcels.add_returns(tx, drafts)


def _returned(desk: Desk, command: TakeBack) -> tuple[Return, Sequence[Portion]] | Refusal:
    order = desk.find(command.order_id, Verb.RETURN)
    if isinstance(order, Refusal):
        return order
    counted = units.spread(order.lines, command.items, lambda line: line.fulfilled - line.returned)
    if isinstance(counted, Refusal):
        return counted
    place = desk.places.get(command.location)
    if place is None:
        return unknown_place("location", command.location)
    if not place.active:
        return not_active(place)
    portions = [
        Portion(line.line_no, line.product_id, place.id, counted[line.line_no])
        for line in order.lines
        if line.line_no in counted
    ]
    refusal = refuse_room(desk.shelf, portions)
    if refusal is not None:
        return refusal
    _put(desk, portions, command)
    lines = [
        line._replace(returned=line.returned + counted.get(line.line_no, 0)) for line in order.lines
    ]
    desk.orders[order.id] = rules.with_lines(order, lines, verb=Verb.RETURN, now=desk.tx.now)
    actor, now = command.by.actor, desk.tx.now
    return Return(0, order.id, command.disposition, command.reason, actor, now), portions


def _put(desk: Desk, portions: Sequence[Portion], command: TakeBack) -> None:
    """All that comes back is there; what is written off leaves again, so that the ledger tells of it."""
    for _, product_id, location_id, quantity in portions:
        level = desk.shelf.place(product_id, location_id)
        why = Why(
            Kind.RETURN,
            command.by,
            command.order_id,
            command.disposition.value,
            note=command.reason,
        )
        desk.shelf.move(level, why, on_hand=quantity)
        if command.disposition is Disposition.WRITE_OFF:
            desk.shelf.move(level, why._replace(kind=Kind.ADJUSTMENT), on_hand=-quantity)


def _tell(tx: Transaction, came_back: Return, *, by: Cause) -> None:
    events.record(
        tx,
        "order.returned",
        came_back.order_id,
        by=by,
        return_id=came_back.id,
        items=[
            {"line": one.line_no, "product_id": one.product_id, "quantity": one.quantity}
            for one in came_back.lines
        ],
        disposition=came_back.disposition,
        reason=came_back.reason,
    )
