"""The SQL that changes orders: they are read under lock, and written over what was read."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from leafcraft.db import Change, Revise, Source, Statement, Transaction, Upsert, ids
from leafcraft.orders import rules, tallies, words
from leafcraft.orders.rules import Line, Order, Status

TOPIC = "orders"


class Details(NamedTuple):
    """What is said about an order, beside what is ordered."""

    reference: str | None = None
    customer: str | None = None
    customer_email: str | None = None
    note: str | None = None


NO_DETAILS = Details()


class Draft(NamedTuple):
    """An order that is not stored yet."""

    lines: Sequence[Line]
    total_minor: int
    currency: str
    expires_at: int | None = None
    details: Details = NO_DETAILS


COLUMNS = [name for name in Order._fields if name != "lines"]
_COLUMNS = ", ".join(COLUMNS)
_LINE_COLUMNS = ", ".join(Line._fields)


async def by_id(source: Source, order_ids: Iterable[int]) -> Mapping[int, Order]:
    """These orders with their lines, as far as they exist, as they are at this moment."""
    found = await _by_id(source, order_ids, "")
    return {order_id: rules.seen(order, source.now) for order_id, order in found.items()}


async def lock(tx: Transaction, order_ids: Iterable[int]) -> dict[int, Order]:
    """The same as they were last written down, locked in the order of their ids; who holds an order
    holds its lines, and all that was sent of it or came back."""
    return await _by_id(tx, order_ids, tx.for_update)


async def _by_id(source: Source, order_ids: Iterable[int], lock_clause: str) -> dict[int, Order]:
    wanted = ids(order_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM orders WHERE id IN {wanted} ORDER BY id{lock_clause}"
    )
    lines = await lines_of(source, [row[0] for row in rows])
    return {row[0]: order_of(row, lines) for row in rows}


async def lines_of(source: Source, order_ids: Iterable[int]) -> Mapping[int, list[Line]]:
    """The lines of these orders, in their order."""
    wanted = ids(order_ids)
    found: dict[int, list[Line]] = {}
    if wanted == "()":
        return found
    rows = await source.fetch(
        f"SELECT order_id, {_LINE_COLUMNS} FROM order_lines"
        f" WHERE order_id IN {wanted} ORDER BY order_id, line_no"
    )
    for order_id, *line in rows:
        found.setdefault(order_id, []).append(Line(*line))
    return found


def order_of(row: Sequence[Any], lines: Mapping[int, list[Line]]) -> Order:
    """An order from its row and the lines of all."""
    order_id, status, *rest = row
    return Order(order_id, Status(status), *rest, lines.get(order_id, ()))  # type: ignore[call-arg]


async def references(source: Source, wanted: Iterable[str]) -> Mapping[str, int]:
    """Which orders have these references."""
    asked = sorted(set(wanted))
    if not asked:
        return {}
    marks = ",".join(["%s"] * len(asked))
    rows = await source.fetch(
        f"SELECT reference, id FROM orders WHERE reference IN ({marks})", asked
    )
    return dict(rows)


async def add(tx: Transaction, drafts: Sequence[Draft]) -> list[Order]:
    """Appends Pending orders and their lines."""
    if not drafts:
        return []
    tx.touched.add(TOPIC)
    now = tx.now
    pending = Status.PENDING
    columns = (
        "status, total_minor, currency, version, created_at, updated_at, expires_at,"
        " reference, customer, customer_email, note"
    )
    rows = [
        (pending.value, d.total_minor, d.currency, 1, now, now, d.expires_at, *d.details)
        for d in drafts
    ]
    numbers = await tx.insert("orders", columns, rows)
    orders = [_added(number, draft, now) for number, draft in zip(numbers, drafts, strict=True)]
    begin_holds(tx, [order for order in orders if order.holds])
    tx.append(
        "order_lines",
        "order_id, line_no, product_id, quantity, unit_price_minor",
        [(order.id, *line[:4]) for order in orders for line in order.lines],
    )
    _add_words(tx, orders)
    tallies.note(tx, [(None, order) for order in orders])
    return orders


def _added(number: int, draft: Draft, now: int) -> Order:
    return Order(
        number,
        Status.PENDING,
        draft.total_minor,
        draft.currency,
        1,
        now,
        now,
        None,
        None,
        draft.expires_at,
        None,
        *draft.details,
        lines=draft.lines,
    )


def _add_words(tx: Transaction, orders: Iterable[Order]) -> None:
    rows = [
        (word, order.id)
        for order in orders
        if order.reference is not None or order.customer is not None
        for word in words.words_of(order.reference, order.customer)
    ]
    tx.append("order_words", "word, order_id", rows)


def begin_holds(tx: Transaction, orders: Sequence[Order]) -> None:
    tx.append("holds", "order_id, expires_at", [(order.id, order.expires_at) for order in orders])


def end_holds(tx: Transaction, order_ids: Sequence[int]) -> None:
    """These orders hold no more stock before they are confirmed."""
    if order_ids:
        change = Statement(f"DELETE FROM holds WHERE order_id IN {ids(order_ids)}")
        tx.later(change, len(order_ids))


def hold(tx: Transaction, orders: Sequence[tuple[Order, Order]]) -> None:
    """Pending orders hold stock until another moment: each as it was read, and as it is now."""
    if not orders:
        return
    tx.touched.add(TOPIC)
    change = Change(
        "id", "version", ("version", "expires_at", "updated_at"), f"status = '{Status.PENDING}'"
    )
    rows = [
        (before.id, before.version, after.version, after.expires_at or 0, after.updated_at)
        for before, after in orders
    ]
    tx.later(Revise("orders", change, rows), len(rows))
    end_holds(tx, [before.id for before, _ in orders if before.holds])
    begin_holds(tx, [after for _, after in orders])


async def overdue(source: Source, limit: int) -> list[int]:
    """The orders whose holds have ended, and which are not Expired yet; the longest ended first."""
    rows = await source.fetch(
        f"SELECT order_id FROM holds WHERE expires_at <= %s ORDER BY expires_at LIMIT {int(limit)}",
        (source.now,),
    )
    return [order_id for (order_id,) in rows]


class _Step(NamedTuple):
    """A step of an order's life, guarded by where it may begin."""

    before: Sequence[Status]
    after: Status
    stamp: str | None


_CONFIRMATION = _Step((Status.PENDING,), Status.CONFIRMED, "confirmed_at")
_CANCELLATION = _Step((Status.PENDING, Status.CONFIRMED), Status.CANCELLED, "cancelled_at")
_EXPIRY = _Step((Status.PENDING,), Status.EXPIRED, None)

Changed = Sequence[tuple[Order, Order]]
"""Orders as they were read, and as they are now."""


def confirm(tx: Transaction, changed: Changed) -> None:
    """Pending -> Confirmed, for every one of them."""
    _move(tx, changed, _CONFIRMATION)


def cancel(tx: Transaction, changed: Changed) -> None:
    """Pending or Confirmed -> Cancelled, with all that was open, for every one of them."""
    _move(tx, changed, _CANCELLATION)
    if changed:
        lines = Statement(
            "UPDATE order_lines SET cancelled = quantity - fulfilled"
            f" WHERE order_id IN {ids(before.id for before, _ in changed)}"
        )
        tx.later(lines, sum(len(before.lines) for before, _ in changed))


def expire(tx: Transaction, changed: Changed) -> None:
    """Pending -> Expired, for every one of them."""
    _move(tx, changed, _EXPIRY)


def _move(tx: Transaction, changed: Changed, step: _Step) -> None:
    if not changed:
        return
    tx.touched.add(TOPIC)
    marks = ",".join(["%s"] * len(step.before))
    stamped = f"{step.stamp} = {int(tx.now)}, " if step.stamp else ""
    change = Statement(
        f"UPDATE orders SET status = %s, {stamped}updated_at = %s, version = version + 1"
        f" WHERE id IN {ids(before.id for before, _ in changed)} AND status IN ({marks})",
        (step.after.value, tx.now, *(status.value for status in step.before)),
    )
    tx.later(change, len(changed))
    tallies.note(tx, changed)


def save(tx: Transaction, changed: Changed) -> None:
    """Writes whatever has changed about orders, over the versions that were read."""
    if not changed:
        return
    tx.touched.add(TOPIC)
    for before, after in changed:
        _save_order(tx, before, after)
    _save_lines(tx, changed)
    retold = [
        after
        for before, after in changed
        if (before.reference, before.customer) != (after.reference, after.customer)
    ]
    if retold:
        gone = Statement(
            f"DELETE FROM order_words WHERE order_id IN {ids(one.id for one in retold)}"
        )
        tx.later(gone, None)
        _add_words(tx, retold)
    tallies.note(tx, changed)


def _save_order(tx: Transaction, before: Order, after: Order) -> None:
    news = {name: new for name in COLUMNS if (new := getattr(after, name)) != getattr(before, name)}
    sets = ", ".join(f"{name} = %s" for name in news)
    change = Statement(
        f"UPDATE orders SET {sets} WHERE id = %s AND version = %s",
        (*map(_plain, news.values()), before.id, before.version),
    )
    tx.later(change, 1)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _save_lines(tx: Transaction, changed: Changed) -> None:
    """Who holds an order holds its lines, so the order's guard is theirs."""
    tx.upsert(
        Upsert(
            "order_lines",
            f"order_id, {_LINE_COLUMNS}",
            [
                (before.id, *line)
                for before, after in changed
                for line in sorted(set(after.lines) - set(before.lines))
            ],
            keys="order_id, line_no",
            changed=Line._fields[1:],
        )
    )
    for before, after in changed:
        left = {line.line_no for line in after.lines}
        gone = {line.line_no for line in before.lines} - left
        if gone:
            sql = f"DELETE FROM order_lines WHERE order_id = %s AND line_no IN {ids(gone)}"
            tx.later(Statement(sql, (before.id,)), len(gone))
