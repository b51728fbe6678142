"""Holds: stock that is promised to an order before it is confirmed, until the hold ends."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from leafcraft import events, times
from leafcraft.cause import SYSTEM, Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.orders import rules, store
from leafcraft.orders.rules import Order, Status, Verb
from leafcraft.stock import keeping as stock
from leafcraft.stock import promises
from leafcraft.stock.promises import End
from leafcraft.stock.rules import Reservation, Shortage, Strategy
from leafcraft.stock.shelf import HOLD_ENDED, Shelf
from leafcraft.times import NEVER

EXPIRED_AT_ONCE_MAX = 20
"""Each may have as many lines as an order can, and other writes wait behind them."""


class Hold(NamedTuple):
    """Reserve now, for so many minutes from now; a hold there is already is prolonged, never cut short."""

    order_id: int
    minutes: int
    by: Cause
    strategy: Strategy = Strategy.PRIORITY


class Expire(NamedTuple):
    """Write off the holds that have ended."""

    by: Cause


Held = dict[int, list[Reservation]]
"""What each order that has a hold has been promised."""


async def held_now(tx: Transaction, orders: dict[int, Order], shelf: Shelf) -> Held:
    """What the orders with a hold have been promised, their products being on the shelf.

    Orders whose hold has ended are Expired from here on. One that has lost a part of it to
    somebody whose clock is ahead is among them: it is decided one way for everyone.
    """
    holding = [order for order in orders.values() if order.holds]
    if not holding:
        return {}
    promised = await promises.active(tx, (order.id for order in holding))
    over = set(shelf.expired)
    held: Held = {}
    ended: list[tuple[Order, Order]] = []
    for order in holding:
        left = [one for one in promised.get(order.id, ()) if one not in over]
        if sum(one.quantity for one in left) == sum(line.open for line in order.lines):
            held[order.id] = left
            continue
        shelf.release(left, SYSTEM, HOLD_ENDED)
        orders[order.id] = rules.expired(order, tx.now)
        events.record(tx, "order.expired", order.id, by=SYSTEM, total_minor=order.total_minor)
        ended.append((order, orders[order.id]))
    store.expire(tx, ended)
    store.end_holds(tx, [order.id for order, _ in ended])
    return held


async def hold(tx: Transaction, commands: Sequence[Hold]) -> Sequence[Order | Refusal]:
    orders = await store.lock(tx, (command.order_id for command in commands))
    before = dict(orders)
    shelf = await stock.take(tx, products_of(orders.values(), promisable))
    held = await held_now(tx, orders, shelf)
    outcomes = [_holding(orders, shelf, command, held=held, now=tx.now) for command in commands]
    stock.put_back(tx, shelf)
    kept = [(before[order_id], orders[order_id]) for order_id in placed(outcomes)]
    prolong(tx, [after for _, after in kept], held)
    store.hold(tx, kept)
    tell(tx, "order.held", zip(commands, outcomes, strict=True))
    return await stock.named(tx, outcomes)


def _holding(
    orders: dict[int, Order], shelf: Shelf, command: Hold, *, held: Held, now: int
) -> Order | Refusal:
    order = pending(orders, command.order_id, Verb.HOLD)
    if isinstance(order, Refusal):
        return order
    until = end_of(command.minutes, now)
    if order.id in held:
        until = max(until, order.expires_at or 0)
    else:
        shortages = shelf.shortages(order.demands)
        if shortages:
            detail = f"There is not enough stock to hold order {order.id}."
            return short(detail, shortages, order_id=order.id)
        held[order.id] = reserve(shelf, order, command, until=until)
    orders[order.id] = rules.held(order, until, now)
    return orders[order.id]


def pending(orders: Mapping[int, Order], order_id: int, verb: Verb) -> Order | Refusal:
    """The order, if it still can be held or confirmed."""
    order = orders.get(order_id)
    if order is None:
        return not_found("order", order_id)
    return rules.refuse(verb, order) or order


def prolong(tx: Transaction, orders: Sequence[Order], held: Held) -> None:
    """Lets what was promised before end with the orders' holds; for good, where they have none."""
    ends: list[End] = []
    moved = 0
    for order in orders:
        until = order.expires_at if order.holds and order.expires_at is not None else NEVER
        reservations = held[order.id]
        if reservations[0].expires_at != until:
            ends.append(End(order.id, reservations[0].expires_at, until))
            moved += len(reservations)
    promises.move_ends(tx, ends, moved)


async def expire(tx: Transaction, commands: Sequence[Expire]) -> Sequence[int]:
    """How many orders have expired; call again while there are any."""
    orders = await store.lock(tx, await store.overdue(tx, EXPIRED_AT_ONCE_MAX))
    shelf = await stock.take(tx, products_of(orders.values(), promisable))
    await held_now(tx, orders, shelf)
    stock.put_back(tx, shelf)
    expired = sum(order.status is Status.EXPIRED for order in orders.values())
    return [expired for _ in commands]


def end_of(minutes: int, now: int) -> int:
    return now + minutes * times.MICROS_PER_MINUTE


class Reserves(Protocol):
    """A command that promises stock to an order."""

    @property
    def by(self) -> Cause: ...
    @property
    def strategy(self) -> Strategy: ...


def reserve(shelf: Shelf, order: Order, command: Reserves, *, until: int) -> list[Reservation]:
    """Promises the order its stock until a moment; ask for its shortages first."""
    return shelf.reserve(
        order.id, order.demands, command.by, strategy=command.strategy, until=until
    )


def short(detail: str, shortages: Sequence[Shortage], **members: Any) -> Refusal:
    return Refusal(Code.INSUFFICIENT_STOCK, detail, **members, shortages=shortages)


def promisable(order: Order) -> bool:
    return order.status is Status.PENDING


def products_of(orders: Iterable[Order], concerns: Callable[[Order], bool]) -> set[int]:
    """The products whose stock a decision over these orders can touch."""
    return {line.product_id for order in orders if concerns(order) for line in order.lines}


def placed(outcomes: Sequence[Order | Refusal]) -> list[int]:
    """The orders that were not refused, each once."""
    return list({outcome.id: None for outcome in outcomes if isinstance(outcome, Order)})


def tell(
    tx: Transaction,
    fact: str,
    done: Iterable[tuple[Any, Order | Refusal]],
) -> None:
    for command, outcome in done:
        if isinstance(outcome, Order):
            more = {"expires_at": outcome.expires_at} if outcome.holds else {}
            total = outcome.total_minor
            events.record(tx, fact, outcome.id, by=command.by, total_minor=total, **more)
