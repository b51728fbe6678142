"""The orders that are remembered, with their lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, or_, select

from leafcraft.db import (
    Change,
    Page,
    Reader,
    Revise,
    Source,
    Statement,
    Transaction,
    ids,
    keyset,
)
from leafcraft.orders import rules
from leafcraft.orders.rules import Line, Order, Status
from leafcraft.orders.tables import HoldRow, LineRow, OrderRow
from leafcraft.times import NEVER

TOPIC = "orders"


class Draft(NamedTuple):
    """An order that is not stored yet."""

    lines: Sequence[Line]
    total_minor: int
    currency: str
    expires_at: int | None = None


_COLUMNS = ", ".join(name for name in Order._fields if name != "lines")


async def by_id(source: Source, order_ids: Iterable[int]) -> Mapping[int, Order]:
    """These orders with their lines, as far as they exist, as they are at this moment."""
    found = await _by_id(source, order_ids, "")
    return {order_id: rules.seen(order, source.now) for order_id, order in found.items()}


async def lock(tx: Transaction, order_ids: Iterable[int]) -> dict[int, Order]:
    """The same as they were last written down, locked in the order of their ids; who holds an order
    holds its lines."""
    return await _by_id(tx, order_ids, tx.for_update)


async def _by_id(source: Source, order_ids: Iterable[int], lock_clause: str) -> dict[int, Order]:
    wanted = ids(order_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM orders WHERE id IN {wanted} ORDER BY id{lock_clause}"
    )
    lines = await _lines(source, [row[0] for row in rows])
    return {row[0]: _order(row, lines) for row in rows}


async def _lines(source: Source, order_ids: Iterable[int]) -> Mapping[int, list[Line]]:
    wanted = ids(order_ids)
    found: dict[int, list[Line]] = {}
    if wanted == "()":
        return found
    rows = await source.fetch(
        "SELECT order_id, product_id, quantity, unit_price_minor FROM order_lines"
        f" WHERE order_id IN {wanted} ORDER BY order_id, line_no"
    )
    for order_id, *line in rows:
        found.setdefault(order_id, []).append(Line(*line))
    return found


def _order(row: Sequence[Any], lines: Mapping[int, list[Line]]) -> Order:
    order_id, status, *rest = row
    return Order(order_id, Status(status), *rest, lines.get(order_id, ()))  # type: ignore[call-arg]


async def add(tx: Transaction, drafts: Sequence[Draft]) -> list[Order]:
    """Appends Pending orders and their lines."""
    tx.touched.add(TOPIC)
    now = tx.now
    pending = Status.PENDING
    rows = [(pending.value, d.total_minor, d.currency, 1, now, now, d.expires_at) for d in drafts]
    columns = "status, total_minor, currency, version, created_at, updated_at, expires_at"
    numbers = await tx.insert("orders", columns, rows)
    orders = [
        Order(number, pending, d.total_minor, d.currency, 1, now, now, None, None, *d[3:], d.lines)
        for number, d in zip(numbers, drafts, strict=True)
    ]
    begin_holds(tx, [order for order in orders if order.holds])
    tx.append(
        "order_lines",
        "order_id, line_no, product_id, quantity, unit_price_minor",
        [
            (order.id, line_no, *line)
            for order in orders
            for line_no, line in enumerate(order.lines, start=1)
        ],
    )
    return orders


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


async def mind_holds(reader: Reader) -> None:
    """For whatever shows orders: when the next hold ends, an order will be Expired by itself."""
    rows = await reader.fetch(
        "SELECT MIN(expires_at) FROM holds WHERE expires_at > %s", (reader.now,)
    )
    reader.differs_from(rows[0][0] or NEVER)


class _Step(NamedTuple):
    """A step of an order's life, guarded by where it may begin."""

    before: Sequence[Status]
    after: Status
    stamp: str | None


_CONFIRMATION = _Step((Status.PENDING,), Status.CONFIRMED, "confirmed_at")
_CANCELLATION = _Step((Status.PENDING, Status.CONFIRMED), Status.CANCELLED, "cancelled_at")


_EXPIRY = _Step((Status.PENDING,), Status.EXPIRED, None)


def confirm(tx: Transaction, order_ids: Sequence[int]) -> None:
    """Pending -> Confirmed, for every one of them."""
    _move(tx, order_ids, _CONFIRMATION)


def cancel(tx: Transaction, order_ids: Sequence[int]) -> None:
    """Pending or Confirmed -> Cancelled, for every one of them."""
    _move(tx, order_ids, _CANCELLATION)


def expire(tx: Transaction, order_ids: Sequence[int]) -> None:
    """Pending -> Expired, for every one of them."""
    _move(tx, order_ids, _EXPIRY)


def _move(tx: Transaction, order_ids: Sequence[int], step: _Step) -> None:
    if not order_ids:
        return
    tx.touched.add(TOPIC)
    marks = ",".join(["%s"] * len(step.before))
    stamped = f"{step.stamp} = {int(tx.now)}, " if step.stamp else ""
    change = Statement(
        f"UPDATE orders SET status = %s, {stamped}updated_at = %s, version = version + 1"
        f" WHERE id IN {ids(order_ids)} AND status IN ({marks})",
        (step.after.value, tx.now, *(status.value for status in step.before)),
    )
    tx.later(change, len(order_ids))


class OrderFilter(NamedTuple):
    """Which orders; None: all."""

    status: Status | None = None
    product_id: int | None = None
    created_after: int | None = None
    created_before: int | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """All but the status, which also hangs on the moment."""
        row = OrderRow
        if self.product_id is not None:
            line = LineRow.product_id == self.product_id
            yield exists().where(LineRow.order_id == row.id, line)
        if self.created_after is not None:
            yield row.created_at > self.created_after
        if self.created_before is not None:
            yield row.created_at < self.created_before


async def page(reader: Reader, part: Page, chosen: OrderFilter) -> list[Order]:
    """One row more than the page has, if there is one."""
    await mind_holds(reader)
    row = OrderRow
    conditions = list(chosen.conditions())
    if chosen.status is Status.EXPIRED:
        # Each by its own index: those written down as Expired, and those that nobody has written down.
        ended = select(HoldRow.order_id).where(HoldRow.expires_at <= reader.now)
        written = await _rows(reader, part, [*conditions, row.status == Status.EXPIRED.value])
        unwritten = await _rows(reader, part, [*conditions, row.id.in_(ended)])
        rows = _merged([*written, *unwritten], part)
    else:
        if chosen.status is Status.PENDING:
            conditions.append(or_(row.expires_at.is_(None), row.expires_at > reader.now))
        if chosen.status is not None:
            conditions.append(row.status == chosen.status.value)
        rows = await _rows(reader, part, conditions)
    lines = await _lines(reader, [found[0] for found in rows])
    return [rules.seen(_order(found, lines), reader.now) for found in rows]


async def _rows(
    reader: Reader, part: Page, conditions: Sequence[ColumnElement[bool]]
) -> Sequence[Any]:
    row = OrderRow
    statement = select(*(getattr(row, name) for name in Order._fields if name != "lines"))
    columns = {"id": row.id, "created_at": row.created_at}
    return await reader.select(keyset(statement.where(*conditions), columns, part))


def _merged(rows: Sequence[Any], part: Page) -> Sequence[Any]:
    """Two parts of a page in one order, as long as one of them would be."""
    down = part.sort.startswith("-")
    merged = sorted(rows, key=lambda row: (getattr(row, part.column), row.id), reverse=down)
    return merged[: part.limit + 1]
