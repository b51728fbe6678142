"""Events: one fact a row, in the transaction that made it true; the audit log and all that follows read it."""

from typing import Any

import orjson
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.cause import Cause
from leafcraft.db import Base, Id, Json, Moment, Transaction, text

ACTOR_CHARS_MAX = 64
ADDRESS_CHARS_MAX = 64
REQUEST_ID_CHARS_MAX = 128
TYPE_CHARS_MAX = 64


class Event(Base):
    __tablename__ = "events"
    __table_args__ = (
        Index(None, "type"),
        Index(None, "actor"),
        Index(None, "subject_type", "subject_id"),
        Index(None, "occurred_at"),
        Base.__table_args__,
    )

    id: Mapped[Id]
    type: Mapped[str] = mapped_column(text(TYPE_CHARS_MAX))
    subject_type: Mapped[str] = mapped_column(text(32))
    subject_id: Mapped[int]
    actor: Mapped[str] = mapped_column(text(ACTOR_CHARS_MAX))
    request_id: Mapped[str] = mapped_column(text(REQUEST_ID_CHARS_MAX))
    address: Mapped[str] = mapped_column(text(ADDRESS_CHARS_MAX))
    data: Mapped[Json]
    occurred_at: Mapped[Moment]


_COLUMNS = "type, subject_type, subject_id, actor, request_id, address, data, occurred_at"


def record(tx: Transaction, fact: str, subject_id: int, *, by: Cause, **data: Any) -> None:
    """Notes that `order.confirmed` happened to order `subject_id`; written when the transaction ends."""
    subject = fact.partition(".")[0]
    written = orjson.dumps(data).decode() if data else "{}"
    tx.facts.append((fact, subject, subject_id, *by, written, tx.now))


def write(tx: Transaction) -> None:
    """Appends what the transaction recorded, all in one statement."""
    tx.append("events", _COLUMNS, tx.facts)
