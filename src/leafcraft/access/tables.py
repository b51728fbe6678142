"""The tables of access: sessions and their tokens, keys of machines, signing keys, and who knocks too often."""

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.access.rules import AGENT_CHARS_MAX, KEY_NAME_CHARS_MAX, SCOPES_CHARS_MAX
from leafcraft.db import Base, Digest, Id, Json, Moment, text
from leafcraft.events import ACTOR_CHARS_MAX, ADDRESS_CHARS_MAX

KID_CHARS = 16
KEY_START_CHARS = 16


class SessionRow(Base):
    """One sign-in, until it ends: all tokens that come from it end with it."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id"), Index(None, "used_at"), Base.__table_args__)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    era: Mapped[int]
    address: Mapped[str] = mapped_column(text(ADDRESS_CHARS_MAX))
    agent: Mapped[str] = mapped_column(text(AGENT_CHARS_MAX))
    browser: Mapped[bool]
    started_at: Mapped[Moment]
    used_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]


class RefreshTokenRow(Base):
    """A refresh token, as its SHA-256; single use, so a session has a chain of them."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index(None, "session_id"), Base.__table_args__)

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id"))
    used_at: Mapped[Moment | None]


class BrowserTokenRow(Base):
    """What a browser's cookie holds, as its SHA-256: one for a session, as long as that lasts."""

    __tablename__ = "browser_tokens"
    __table_args__ = (Index(None, "session_id"), Base.__table_args__)

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sessions.id"))


class ApiKeyRow(Base):
    """A machine's key, as its SHA-256; `start` is the part that may be shown."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    digest: Mapped[Digest] = mapped_column(unique=True)
    start: Mapped[str] = mapped_column(text(KEY_START_CHARS))
    name: Mapped[str] = mapped_column(text(KEY_NAME_CHARS_MAX))
    scopes: Mapped[str] = mapped_column(text(SCOPES_CHARS_MAX))
    created_by: Mapped[str] = mapped_column(text(ACTOR_CHARS_MAX))
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]


class SigningKeyRow(Base):
    """A key that access tokens are signed with; its private half is sealed with the master secret."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(text(KID_CHARS), primary_key=True)
    public: Mapped[Json]
    private: Mapped[Json]
    signs_from: Mapped[Moment]


class KnockRow(Base):
    """Failed sign-ins, counted under a digest of whatever they have in common."""

    __tablename__ = "knocks"
    __table_args__ = (Index(None, "last_at"), Base.__table_args__)

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[Moment]
