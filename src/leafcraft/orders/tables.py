"""The tables of orders."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.db import Base, Id, Moment, text


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
    expires_at: Mapped[Moment | None]


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
