"""The users that are remembered."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.accounts.rules import EMAIL_CHARS_MAX, Role
from leafcraft.db import Base, Id, Moment, Source, Statement, Transaction, text

TOPIC = "accounts"


class UserRow(Base):
    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'operator', 'admin')", "role"),
        Base.__table_args__,
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(text(EMAIL_CHARS_MAX), unique=True)
    password_hash: Mapped[str] = mapped_column(text(255))
    role: Mapped[str] = mapped_column(text(16))
    disabled: Mapped[bool]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class User(NamedTuple):
    id: int
    email: str
    password_hash: str
    role: Role
    disabled: bool


_COLUMNS = "id, email, password_hash, role, disabled"


def _user(row: Sequence[object]) -> User:
    key, email, password_hash, role, disabled = row
    return User(int(str(key)), str(email), str(password_hash), Role(str(role)), bool(disabled))


async def by_id(source: Source, user_id: int) -> User | None:
    rows = await source.fetch(f"SELECT {_COLUMNS} FROM users WHERE id = %s", (user_id,))
    return _user(rows[0]) if rows else None


async def by_email(source: Source, emails: Iterable[str]) -> Mapping[str, User]:
    wanted = sorted(set(emails))
    marks = ",".join(["%s"] * len(wanted))
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM users WHERE email IN ({marks})",
        wanted,
    )
    return {user.email: user for user in map(_user, rows)}


async def everybody(source: Source) -> Sequence[User]:
    return [_user(row) for row in await source.fetch(f"SELECT {_COLUMNS} FROM users ORDER BY id")]


async def alone(tx: Transaction) -> None:
    """Lets one process at a time past here. Counting locks no row that does not exist yet, so the
    one row that every database has stands in for the admins that may be missing."""
    await tx.fetch(f"SELECT version_num FROM alembic_version{tx.for_update}")


async def admins(source: Source) -> int:
    """How many there are."""
    ((found,),) = await source.fetch(
        "SELECT COUNT(*) FROM users WHERE role = %s", (Role.ADMIN.value,)
    )
    return int(found)


async def add(tx: Transaction, users: Sequence[tuple[str, str, Role]]) -> list[int]:
    """Appends users given as (email, password hash, role); their ids."""
    tx.touched.add(TOPIC)
    return await tx.insert(
        "users",
        "email, password_hash, role, disabled, created_at, updated_at",
        [(*user, False, tx.now, tx.now) for user in users],
    )


def set_password(tx: Transaction, user_id: int, password_hash: str) -> None:
    tx.touched.add(TOPIC)
    change = Statement(
        "UPDATE users SET password_hash = %s, updated_at = %s WHERE id = %s",
        (password_hash, tx.now, user_id),
    )
    tx.later(change, 1)
