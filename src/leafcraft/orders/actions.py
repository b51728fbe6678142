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
from leafcraft.orders.rules import Line, Order, Status
from leafcraft.orders.store import Draft
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
    drafts = [_draft(command, known, tx.now) for command in commands]
    shelf = await stock.take(tx, _held_products(drafts))
    drafts = _refuse_short(drafts, shelf)
    added = iter(await store.add(tx, [draft for draft in drafts if isinstance(draft, Draft)]))
    outcomes = [draft if isinstance(draft, Refusal) else next(added) for draft in drafts]
    for command, outcome in zip(commands, outcomes, strict=True):
        if isinstance(outcome, Order) and outcome.expires_at is not None:
            reserve(shelf, outcome, command, until=outcome.expires_at)
    stock.put_back(tx, shelf)
    tell(tx, "order.created", zip(commands, outcomes, strict=True))
    return await stock.named(tx, outcomes)


def _draft(command: Create, known: Mapping[int, Product], now: int) -> Draft | Refusal:
    missing = sorted({product_id for product_id, _ in command.items} - known.keys())
    if missing:
        named = ", ".join(map(str, missing))
        return Refusal(Code.PRODUCT_NOT_FOUND, f"No such product: {named}.", product_ids=missing)
    archived = sorted({product_id for product_id, _ in command.items if known[product_id].archived})
    if archived:
        named = ", ".join(map(str, archived))
        return Refusal(Code.PRODUCT_ARCHIVED, f"Archived: product {named}.", product_ids=archived)
    lines = [
        Line(product_id, quantity, known[product_id].price_minor)
        for product_id, quantity in command.items
    ]
    total = rules.total(lines)
    if isinstance(total, Refusal):
        return total
    until = None if command.hold_minutes is None else end_of(command.hold_minutes, now)
    return Draft(lines, total, command.currency, until)


def _held_products(drafts: Sequence[Draft | Refusal]) -> set[int]:
    """The products that are to be promised now."""
    return {
        line.product_id
        for draft in drafts
        if isinstance(draft, Draft) and draft.expires_at is not None
        for line in draft.lines
    }


def _refuse_short(drafts: Sequence[Draft | Refusal], shelf: Shelf) -> list[Draft | Refusal]:
    """Refuses what can't be held, before there is an order: in arrival order, all lines or none."""
    promised: Counter[int] = Counter()
    outcomes: list[Draft | Refusal] = []
    for draft in drafts:
        if isinstance(draft, Draft) and draft.expires_at is not None:
            demands = rules.demands(draft.lines)
            shortages = shelf.shortages(demands, promised)
            if shortages:
                outcomes.append(short("There is not enough stock to hold.", shortages))
                continue
            promised.update(totals(demands))
        outcomes.append(draft)
    return outcomes


async def confirm(tx: Transaction, commands: Sequence[Confirm]) -> Sequence[Order | Refusal]:
    orders = await store.lock(tx, (command.order_id for command in commands))
    shelf = await stock.take(tx, products_of(orders.values(), promisable))
    held = await held_now(tx, orders, shelf)
    outcomes = [_confirmed(orders, shelf, command, held=held, now=tx.now) for command in commands]
    stock.put_back(tx, shelf)
    confirmed = placed(outcomes)
    store.confirm(tx, confirmed)
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
    order = pending(orders, command.order_id)
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
    outcomes: list[Order | Refusal] = []
    for command in commands:
        outcome = _cancelled(orders, command, tx.now)
        if isinstance(outcome, Order):
            shelf.release(promised.get(outcome.id, ()), command.by)
        outcomes.append(outcome)
    stock.put_back(tx, shelf)
    cancelled = placed(outcomes)
    store.cancel(tx, cancelled)
    store.end_holds(tx, [order_id for order_id in cancelled if order_id in held])
    tell(tx, "order.cancelled", zip(commands, outcomes, strict=True))
    return outcomes


def _cancelled(orders: dict[int, Order], command: Cancel, now: int) -> Order | Refusal:
    order = orders.get(command.order_id)
    if order is None:
        return not_found("order", command.order_id)
    refusal = rules.refuse_cancel(order)
    if refusal is None:
        orders[order.id] = rules.cancelled(order, now)
    return refusal or orders[order.id]


def _promised(order: Order) -> bool:
    return order.status is Status.CONFIRMED or order.holds
