"""What happens to orders: they are created, confirmed and cancelled."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.orders import rules, store
from leafcraft.orders.rules import Line, Order, Status
from leafcraft.orders.store import Draft
from leafcraft.products import store as products
from leafcraft.products.store import Product
from leafcraft.stock import actions as stock
from leafcraft.stock import store as stock_store
from leafcraft.stock.rules import Shelf, Shortage


class Create(NamedTuple):
    """`items` are product ids with quantities; the prices are the products' own, at that moment."""

    items: Sequence[tuple[int, int]]
    currency: str
    by: Cause


class Confirm(NamedTuple):
    order_id: int
    by: Cause


class ConfirmMany(NamedTuple):
    order_ids: Sequence[int]
    by: Cause


class Cancel(NamedTuple):
    order_id: int
    by: Cause


async def create(tx: Transaction, commands: Sequence[Create]) -> Sequence[Order | Refusal]:
    wanted = {product_id for command in commands for product_id, _ in command.items}
    known = await products.by_id(tx, wanted)
    drafts = [_draft(command, known) for command in commands]
    placed = iter(await store.add(tx, [draft for draft in drafts if isinstance(draft, Draft)]))
    outcomes = [draft if isinstance(draft, Refusal) else next(placed) for draft in drafts]
    for command, outcome in zip(commands, outcomes, strict=True):
        if isinstance(outcome, Order):
            total = outcome.total_minor
            events.record(tx, "order.created", outcome.id, by=command.by, total_minor=total)
    return outcomes


def _draft(command: Create, known: Mapping[int, Product]) -> Draft | Refusal:
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
    return total if isinstance(total, Refusal) else Draft(lines, total, command.currency)


async def confirm(tx: Transaction, commands: Sequence[Confirm]) -> Sequence[Order | Refusal]:
    orders = await store.lock(tx, (command.order_id for command in commands))
    shelf = await stock.shelf(tx, _products_of(orders.values(), Status.PENDING))
    outcomes = [_confirmed(orders, shelf, command, now=tx.now) for command in commands]
    stock.put_back(tx, shelf)
    store.confirm(tx, _ids(outcomes))
    _tell(tx, "order.confirmed", zip(commands, outcomes, strict=True))
    return await _named(tx, outcomes)


def _confirmed(
    orders: dict[int, Order], shelf: Shelf, command: Confirm, *, now: int
) -> Order | Refusal:
    """All lines or nothing, in arrival order: `orders` and `shelf` remember what was decided."""
    order = orders.get(command.order_id)
    if order is None:
        return not_found("order", command.order_id)
    refusal = rules.refuse_confirm(order)
    if refusal is not None:
        return refusal
    demands = order.demands
    shortages = shelf.shortages(demands)
    if shortages:
        return Refusal(
            Code.INSUFFICIENT_STOCK,
            f"There is not enough stock for order {order.id}.",
            order_id=order.id,
            shortages=shortages,
        )
    shelf.reserve(order.id, demands, command.by)
    orders[order.id] = rules.confirmed(order, now)
    return orders[order.id]


async def _named(tx: Transaction, outcomes: Sequence[Order | Refusal]) -> Sequence[Order | Refusal]:
    """Adds to each shortage the sku that people know the product by; a look-up only the refused pay for."""
    short = {one.product_id for outcome in outcomes for one in _shortages(outcome)}
    known = await products.by_id(tx, short)
    return [_with_skus(one, known) if _shortages(one) else one for one in outcomes]


def _shortages(outcome: Order | Refusal) -> Sequence[Shortage]:
    found = outcome.members.get("shortages", ()) if isinstance(outcome, Refusal) else ()
    return cast("Sequence[Shortage]", found)


def _with_skus(outcome: Order | Refusal, known: Mapping[int, Product]) -> Order | Refusal:
    if isinstance(outcome, Order):
        return outcome
    shortages = [_shortage(one, known) for one in _shortages(outcome)]
    return Refusal(outcome.code, outcome.detail, **{**outcome.members, "shortages": shortages})


def _shortage(short: Shortage, known: Mapping[int, Product]) -> dict[str, Any]:
    return {
        "product_id": short.product_id,
        "sku": known[short.product_id].sku,
        "requested": short.requested,
        "available": short.available,
    }


async def confirm_many(
    tx: Transaction, commands: Sequence[ConfirmMany]
) -> Sequence[Sequence[Order | Refusal]]:
    """Many orders in one call, each for itself: the same as confirming them one by one."""
    single = [
        Confirm(order_id, command.by) for command in commands for order_id in command.order_ids
    ]
    outcomes = iter(await confirm(tx, single))
    return [[next(outcomes) for _ in command.order_ids] for command in commands]


async def cancel(tx: Transaction, commands: Sequence[Cancel]) -> Sequence[Order | Refusal]:
    orders = await store.lock(tx, (command.order_id for command in commands))
    confirmed = [order.id for order in orders.values() if order.status is Status.CONFIRMED]
    reserved = await stock_store.active_reservations(tx, confirmed)
    shelf = await stock.shelf(tx, _products_of(orders.values(), Status.CONFIRMED))
    outcomes: list[Order | Refusal] = []
    for command in commands:
        outcome = _cancelled(orders, command, tx.now)
        if isinstance(outcome, Order):
            shelf.release(reserved.get(outcome.id, ()), command.by)
        outcomes.append(outcome)
    stock.put_back(tx, shelf)
    store.cancel(tx, _ids(outcomes))
    _tell(tx, "order.cancelled", zip(commands, outcomes, strict=True))
    return outcomes


def _cancelled(orders: dict[int, Order], command: Cancel, now: int) -> Order | Refusal:
    order = orders.get(command.order_id)
    if order is None:
        return not_found("order", command.order_id)
    refusal = rules.refuse_cancel(order)
    if refusal is None:
        orders[order.id] = rules.cancelled(order, now)
    return refusal or orders[order.id]


def _products_of(orders: Iterable[Order], status: Status) -> set[int]:
    """The products whose stock a decision over these orders can touch."""
    return {line.product_id for order in orders if order.status is status for line in order.lines}


def _ids(outcomes: Sequence[Order | Refusal]) -> list[int]:
    return [outcome.id for outcome in outcomes if isinstance(outcome, Order)]


def _tell(
    tx: Transaction, fact: str, done: Iterable[tuple[Confirm | Cancel, Order | Refusal]]
) -> None:
    for command, outcome in done:
        if isinstance(outcome, Order):
            total = outcome.total_minor
            events.record(tx, fact, outcome.id, by=command.by, total_minor=total)
