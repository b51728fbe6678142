"""What happens to accounts: users are added, edited, and get new passwords."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.accounts import store
from leafcraft.accounts.rules import Role
from leafcraft.accounts.store import User
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found


class AddUser(NamedTuple):
    email: str
    password_hash: str
    role: Role
    by: Cause
    first_admin: bool = False
    """Add nobody when there is an admin already: several processes may start at once."""

    def __repr__(self) -> str:
        return f"AddUser({self.email!r}, {self.role.value}, {self.by})"


class EditUser(NamedTuple):
    """What is None stays as it is."""

    user_id: int
    by: Cause
    role: Role | None = None
    disabled: bool | None = None


class SetPassword(NamedTuple):
    user_id: int
    password_hash: str
    by: Cause
    instead_of: str | None = None
    """The hash it replaces; None whatever there is. Between a check and now another may have come."""
    same_password: bool = False
    """The same password, hashed as strongly as today's rules ask: sessions go on."""

    def __repr__(self) -> str:
        return f"SetPassword({self.user_id}, {self.by})"


async def add_user(tx: Transaction, commands: Sequence[AddUser]) -> Sequence[User | Refusal]:
    known = dict(await store.by_email(tx, (command.email for command in commands)))
    return [await _add(tx, known, command) for command in commands]


async def _add(tx: Transaction, known: dict[str, User], command: AddUser) -> User | Refusal:
    if command.first_admin:
        await store.alone(tx)
        if await store.admins(tx):
            return Refusal(Code.CONFLICT, "There is an admin already.")
    if command.email in known:
        return Refusal(Code.EMAIL_TAKEN, f"{command.email} has an account already.")
    user = await store.add(
        tx, command.email, password_hash=command.password_hash, role=command.role
    )
    events.record(
        tx, "user.added", user.id, by=command.by, email=command.email, role=command.role.value
    )
    known[user.email] = user
    return user


async def edit_user(tx: Transaction, commands: Sequence[EditUser]) -> Sequence[User | Refusal]:
    await store.alone(tx)  # two admins who demote each other must not both succeed
    users = dict(await _locked(tx, commands))
    return [await _edit(tx, users, command) for command in commands]


async def _edit(tx: Transaction, users: dict[int, User], command: EditUser) -> User | Refusal:
    user = users.get(command.user_id)
    if user is None:
        return not_found("user", command.user_id)
    edited = _edited(user, command)
    if edited == user:
        return user
    if _rules(user) and not _rules(edited) and await store.admins(tx) == 1:
        return Refusal(
            Code.CONFLICT, f"{user.email} is the last admin, who can't be demoted or disabled."
        )
    store.save(tx, edited)
    tx.touched.add(store.ACCESS)
    events.record(
        tx, "user.edited", user.id, by=command.by, role=edited.role.value, disabled=edited.disabled
    )
    users[user.id] = edited = edited._replace(updated_at=tx.now)
    return edited


def _edited(user: User, command: EditUser) -> User:
    role = user.role if command.role is None else command.role
    disabled = user.disabled if command.disabled is None else command.disabled
    era = user.era + (disabled and not user.disabled)
    return user._replace(role=role, disabled=disabled, era=era)


def _rules(user: User) -> bool:
    return user.role is Role.ADMIN and not user.disabled


async def set_password(
    tx: Transaction, commands: Sequence[SetPassword]
) -> Sequence[User | Refusal]:
    users = dict(await _locked(tx, commands))
    return [_set_password(tx, users, command) for command in commands]


def _set_password(tx: Transaction, users: dict[int, User], command: SetPassword) -> User | Refusal:
    user = users.get(command.user_id)
    if user is None:
        return not_found("user", command.user_id)
    if command.instead_of not in {None, user.password_hash}:
        return Refusal(Code.CONFLICT, "The password has been changed by somebody else.")
    changed = user._replace(password_hash=command.password_hash)
    fact = "user.password_rehashed"
    if not command.same_password:
        changed = changed._replace(era=user.era + 1)
        fact = "user.password_changed"
        tx.touched.add(store.ACCESS)
    store.save(tx, changed)
    events.record(tx, fact, user.id, by=command.by)
    users[user.id] = changed
    return changed


async def _locked(
    tx: Transaction, commands: Sequence[EditUser | SetPassword]
) -> Mapping[int, User]:
    return await store.by_id(tx, (command.user_id for command in commands), tx.for_update)
