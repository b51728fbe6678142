"""How people end their own sessions, one or all, and how visits put that off."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.access import store
from leafcraft.access.actions import over_or_none
from leafcraft.accounts import store as users
from leafcraft.accounts.store import ACCESS, User
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Refusal, not_found


class EndOwn(NamedTuple):
    """End a session, if it is the user's own."""

    user_id: int
    session_id: int
    by: Cause


class SignOutEverywhere(NamedTuple):
    user_id: int
    by: Cause


class NoteVisits(NamedTuple):
    """When sessions of browsers were last used, by id."""

    visits: Mapping[int, int]
    by: Cause


async def end_own(tx: Transaction, commands: Sequence[EndOwn]) -> Sequence[int | Refusal]:
    """The sessions' ids."""
    return [await _end_own(tx, command) for command in commands]


async def _end_own(tx: Transaction, command: EndOwn) -> int | Refusal:
    session = await store.session(tx, command.session_id, tx.for_update)
    if session is None or session.user_id != command.user_id:
        return not_found("session", command.session_id)
    if over_or_none(session, tx.now) is not None:
        return not_found("session", command.session_id)
    store.end_session(tx, session.id)
    events.record(tx, "user.signed_out", session.user_id, by=command.by, session=session.id)
    return session.id


async def sign_out_everywhere(
    tx: Transaction, commands: Sequence[SignOutEverywhere]
) -> Sequence[User | Refusal]:
    wanted = (command.user_id for command in commands)
    known = dict(await users.by_id(tx, wanted, tx.for_update))
    return [_sign_out_everywhere(tx, known, command) for command in commands]


def _sign_out_everywhere(
    tx: Transaction, known: dict[int, User], command: SignOutEverywhere
) -> User | Refusal:
    user = known.get(command.user_id)
    if user is None:
        return not_found("user", command.user_id)
    known[user.id] = user = user._replace(era=user.era + 1)
    users.save(tx, user)
    tx.touched.add(ACCESS)
    events.record(tx, "user.signed_out_everywhere", user.id, by=command.by)
    return user


async def note_visits(tx: Transaction, commands: Sequence[NoteVisits]) -> Sequence[None]:
    for command in commands:
        await store.note_visits(tx, command.visits)
    return [None] * len(commands)
