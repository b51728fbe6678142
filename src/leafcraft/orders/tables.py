"""The tables of orders."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.accounts.rules import EMAIL_CHARS_MAX
from leafcraft.db import Base, Id, Json, Moment, Sum, text
from leafcraft.events import ACTOR_CHARS_MAX
from leafcraft.orders.rules import (
    CARRIER_CHARS_MAX,
    HOLD_REASON_CHARS_MAX,
    NOTE_CHARS_MAX,
    PAYMENT_REFERENCE_CHARS_MAX,
    REFERENCE_CHARS_MAX,
    RETURN_REASON_CHARS_MAX,
    TRACKING_CHARS_MAX,
)
from leafcraft.orders.words import WORD_CHARS_MAX


class OrderRow(Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(
            "status IN ('Pending', 'Confirmed', 'Fulfilled', 'Cancelled', 'Expired')", "status"
        ),
        CheckConstraint("total_minor >= 0", "total_not_negative"),
        CheckConstraint("payment_status IN ('unpaid', 'paid', 'refunded')", "payment_status"),
        Index(None, "status", "id"),
        Index(None, "created_at"),
        Index(None, "confirmed_at"),
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
    expires_at: Mapped[Moment | None]
    fulfilled_at: Mapped[Moment | None]
    reference: Mapped[str | None] = mapped_column(text(REFERENCE_CHARS_MAX), unique=True)
    customer: Mapped[Json | None]
    customer_email: Mapped[str | None] = mapped_column(text(EMAIL_CHARS_MAX))
    note: Mapped[str | None] = mapped_column(text(NOTE_CHARS_MAX))
    on_hold_reason: Mapped[str | None] = mapped_column(text(HOLD_REASON_CHARS_MAX))
    payment_status: Mapped[str] = mapped_column(text(16), server_default="unpaid")
    payment_reference: Mapped[str | None] = mapped_column(text(PAYMENT_REFERENCE_CHARS_MAX))


class HoldRow(Base):
    """The orders that hold stock before they are confirmed, by the end of the hold."""

    __tablename__ = "holds"
    __table_args__ = (Index(None, "expires_at"), Base.__table_args__)

    order_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("orders.id"), primary_key=True, autoincrement=False
    )
    expires_at: Mapped[Moment]


class LineRow(Base):
    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint("fulfilled >= 0", "fulfilled_not_negative"),
        CheckConstraint("cancelled >= 0", "cancelled_not_negative"),
        CheckConstraint("fulfilled + cancelled <= quantity", "open_not_negative"),
        CheckConstraint("returned >= 0 AND returned <= fulfilled", "returned_was_fulfilled"),
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
    fulfilled: Mapped[int] = mapped_column(server_default="0")
    returned: Mapped[int] = mapped_column(server_default="0")
    cancelled: Mapped[int] = mapped_column(server_default="0")


class FulfillmentRow(Base):
    """What was sent at one time; one that was a mistake is undone, and stays."""

    __tablename__ = "fulfillments"
    __table_args__ = (Index(None, "order_id"), Base.__table_args__)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    carrier: Mapped[str | None] = mapped_column(text(CARRIER_CHARS_MAX))
    tracking_number: Mapped[str | None] = mapped_column(text(TRACKING_CHARS_MAX))
    undone_at: Mapped[Moment | None]
    actor: Mapped[str] = mapped_column(text(ACTOR_CHARS_MAX))
    created_at: Mapped[Moment]


class FulfillmentLineRow(Base):
    """So many units of an order's line, from a location."""

    __tablename__ = "fulfillment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", "quantity_positive"), Base.__table_args__)

    fulfillment_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("fulfillments.id"), primary_key=True, autoincrement=False
    )
    line_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    product_id: Mapped[int]
    quantity: Mapped[int]


class ReturnRow(Base):
    """What came back at one time, and what became of it."""

    __tablename__ = "returns"
    __table_args__ = (
        CheckConstraint("disposition IN ('restock', 'write_off')", "disposition"),
        Index(None, "order_id"),
        Base.__table_args__,
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    disposition: Mapped[str] = mapped_column(text(16))
    reason: Mapped[str | None] = mapped_column(text(RETURN_REASON_CHARS_MAX))
    actor: Mapped[str] = mapped_column(text(ACTOR_CHARS_MAX))
    created_at: Mapped[Moment]


class ReturnLineRow(Base):
    """So many units of an order's line, to a location."""

    __tablename__ = "return_lines"
    __table_args__ = (CheckConstraint("quantity > 0", "quantity_positive"), Base.__table_args__)

    return_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("returns.id"), primary_key=True, autoincrement=False
    )
    line_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    product_id: Mapped[int]
    quantity: Mapped[int]


class WordRow(Base):
    """What an order is found by: its reference, and the words of its customer."""

    __tablename__ = "order_words"
    __table_args__ = (Index(None, "order_id", "word"), Base.__table_args__)

    word: Mapped[str] = mapped_column(text(WORD_CHARS_MAX), primary_key=True)
    order_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("orders.id"), primary_key=True, autoincrement=False
    )


class CountRow(Base):
    """How many orders are in a state, as far as one writing process has brought them there."""

    __tablename__ = "order_counts"

    writer: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(text(16), primary_key=True)
    orders: Mapped[int]


class SalesDayRow(Base):
    """What became of the orders that were confirmed on a day, as far as one process has done it."""

    __tablename__ = "sales_days"

    day: Mapped[Moment] = mapped_column(primary_key=True, autoincrement=False)
    """Its first moment, in UTC."""
    currency: Mapped[str] = mapped_column(text(3), primary_key=True)
    writer: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    orders: Mapped[int]
    units: Mapped[int]
    amount_minor: Mapped[Sum]
    returned_units: Mapped[int]
    returned_minor: Mapped[Sum]
