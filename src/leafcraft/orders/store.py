"""The orders that are remembered, with their lines."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, exists, select
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.db import (
    Base,
    Id,
    Moment,
    Page,
    Reader,
    Source,
    Statement,
    Transaction,
    ids,
    keyset,
    text,
)
from leafcraft.orders.rules import Line, Order, Status

TOPIC = "orders"


class OrderRow(Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(
            "status IN ('Pending', 'Confirmed', 'Fulfilled', 'Cancelled', 'Expired')", "status"
        ),
        CheckConstraint("total_minor >= 0", "total_not_negative"),
        Index(None, "status", "id"),
        Index(None, "created_at"),
        Base.__table_args__,
    )

    id: Mapped[Id]
    status: Mapped[str] = mapped_column(text(16))
    total_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(text(3))
    version: Mapped[int]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    confirmed_at: Mapped[Moment | None]
    cancelled_at: Mapped[Moment | None]


class LineRow(Base):
    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", "quantity_positive"),
        Index(None, "product_id", "order_id"),
        Base.__table_args__,
    )

    order_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("orders.id"), primary_key=True, autoincrement=False
    )
    line_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("products.id"))
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]


class Draft(NamedTuple):
    """An order that is not stored yet."""

    lines: Sequence[Line]
    total_minor: int
    currency: str


_COLUMNS = ", ".join(name for name in Order._fields if name != "lines")


async def by_id(source: Source, order_ids: Iterable[int]) -> Mapping[int, Order]:
    """These orders with their lines, as far as they exist."""
    return await _by_id(source, order_ids, "")


async def lock(tx: Transaction, order_ids: Iterable[int]) -> dict[int, Order]:
    """The same, locked in the order of their ids; who holds an order holds its lines and reservations."""
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
    rows = [(Status.PENDING.value, d.total_minor, d.currency, 1, now, now) for d in drafts]
    columns = "status, total_minor, currency, version, created_at, updated_at"
    numbers = await tx.insert("orders", columns, rows)
    orders = [
        Order(number, Status.PENDING, d.total_minor, d.currency, 1, now, now, None, None, d.lines)
        for number, d in zip(numbers, drafts, strict=True)
    ]
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


class _Step(NamedTuple):
    """A step of an order's life, guarded by where it may begin."""

    before: Sequence[Status]
    after: Status
    stamp: str


_CONFIRMATION = _Step((Status.PENDING,), Status.CONFIRMED, "confirmed_at")
_CANCELLATION = _Step((Status.PENDING, Status.CONFIRMED), Status.CANCELLED, "cancelled_at")


def confirm(tx: Transaction, order_ids: Sequence[int]) -> None:
    """Pending -> Confirmed, for every one of them."""
    _move(tx, order_ids, _CONFIRMATION)


def cancel(tx: Transaction, order_ids: Sequence[int]) -> None:
    """Pending or Confirmed -> Cancelled, for every one of them."""
    _move(tx, order_ids, _CANCELLATION)


def _move(tx: Transaction, order_ids: Sequence[int], step: _Step) -> None:
    if not order_ids:
        return
    tx.touched.add(TOPIC)
    marks = ",".join(["%s"] * len(step.before))
    change = Statement(
        f"UPDATE orders SET status = %s, {step.stamp} = %s, updated_at = %s, version = version + 1"
        f" WHERE id IN {ids(order_ids)} AND status IN ({marks})",
        (step.after.value, tx.now, tx.now, *(status.value for status in step.before)),
    )
    tx.later(change, len(order_ids))


class OrderFilter(NamedTuple):
    """Which orders; None: all."""

    status: Status | None = None
    product_id: int | None = None
    created_after: int | None = None
    created_before: int | None = None


async def page(reader: Reader, part: Page, chosen: OrderFilter) -> list[Order]:
    row = OrderRow
    statement = select(*(getattr(row, name) for name in Order._fields if name != "lines"))
    if chosen.status is not None:
        statement = statement.where(row.status == chosen.status.value)
    if chosen.product_id is not None:
        line = exists().where(LineRow.order_id == row.id, LineRow.product_id == chosen.product_id)
        statement = statement.where(line)
    if chosen.created_after is not None:
        statement = statement.where(row.created_at > chosen.created_after)
    if chosen.created_before is not None:
        statement = statement.where(row.created_at < chosen.created_before)
    rows = await reader.select(
        keyset(statement, {"id": row.id, "created_at": row.created_at}, part)
    )
    lines = await _lines(reader, [found[0] for found in rows])
    return [_order(found, lines) for found in rows]
