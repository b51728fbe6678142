"""What people change about orders: what is ordered, what is said about them, and what is not wanted any more."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal
from leafcraft.orders import rules, store, units
from leafcraft.orders.actions import reference_taken, refuse_products
from leafcraft.orders.desk import Desk, Needs
from leafcraft.orders.holds import short
from leafcraft.orders.rules import Line, Order, Status, Verb
from leafcraft.orders.units import Wanted, told_items
from leafcraft.products import store as products
from leafcraft.products.store import Product
from leafcraft.stock import keeping as stock
from leafcraft.stock.rules import Demand, Strategy, totals
from leafcraft.times import NEVER

PAYMENT = {"payment_status", "payment_reference"}
ON_HOLD = "on_hold_reason"


class Edit(NamedTuple):
    """`fields` are those of an Order that become something else; `items` None: the lines stay.

    `versions`: those the edit may be based on; None: any.
    """

    order_id: int
    by: Cause
    fields: Mapping[str, Any]
    items: Sequence[Wanted] | None = None
    versions: frozenset[int] | None = None
    strategy: Strategy = Strategy.PRIORITY

    @property
    def reference(self) -> str | None:
        return self.fields.get("reference")


class CancelItems(NamedTuple):
    """These units are not wanted any more."""

    order_id: int
    items: Sequence[Wanted]
    by: Cause


class _Known(NamedTuple):
    """What edits ask for beside the orders themselves."""

    products: Mapping[int, Product]
    references: dict[str, int]


async def edit(tx: Transaction, commands: Sequence[Edit]) -> Sequence[Order | Refusal]:
    wanted = {item.product_id for command in commands for item in command.items or ()}
    named = {command.reference for command in commands if command.reference is not None}
    moving = {command.order_id for command in commands if command.items is not None}
    asked = (command.order_id for command in commands)
    desk = await Desk.take(tx, asked, Needs(moving, wanted))
    known = _Known(await products.by_id(tx, wanted), dict(await store.references(tx, named)))
    outcomes = []
    for command in commands:
        before = desk.orders.get(command.order_id)
        outcome = _edited(desk, command, known)
        if before is not None and isinstance(outcome, Order):
            _tell(tx, before, outcome, by=command.by)
        outcomes.append(outcome)
    desk.put_back()
    return await stock.named(tx, outcomes)


def _edited(desk: Desk, command: Edit, known: _Known) -> Order | Refusal:
    order = desk.find(command.order_id)
    if isinstance(order, Refusal):
        return order
    if command.versions is not None and order.version not in command.versions:
        return Refusal(Code.PRECONDITION_FAILED, "The order has been changed since it was read.")
    news = {name: new for name, new in command.fields.items() if new != getattr(order, name)}
    refusal = _refuse(order, command, news=news, references=known.references)
    if refusal is not None:
        return refusal
    after = (
        order if command.items is None else _with_items(desk, order, command=command, known=known)
    )
    if isinstance(after, Refusal) or (after is order and not news):
        return after
    if after is order:
        after = order.at(order.status, desk.tx.now)
    desk.orders[order.id] = after._replace(**news)
    _claim(known.references, order, command.reference)
    return desk.orders[order.id]


def _with_items(desk: Desk, order: Order, *, command: Edit, known: _Known) -> Order | Refusal:
    """The order with the lines that are wanted; itself, when it has them already."""
    lines = _lines(order, command.items or (), known)
    if isinstance(lines, Refusal):
        return lines
    if list(lines) == list(order.lines):
        return order
    total = rules.total(lines)
    if isinstance(total, Refusal):
        return total
    refusal = _move(desk, order, lines, command=command)
    if refusal is not None:
        return refusal
    after = rules.with_lines(order, lines, verb=Verb.EDIT, now=desk.tx.now)
    return after._replace(total_minor=total)


def _refuse(
    order: Order, command: Edit, *, news: Mapping[str, Any], references: Mapping[str, int]
) -> Refusal | None:
    refusal = None
    if command.items is not None or news.keys() - PAYMENT:
        refusal = rules.refuse(Verb.EDIT, order)
    owner = references.get(command.reference or "", order.id)
    if refusal is None and owner != order.id:
        return reference_taken(command.reference, owner)
    return refusal


def _claim(references: dict[str, int], order: Order, reference: str | None) -> None:
    if reference is not None:
        references.setdefault(reference, order.id)


def _lines(order: Order, items: Sequence[Wanted], known: _Known) -> Sequence[Line] | Refusal:
    """An archived product can't be ordered, but what was ordered of it stays."""
    new = {item.product_id for item in items} - {line.product_id for line in order.lines}
    refusal = refuse_products(new, known.products)
    prices = {number: product.price_minor for number, product in known.products.items()}
    return refusal or units.renewed(order.lines, items, prices)


def _move(desk: Desk, order: Order, lines: Sequence[Line], *, command: Edit) -> Refusal | None:
    """Moves the difference in stock and nothing else, all of it or none."""
    if not order.holds and order.confirmed_at is None:
        return None
    old = {line.line_no: line.open for line in order.lines}
    more = [
        Demand(line.line_no, line.product_id, line.open - old.get(line.line_no, 0))
        for line in lines
        if line.open > old.get(line.line_no, 0)
    ]
    new = {line.line_no: line.open for line in lines}
    less = {
        line_no: units - new.get(line_no, 0)
        for line_no, units in old.items()
        if units > new.get(line_no, 0)
    }
    shortages = desk.shelf.shortages(_net(order, more, less))
    if shortages:
        detail = f"There is not enough stock for order {order.id}."
        return short(detail, shortages, order_id=order.id)
    until = order.expires_at if order.holds and order.expires_at is not None else NEVER
    desk.promised.release(order.id, less, command.by)
    desk.promised.reserve(order.id, more, command.by, strategy=command.strategy, until=until)
    return None


def _net(order: Order, more: Sequence[Demand], less: Mapping[int, int]) -> list[Demand]:
    """What the order wants beyond what it gives back itself."""
    given: dict[int, int] = {}
    for line in order.lines:
        given[line.product_id] = given.get(line.product_id, 0) + less.get(line.line_no, 0)
    wanted = {
        product_id: units - given.get(product_id, 0) for product_id, units in totals(more).items()
    }
    return [Demand(0, product_id, units) for product_id, units in wanted.items() if units > 0]


def _tell(tx: Transaction, before: Order, after: Order, *, by: Cause) -> None:
    """One fact for each kind of thing that has changed."""
    changed = {
        _NAMES.get(name, name): [_told(name, old), _told(name, new)]
        for name, old, new in zip(Order._fields, before, after, strict=True)
        if old != new and name in _SHOWN
    }
    edited = {name: pair for name, pair in changed.items() if name not in PAYMENT | {ON_HOLD}}
    paid = {name: pair for name, pair in changed.items() if name in PAYMENT}
    if edited:
        events.record(tx, "order.edited", after.id, by=by, **edited)
    if ON_HOLD in changed:
        fact = "order.taken_off_hold" if after.on_hold_reason is None else "order.put_on_hold"
        events.record(tx, fact, after.id, by=by, reason=after.on_hold_reason)
    if paid:
        events.record(tx, "order.payment_changed", after.id, by=by, **paid)
    _tell_fulfilled(tx, before, after, by=by)


def _tell_fulfilled(tx: Transaction, before: Order, after: Order, *, by: Cause) -> None:
    """Whoever waits for an order to be Fulfilled hears of it, even if nothing was sent just now."""
    if after.status is Status.FULFILLED is not before.status:
        events.record(tx, "order.fulfilled", after.id, by=by, total_minor=after.total_minor)


_NAMES = {"lines": "items"}
_SHOWN = {"lines", "total_minor", "reference", "customer", "note", ON_HOLD} | PAYMENT


def _told(name: str, value: Any) -> Any:
    if name == "lines":
        return [{"product_id": line.product_id, "quantity": line.quantity} for line in value]
    if name == "customer" and value is not None:
        return orjson.Fragment(value)
    return value


async def cancel_items(
    tx: Transaction, commands: Sequence[CancelItems]
) -> Sequence[Order | Refusal]:
    """Cancels units line by line. What is promised of them is available again, once."""
    desk = await Desk.take(tx, (command.order_id for command in commands))
    outcomes = [_without(desk, command) for command in commands]
    desk.put_back()
    return outcomes


def _without(desk: Desk, command: CancelItems) -> Order | Refusal:
    order = desk.find(command.order_id, Verb.CANCEL_UNITS)
    if isinstance(order, Refusal):
        return order
    counted = units.spread(order.lines, command.items, lambda line: line.open)
    if isinstance(counted, Refusal):
        return counted
    if order.holds or order.confirmed_at is not None:
        desk.promised.release(order.id, counted, command.by)
    lines = [
        line._replace(cancelled=line.cancelled + counted.get(line.line_no, 0))
        for line in order.lines
    ]
    after = rules.with_lines(order, lines, verb=Verb.CANCEL_UNITS, now=desk.tx.now)
    desk.orders[order.id] = after
    over = after.cancelled_at is not None
    fact = "order.cancelled" if over else "order.partly_cancelled"
    items = told_items(order.lines, counted)
    events.record(
        desk.tx, fact, order.id, by=command.by, total_minor=order.total_minor, items=items
    )
    _tell_fulfilled(desk.tx, order, after, by=command.by)
    return after
