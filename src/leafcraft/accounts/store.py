"""The users that are remembered."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.accounts.rules import EMAIL_CHARS_MAX, Role
from leafcraft.db import (
    Base,
    Id,
    Moment,
    Page,
    Reader,
    Source,
    Statement,
    Transaction,
    keyset,
    text,
)

TOPIC = "accounts"
ACCESS = "access"
"""Touched when somebody loses access, or gets another: whatever a process knows of callers is stale then."""


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
    era: Mapped[int]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class User(NamedTuple):
    """Somebody who may sign in, unless disabled."""

    id: int
    email: str
    password_hash: str
    role: Role
    disabled: bool
    era: int
    """Counts new passwords, and how often the user was disabled: sessions of an earlier era have ended."""
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"User({self.id}, {self.email!r}, {self.role.value})"


_COLUMNS = "id, email, password_hash, role, disabled, era, created_at, updated_at"
_SELECTED = [getattr(UserRow, column) for column in User._fields]
_SORTED = {"id": UserRow.id, "email": UserRow.email, "created_at": UserRow.created_at}


def _user(row: Sequence[Any]) -> User:
    user = User(*row)
    return user._replace(role=Role(user.role), disabled=bool(user.disabled))


async def by_id(source: Source, user_ids: Iterable[int], lock: str = "") -> Mapping[int, User]:
    """`lock` is the transaction's `for_update` where the users are going to change."""
    wanted = sorted(set(user_ids))
    marks = ",".join(["%s"] * len(wanted))
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM users WHERE id IN ({marks}) ORDER BY id{lock}", wanted
    )
    return {user.id: user for user in map(_user, rows)}


async def by_email(source: Source, emails: Iterable[str]) -> Mapping[str, User]:
    wanted = sorted(set(emails))
    marks = ",".join(["%s"] * len(wanted))
    rows = await source.fetch(f"SELECT {_COLUMNS} FROM users WHERE email IN ({marks})", wanted)
    return {user.email: user for user in map(_user, rows)}


async def everybody(source: Source) -> Sequence[User]:
    return [_user(row) for row in await source.fetch(f"SELECT {_COLUMNS} FROM users ORDER BY id")]


async def page(
    reader: Reader, page: Page, *, role: Role | None, disabled: bool | None
) -> list[User]:
    statement = select(*_SELECTED)
    if role is not None:
        statement = statement.where(UserRow.role == role.value)
    if disabled is not None:
        statement = statement.where(UserRow.disabled == disabled)
    return [_user(row) for row in await reader.select(keyset(statement, _SORTED, page))]


async def alone(tx: Transaction) -> None:
    """Lets one process at a time past here. Counting locks no row that does not exist yet, so the
    one row that every database has stands in for the admins that may be missing."""
    await tx.fetch(f"SELECT version_num FROM alembic_version{tx.for_update}")


async def admins(source: Source) -> int:
    """How many there are who can sign in."""
    ((found,),) = await source.fetch(
        "SELECT COUNT(*) FROM users WHERE role = %s AND disabled = %s", (Role.ADMIN.value, False)
    )
    return int(found)


async def add(tx: Transaction, email: str, *, password_hash: str, role: Role) -> User:
    tx.touched.add(TOPIC)
    row = (email, password_hash, role.value, False, 0, tx.now, tx.now)
    (user_id,) = await tx.insert("users", _COLUMNS.removeprefix("id, "), [row])
    return User(user_id, email, password_hash, role, False, 0, tx.now, tx.now)


def save(tx: Transaction, user: User) -> None:
    """Writes password, role, state and era."""
    tx.touched.add(TOPIC)
    change = Statement(
        "UPDATE users SET password_hash = %s, role = %s, disabled = %s, era = %s,"
        " updated_at = %s WHERE id = %s",
        (*user[2:6], tx.now, user.id),
    )
    tx.later(change, 1)
