"""What happens to orders: they are created, confirmed and cancelled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft.bulk import each
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.orders import rules, store
from leafcraft.orders.holds import (
    Held,
    end_of,
    held_now,
    pending,
    placed,
    products_of,
    prolong,
    promisable,
    reserve,
    short,
    tell,
)
from leafcraft.orders.rules import Line, Order, Status, Verb
from leafcraft.orders.store import NO_DETAILS, Details, Draft
from leafcraft.products import store as products
from leafcraft.products.store import Product
from leafcraft.stock import keeping as stock
from leafcraft.stock import promises
from leafcraft.stock.rules import Strategy, totals
from leafcraft.stock.shelf import Shelf
from leafcraft.times import NEVER


class Create(NamedTuple):
    """`items` are product ids with quantities; the prices are the products' own, at that moment."""

    items: Sequence[tuple[int, int]]
    currency: str
    by: Cause
    hold_minutes: int | None = None
    strategy: Strategy = Strategy.PRIORITY
    details: Details = NO_DETAILS


class Confirm(NamedTuple):
    order_id: int
    by: Cause
    strategy: Strategy = Strategy.PRIORITY


class Cancel(NamedTuple):
    order_id: int
    by: Cause


async def create(tx: Transaction, commands: Sequence[Create]) -> Sequence[Order | Refusal]:
    wanted = {product_id for command in commands for product_id, _ in command.items}
    known = await products.by_id(tx, wanted)
    named = {reference for c in commands if (reference := c.details.reference) is not None}
    taken = await store.references(tx, named)
    drafts = [_taken(command, taken) or _draft(command, known, tx.now) for command in commands]
    shelf = await stock.take(tx, _held_products(drafts))
    decided = _decide(drafts, shelf)
    added = iter(await store.add(tx, [draft for draft in decided if isinstance(draft, Draft)]))
    outcomes: list[Order | Refusal] = []
    for one in decided:
        match one:
            case _Repeat(reference, first):
                outcomes.append(reference_taken(reference, order_id=_id(outcomes[first])))
            case Draft():
                outcomes.append(next(added))
            case _:
                outcomes.append(one)
    for command, outcome in zip(commands, outcomes, strict=True):
        if isinstance(outcome, Order) and outcome.expires_at is not None:
            reserve(shelf, outcome, command, until=outcome.expires_at)
    stock.put_back(tx, shelf)
    tell(tx, "order.created", zip(commands, outcomes, strict=True))
    return await stock.named(tx, outcomes)


class _Repeat(NamedTuple):
    """A draft with the reference of one before it."""

    reference: str
    first: int


def _taken(command: Create, taken: Mapping[str, int]) -> Refusal | None:
    """Asked first: a storefront's retry wants to know of its order, whatever has changed since."""
    reference = command.details.reference
    order_id = taken.get(reference or "")
    return None if order_id is None else reference_taken(reference, order_id)


def _id(outcome: Order | Refusal) -> int:
    if isinstance(outcome, Refusal):
        raise AssertionError("a refused order has claimed its reference")
    return outcome.id


def reference_taken(reference: str | None, order_id: int) -> Refusal:
    detail = f"Order {order_id} has the reference {reference}."
    return Refusal(Code.REFERENCE_TAKEN, detail, order_id=order_id, reference=reference)


create_many = each(create)


def _draft(command: Create, known: Mapping[int, Product], now: int) -> Draft | Refusal:
    refusal = refuse_products({product_id for product_id, _ in command.items}, known)
    if refusal is not None:
        return refusal
    lines = [
        Line(line_no, product_id, quantity, known[product_id].price_minor)
        for line_no, (product_id, quantity) in enumerate(command.items, start=1)
    ]
    total = rules.total(lines)
    if isinstance(total, Refusal):
        return total
    until = None if command.hold_minutes is None else end_of(command.hold_minutes, now)
    return Draft(lines, total, command.currency, until, command.details)


def refuse_products(product_ids: set[int], known: Mapping[int, Product]) -> Refusal | None:
    """Why these products can't be ordered, with all that can't."""
    missing = sorted(product_ids - known.keys())
    if missing:
        named = ", ".join(map(str, missing))
        return Refusal(Code.PRODUCT_NOT_FOUND, f"No such product: {named}.", product_ids=missing)
    archived = sorted(product_id for product_id in product_ids if known[product_id].archived)
    if archived:
        named = ", ".join(map(str, archived))
        return Refusal(Code.PRODUCT_ARCHIVED, f"Archived: product {named}.", product_ids=archived)
    return None


def _held_products(drafts: Sequence[Draft | Refusal]) -> set[int]:
    """The products that are to be promised now."""
    return {
        line.product_id
        for draft in drafts
        if isinstance(draft, Draft) and draft.expires_at is not None
        for line in draft.lines
    }


def _decide(drafts: Sequence[Draft | Refusal], shelf: Shelf) -> list[Draft | Refusal | _Repeat]:
    """What becomes an order, in arrival order: a reference once, and a hold with all lines or none."""
    promised: Counter[int] = Counter()
    claimed: dict[str, int] = {}
    decided: list[Draft | Refusal | _Repeat] = []
    for place, draft in enumerate(drafts):
        if isinstance(draft, Refusal):
            decided.append(draft)
            continue
        reference = draft.details.reference
        if reference is not None and reference in claimed:
            decided.append(_Repeat(reference, claimed[reference]))
            continue
        refusal = _refuse_short(draft, shelf, promised)
        if refusal is None and reference is not None:
            claimed[reference] = place
        decided.append(refusal or draft)
    return decided


def _refuse_short(draft: Draft, shelf: Shelf, promised: Counter[int]) -> Refusal | None:
    """`promised` remembers what those before were told they will get."""
    if draft.expires_at is None:
        return None
    demands = rules.demands(draft.lines)
    shortages = shelf.shortages(demands, promised)
    if shortages:
        return short("There is not enough stock to hold.", shortages)
    promised.update(totals(demands))
    return None


async def confirm(tx: Transaction, commands: Sequence[Confirm]) -> Sequence[Order | Refusal]:
    orders = await store.lock(tx, (command.order_id for command in commands))
    shelf = await stock.take(tx, products_of(orders.values(), promisable))
    held = await held_now(tx, orders, shelf)
    before = dict(orders)
    outcomes = [_confirmed(orders, shelf, command, held=held, now=tx.now) for command in commands]
    stock.put_back(tx, shelf)
    confirmed = placed(outcomes)
    store.confirm(tx, [(before[order_id], orders[order_id]) for order_id in confirmed])
    firm = [order_id for order_id in confirmed if order_id in held]
    prolong(tx, [orders[order_id] for order_id in firm], held)
    store.end_holds(tx, firm)
    tell(tx, "order.confirmed", zip(commands, outcomes, strict=True))
    return await stock.named(tx, outcomes)


confirm_many = each(confirm)


def _confirmed(
    orders: dict[int, Order], shelf: Shelf, command: Confirm, *, held: Held, now: int
) -> Order | Refusal:
    """All lines or nothing, in arrival order: `orders` and `shelf` remember what was decided."""
    order = pending(orders, command.order_id, Verb.CONFIRM)
    if isinstance(order, Refusal):
        return order
    if order.id not in held:
        shortages = shelf.shortages(order.demands)
        if shortages:
            detail = f"There is not enough stock for order {order.id}."
            return short(detail, shortages, order_id=order.id)
        reserve(shelf, order, command, until=NEVER)
    orders[order.id] = rules.confirmed(order, now)
    return orders[order.id]


async def cancel(tx: Transaction, commands: Sequence[Cancel]) -> Sequence[Order | Refusal]:
    orders = await store.lock(tx, (command.order_id for command in commands))
    shelf = await stock.take(tx, products_of(orders.values(), _promised))
    held = await held_now(tx, orders, shelf)
    confirmed = [order.id for order in orders.values() if order.status is Status.CONFIRMED]
    promised = {**held, **await promises.active(tx, confirmed)}
    before = dict(orders)
    outcomes: list[Order | Refusal] = []
    for command in commands:
        outcome = _cancelled(orders, command, tx.now)
        if isinstance(outcome, Order):
            shelf.release(promised.get(outcome.id, ()), command.by)
        outcomes.append(outcome)
    stock.put_back(tx, shelf)
    cancelled = placed(outcomes)
    store.cancel(tx, [(before[order_id], orders[order_id]) for order_id in cancelled])
    store.end_holds(tx, [order_id for order_id in cancelled if order_id in held])
    tell(tx, "order.cancelled", zip(commands, outcomes, strict=True))
    return outcomes


cancel_many = each(cancel)


def _cancelled(orders: dict[int, Order], command: Cancel, now: int) -> Order | Refusal:
    order = orders.get(command.order_id)
    if order is None:
        return not_found("order", command.order_id)
    refusal = rules.refuse(Verb.CANCEL, order)
    if refusal is None:
        orders[order.id] = rules.cancelled(order, now)
    return refusal or orders[order.id]


def _promised(order: Order) -> bool:
    return order.status is Status.CONFIRMED or order.holds
