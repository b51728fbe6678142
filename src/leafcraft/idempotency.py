"""Idempotency keys: the first answer, stored in the transaction of its effect, given again to every retry.

A row is stored with its answer at the end of the transaction. Two processes that race on one key
both do the work, but the primary key lets only one of them commit; the other is rolled back whole,
runs again, and finds the answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.cause import Cause
from leafcraft.db import Base, Digest, MediumBytes, Moment, Source, Transaction, digests, text
from leafcraft.errors import Code, Refusal

KEY_CHARS_MAX = 255
SWEPT_KEYS_MAX = 1000
LOCATION_CHARS_MAX = 128
ETAG_CHARS_MAX = 64


class Answer(NamedTuple):
    """What a caller gets, ready to be sent and to be stored."""

    status: int
    body: bytes
    etag: str = ""
    location: str = ""
    next_query: str = ""
    """Of a list: the query of its next page; empty on the last one."""
    replayed: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    """What else belongs to this very reply; never stored."""
    media: str = ""
    """Its media type, where that is not JSON."""
    filename: str = ""
    """Of an answer that is a file: what it may be called."""


class Key(NamedTuple):
    """An idempotency key as it is stored: scoped to its caller, with the request's fingerprint."""

    digest: bytes
    fingerprint: bytes

    @classmethod
    def of(cls, caller: str, key: str, request: bytes, *, secret: bytes) -> "Key":
        """`request` is what makes two requests the same: path and body in one spelling.

        A body may hold a password, so its fingerprint is keyed: the row alone lets nobody try guesses.
        """
        digest = hashlib.sha256(f"{caller}\n{key}".encode()).digest()
        return cls(digest, hashlib.blake2b(request, digest_size=32, key=secret).digest())


class StoredAnswer(Base):
    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"), Base.__table_args__)

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    fingerprint: Mapped[Digest]
    status: Mapped[int] = mapped_column(SmallInteger)
    etag: Mapped[str] = mapped_column(text(ETAG_CHARS_MAX))
    location: Mapped[str] = mapped_column(text(LOCATION_CHARS_MAX))
    body: Mapped[MediumBytes]
    created_at: Mapped[Moment]


_COLUMNS = "digest, fingerprint, status, etag, location, body, created_at"


async def find(source: Source, keys: Sequence[Key]) -> Mapping[bytes, tuple[Key, Answer]]:
    """What is stored under the digests of these keys: the first request's key, and its answer."""
    if not keys:
        return {}
    rows = await source.fetch(
        "SELECT digest, fingerprint, status, body, etag, location FROM idempotency_keys"
        f" WHERE digest IN {digests(key.digest for key in keys)}"
    )
    return {
        digest: (Key(digest, fingerprint), Answer(status, body, etag, location))
        for digest, fingerprint, status, body, etag, location in rows
    }


def store(tx: Transaction, answers: Mapping[Key, Answer]) -> None:
    """Keeps the answers. In the keys' order, so that two processes can't wait for each other."""
    rows = [
        (*key, answer.status, answer.etag, answer.location, answer.body, tx.now)
        for key, answer in sorted(answers.items())
    ]
    tx.append("idempotency_keys", _COLUMNS, rows)


def reused() -> Refusal:
    """What is said to a key that belongs to another request."""
    return Refusal(
        Code.IDEMPOTENCY_KEY_REUSED,
        "This Idempotency-Key was used for another request; a new request takes a new key.",
    )


class Sweep(NamedTuple):
    """Forget the keys stored before a moment."""

    stored_before: int
    by: Cause


async def sweep(tx: Transaction, commands: Sequence[Sweep]) -> Sequence[int]:
    """How many keys went: a bounded number each time, so that no sweep holds up the orders."""
    return [await _sweep(tx, command.stored_before) for command in commands]


async def _sweep(tx: Transaction, stored_before: int) -> int:
    old = await tx.fetch(
        "SELECT digest FROM idempotency_keys WHERE created_at < %s"
        f" ORDER BY created_at LIMIT {SWEPT_KEYS_MAX}",
        (stored_before,),
    )
    if not old:
        return 0
    gone = digests(digest for (digest,) in old)
    return await tx.change(f"DELETE FROM idempotency_keys WHERE digest IN {gone}")
