"""What happens to accounts: users are added, and get new passwords."""

from collections.abc import Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.accounts import store
from leafcraft.accounts.rules import Role
from leafcraft.accounts.store import User
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal


class AddUser(NamedTuple):
    email: str
    password_hash: str
    role: Role
    by: Cause
    first_admin: bool = False
    """Add nobody when there is an admin already: several processes may start at once."""


class SetPassword(NamedTuple):
    email: str
    password_hash: str
    by: Cause
    reason: str = "set"
    """`set` by somebody, or `rehash`: the same password, stored as strongly as today's rules ask."""


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
    (user_id,) = await store.add(tx, [(command.email, command.password_hash, command.role)])
    events.record(tx, "user.added", user_id, by=command.by, email=command.email, role=command.role)
    user = User(user_id, command.email, command.password_hash, command.role, False)
    known[user.email] = user
    return user


async def set_password(
    tx: Transaction, commands: Sequence[SetPassword]
) -> Sequence[User | Refusal]:
    known = await store.by_email(tx, (command.email for command in commands))
    return [_set_password(tx, known.get(command.email), command) for command in commands]


def _set_password(tx: Transaction, user: User | None, command: SetPassword) -> User | Refusal:
    if user is None:
        return Refusal(Code.NOT_FOUND, f"Nobody has the e-mail address {command.email}.")
    store.set_password(tx, user.id, command.password_hash)
    events.record(tx, "user.password_changed", user.id, by=command.by, reason=command.reason)
    return user._replace(password_hash=command.password_hash)
