"""The tables of stock, and the constraints that make overselling impossible rather than unlikely."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.db import Base, Id, Moment, text

ACTOR_CHARS_MAX = 64
CODE_CHARS_MAX = 64
REASON_CHARS_MAX = 64
REFERENCE_CHARS_MAX = 255
MOVEMENT_KINDS = "'receipt', 'adjustment', 'transfer_out', 'transfer_in', 'reserve', 'release', 'fulfill', 'return'"
RESERVATION_STATES = "'active', 'consumed', 'released', 'expired'"


class LocationRow(Base):
    __tablename__ = "locations"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(text(CODE_CHARS_MAX), unique=True)
    name: Mapped[str] = mapped_column(text(200))
    priority: Mapped[int]
    active: Mapped[bool]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class LevelRow(Base):
    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("reserved >= 0", "reserved_not_negative"),
        CheckConstraint("on_hand >= reserved", "reserved_is_on_hand"),
        Base.__table_args__,
    )

    product_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("products.id"), primary_key=True, autoincrement=False
    )
    location_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("locations.id"), primary_key=True, autoincrement=False
    )
    on_hand: Mapped[int]
    reserved: Mapped[int]
    seq: Mapped[int]


class ReservationRow(Base):
    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint(f"state IN ({RESERVATION_STATES})", "state"),
        Base.__table_args__,
    )

    order_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("orders.id"), primary_key=True, autoincrement=False
    )
    line_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    product_id: Mapped[int]
    quantity: Mapped[int]
    state: Mapped[str] = mapped_column(text(16))
    expires_at: Mapped[Moment | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class MovementRow(Base):
    __tablename__ = "stock_movements"
    __table_args__ = (
        CheckConstraint(f"kind IN ({MOVEMENT_KINDS})", "kind"),
        Index(None, "product_id", "id"),
        Index(None, "order_id"),
        Index(None, "occurred_at"),
        Base.__table_args__,
    )

    id: Mapped[Id]
    product_id: Mapped[int]
    location_id: Mapped[int]
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(text(16))
    on_hand_delta: Mapped[int]
    reserved_delta: Mapped[int]
    on_hand_after: Mapped[int]
    reserved_after: Mapped[int]
    order_id: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(text(REASON_CHARS_MAX))
    reference: Mapped[str | None] = mapped_column(text(REFERENCE_CHARS_MAX))
    actor: Mapped[str] = mapped_column(text(ACTOR_CHARS_MAX))
    occurred_at: Mapped[Moment]
