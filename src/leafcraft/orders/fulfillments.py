"""What is sent of orders: whole or in part, from where it was promised or from a location that is named."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leafcraft import events
from leafcraft.bulk import each
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.orders import parcels, rules, units
from leafcraft.orders.desk import Desk, Needs
from leafcraft.orders.holds import short
from leafcraft.orders.parcels import Fulfillment
from leafcraft.orders.rules import Order, Status, Verb
from leafcraft.orders.units import Counted, Wanted, told_items
from leafcraft.stock import keeping as stock
from leafcraft.stock.actions import not_active, refuse_room, unknown_place
from leafcraft.stock.rules import Location, Portion

UNDONE = "fulfillment undone"


class Fulfill(NamedTuple):
    """Send these units; `items` None: all that is open. From one location, if it is named."""

    order_id: int
    by: Cause
    items: Sequence[Wanted] | None = None
    location: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None


class Undo(NamedTuple):
    """A fulfillment was a mistake: the goods are where they were, and promised as before."""

    order_id: int
    fulfillment_id: int
    by: Cause


class Track(NamedTuple):
    """Say who carries a fulfillment, under which number; `fields` are what becomes something else."""

    order_id: int
    fulfillment_id: int
    fields: Mapping[str, Any]
    by: Cause


Sent = Fulfillment | Refusal


class _Decided(NamedTuple):
    """What is to be sent, from where, and the order as it is after that."""

    draft: Fulfillment
    portions: Sequence[Portion]
    order: Order


async def fulfill(tx: Transaction, commands: Sequence[Fulfill]) -> Sequence[Sent]:
    codes = {command.location for command in commands if command.location is not None}
    desk = await Desk.take(tx, (command.order_id for command in commands), Needs(locations=codes))
    decided = [_fulfilled(desk, command) for command in commands]
    desk.put_back()
    made = iter(await _add(tx, [one for one in decided if isinstance(one, _Decided)]))
    outcomes: list[Sent] = []
    for command, one in zip(commands, decided, strict=True):
        if isinstance(one, Refusal):
            outcomes.append(one)
            continue
        outcomes.append(sent := next(made))
        _tell(tx, one.order, sent, by=command.by)
    return await stock.named(tx, outcomes)


fulfill_many = each(fulfill)


async def _add(tx: Transaction, decided: Sequence[_Decided]) -> list[Fulfillment]:
    lines = await parcels.located(tx, [one.portions for one in decided])
    drafts = [one.draft._replace(lines=of) for one, of in zip(decided, lines, strict=True)]
    return await parcels.add_fulfillments(tx, drafts)


def _fulfilled(desk: Desk, command: Fulfill) -> _Decided | Refusal:
    order = desk.find(command.order_id, Verb.FULFILL)
    if isinstance(order, Refusal):
        return order
    place = desk.places.get(command.location or "")
    refusal = _refuse_place(command, place)
    if refusal is not None:
        return refusal
    counted = _counted(order, command)
    if isinstance(counted, Refusal):
        return counted
    if place is not None:
        shortages = desk.promised.missing_at(order.id, counted, place.id)
        if shortages:
            detail = f"There is not enough stock for order {order.id} at {place.code}."
            return short(detail, shortages, order_id=order.id)
    sent = desk.promised.fulfill(
        order.id, counted, command.by, location_id=place.id if place else None
    )
    after = desk.orders[order.id] = _with(order, counted, verb=Verb.FULFILL, now=desk.tx.now)
    how = (command.carrier, command.tracking_number)
    draft = Fulfillment(0, order.id, *how, None, command.by.actor, desk.tx.now)
    return _Decided(draft, sent, after)


def _counted(order: Order, command: Fulfill) -> Counted | Refusal:
    if order.on_hold_reason is not None:
        detail = f"Order {order.id} is on hold: {order.on_hold_reason}."
        return Refusal(Code.ORDER_ON_HOLD, detail, order_id=order.id)
    if command.items is None:
        return units.all_of(order.lines, lambda line: line.open)
    return units.spread(order.lines, command.items, lambda line: line.open)


def _refuse_place(command: Fulfill, place: Location | None) -> Refusal | None:
    if command.location is None:
        return None
    if place is None:
        return unknown_place("location", command.location)
    return None if place.active else not_active(place)


def _with(order: Order, counted: Counted, *, verb: Verb, now: int, sign: int = 1) -> Order:
    """The order with so many units more fulfilled, or less."""
    lines = [
        line._replace(fulfilled=line.fulfilled + sign * counted.get(line.line_no, 0))
        for line in order.lines
    ]
    return rules.with_lines(order, lines, verb=verb, now=now)


def _tell(tx: Transaction, order: Order, sent: Fulfillment, *, by: Cause) -> None:
    counted = _by_line(sent)
    complete = order.status is Status.FULFILLED
    events.record(
        tx,
        "order.fulfilled" if complete else "order.partly_fulfilled",
        order.id,
        by=by,
        fulfillment_id=sent.id,
        items=told_items(order.lines, counted),
        carrier=sent.carrier,
        tracking_number=sent.tracking_number,
    )


def _by_line(sent: Fulfillment) -> Counted:
    counted: dict[int, int] = {}
    for line in sent.lines:
        counted[line.line_no] = counted.get(line.line_no, 0) + line.quantity
    return counted


async def undo(tx: Transaction, commands: Sequence[Undo]) -> Sequence[Sent]:
    """Each fulfillment is undone once, unless some of it has come back already."""
    asked = {command.fulfillment_id for command in commands}
    sent = (await parcels.fulfillments(tx, asked)).values()
    sites = {line.location_id for one in sent for line in one.lines}
    desk = await Desk.take(
        tx, (command.order_id for command in commands), Needs(location_ids=sites)
    )
    # Read again: with the orders locked, nobody else undoes anything of them.
    known = dict(await parcels.fulfillments(tx, asked))
    outcomes = []
    for command in commands:
        outcome = _undone(desk, command, known)
        if isinstance(outcome, Fulfillment):
            known[outcome.id] = outcome
            parcels.undo(tx, outcome.id)
            events.record(
                tx,
                "order.fulfillment_undone",
                outcome.order_id,
                by=command.by,
                fulfillment_id=outcome.id,
            )
        outcomes.append(outcome)
    desk.put_back()
    return outcomes


def _undone(desk: Desk, command: Undo, known: Mapping[int, Fulfillment]) -> Sent:
    order = desk.find(command.order_id)
    if isinstance(order, Refusal):
        return order
    sent = _find(known, order.id, command.fulfillment_id)
    refusal = _refused(sent) or rules.refuse(Verb.UNDO, order)
    if refusal is not None or isinstance(sent, Refusal):
        return refusal or sent
    if sent.undone_at is not None:
        detail = f"Fulfillment {sent.id} has been undone already."
        return Refusal(Code.FULFILLMENT_ALREADY_UNDONE, detail, fulfillment_id=sent.id)
    refusal = _refuse_undo(desk, order, sent)
    if refusal is not None:
        return refusal
    portions = [line.portion for line in sent.lines]
    desk.promised.take_back(order.id, portions, command.by, reason=UNDONE)
    counted = _by_line(sent)
    desk.orders[order.id] = _with(order, counted, verb=Verb.UNDO, now=desk.tx.now, sign=-1)
    return sent._replace(undone_at=desk.tx.now)


def _refuse_undo(desk: Desk, order: Order, sent: Fulfillment) -> Refusal | None:
    """What has come back was sent; and where nothing may lie, nothing can be put back."""
    for place in desk.places.values():
        if not place.active and any(line.location_id == place.id for line in sent.lines):
            return not_active(place)
    for line_no, sent_units in _by_line(sent).items():
        line = next(line for line in order.lines if line.line_no == line_no)
        if line.fulfilled - sent_units < line.returned:
            detail = f"Some of fulfillment {sent.id} has come back: it has been sent."
            return Refusal(Code.CONFLICT, detail, fulfillment_id=sent.id)
    return refuse_room(desk.shelf, [line.portion for line in sent.lines])


def _refused(found: object) -> Refusal | None:
    return found if isinstance(found, Refusal) else None


def _find(known: Mapping[int, Fulfillment], order_id: int, number: int) -> Sent:
    sent = known.get(number)
    if sent is None or sent.order_id != order_id:
        return not_found("fulfillment", number)
    return sent


async def track(tx: Transaction, commands: Sequence[Track]) -> Sequence[Sent]:
    """The carrier and the number often come later than the parcel leaves."""
    desk = await Desk.take(tx, (command.order_id for command in commands), Needs(moving=()))
    known = dict(await parcels.fulfillments(tx, (command.fulfillment_id for command in commands)))
    outcomes = []
    for command in commands:
        outcome = _refused(desk.find(command.order_id)) or _find(
            known, command.order_id, command.fulfillment_id
        )
        if isinstance(outcome, Fulfillment):
            outcome = _tracked(tx, outcome, command)
            known[outcome.id] = outcome
        outcomes.append(outcome)
    desk.put_back()
    return outcomes


def _tracked(tx: Transaction, before: Fulfillment, command: Track) -> Fulfillment:
    after = before._replace(**command.fields)
    if after != before:
        parcels.track(tx, after)
        events.record(
            tx,
            "order.tracking_changed",
            after.order_id,
            by=command.by,
            fulfillment_id=after.id,
            carrier=after.carrier,
            tracking_number=after.tracking_number,
        )
    return after
