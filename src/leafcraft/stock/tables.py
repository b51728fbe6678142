"""The tables of stock, and the constraints that make overselling impossible rather than unlikely."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.db import Base, Id, Moment, text
from leafcraft.times import NEVER

ACTOR_CHARS_MAX = 64
CODE_CHARS_MAX = 64
REASON_CHARS_MAX = 64
NAME_CHARS_MAX = 200
NOTE_CHARS_MAX = 1000
REFERENCE_CHARS_MAX = 255
MOVEMENT_KINDS = "'receipt', 'adjustment', 'transfer_out', 'transfer_in', 'reserve', 'release', 'fulfill', 'return'"
LINKS = "'counterpart', 'reverses', 'reversed_by'"
RESERVATION_STATES = "'active', 'consumed', 'released', 'expired'"


class LocationRow(Base):
    __tablename__ = "locations"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(text(CODE_CHARS_MAX), unique=True)
    name: Mapped[str] = mapped_column(text(NAME_CHARS_MAX))
    priority: Mapped[int]
    active: Mapped[bool]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class LevelRow(Base):
    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("reserved >= 0", "reserved_not_negative"),
        CheckConstraint("on_hand >= reserved", "reserved_is_on_hand"),
        Index(None, "location_id", "product_id"),
        Index(None, "held_until"),
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
    moved_at: Mapped[Moment] = mapped_column(server_default="0")
    held_until: Mapped[Moment] = mapped_column(server_default=str(NEVER))
    """No hold here ends before this moment; it may have been fulfilled or given up since."""


class ReservationRow(Base):
    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint(f"state IN ({RESERVATION_STATES})", "state"),
        Index(None, "product_id", "state", "expires_at"),
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
    expires_at: Mapped[Moment]
    """When a hold ends; NEVER for what a confirmed order has."""
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class MovementRow(Base):
    __tablename__ = "stock_movements"
    __table_args__ = (
        CheckConstraint(f"kind IN ({MOVEMENT_KINDS})", "kind"),
        Index(None, "product_id", "id"),
        Index(None, "product_id", "location_id", "occurred_at"),
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
    note: Mapped[str | None] = mapped_column(text(NOTE_CHARS_MAX))
    actor: Mapped[str] = mapped_column(text(ACTOR_CHARS_MAX))
    occurred_at: Mapped[Moment]


class LinkRow(Base):
    """One movement belongs to another: the other half of a transfer, what it reverses, what reversed it."""

    __tablename__ = "movement_links"
    __table_args__ = (CheckConstraint(f"link IN ({LINKS})", "link"), Base.__table_args__)

    movement_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    link: Mapped[str] = mapped_column(text(16), primary_key=True)
    other_id: Mapped[int]


class ReorderRow(Base):
    """When a product is low, and in what lots it is ordered; `low` is kept with every movement."""

    __tablename__ = "reorder_points"
    __table_args__ = (Index(None, "low", "product_id"), Base.__table_args__)

    product_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("products.id"), primary_key=True, autoincrement=False
    )
    point: Mapped[int | None]
    quantity: Mapped[int | None]
    low: Mapped[bool]
