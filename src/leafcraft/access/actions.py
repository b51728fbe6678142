"""What happens to access: sessions begin, go on and end; keys come and go; failures are counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft import events, times
from leafcraft.access import rules, store
from leafcraft.access.rules import Device
from leafcraft.access.store import ApiKey, Knocks, RefreshToken, Session, SigningKey
from leafcraft.accounts import store as users
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found


class BeginSession(NamedTuple):
    user_id: int
    era: int
    """The user's, when the password was checked: it may have been replaced since."""
    token: bytes
    """Digest of the first refresh token, or of the browser's token."""
    pair: bytes
    """The digest that failures of this address with this account are counted under."""
    by: Cause
    device: Device = Device()

    def __repr__(self) -> str:
        return f"BeginSession({self.user_id}, {self.by})"


class Refresh(NamedTuple):
    """Spend a refresh token for its successor; both as digests."""

    token: bytes
    successor: bytes
    by: Cause


class EndSession(NamedTuple):
    """Sign out; the refresh token says from what."""

    token: bytes
    by: Cause


class CountFailure(NamedTuple):
    """Somebody did not get in."""

    user_id: int
    """0 when nobody has the address."""
    email: str
    found_by: Sequence[bytes]
    by: Cause


class CreateApiKey(NamedTuple):
    key: ApiKey
    digest: bytes
    by: Cause


class RemoveApiKey(NamedTuple):
    key_id: int
    by: Cause


class NoteUses(NamedTuple):
    """When API keys were last used, by id."""

    uses: Mapping[int, int]
    by: Cause


class AddSigningKey(NamedTuple):
    key: SigningKey
    known: frozenset[str]
    """All kids there were when this was decided: two processes that start at once make one key."""
    removed: frozenset[str]
    by: Cause

    def __repr__(self) -> str:
        return f"AddSigningKey({self.key.kid}, {self.by})"


class Sweep(NamedTuple):
    now: int
    by: Cause


async def begin_session(
    tx: Transaction, commands: Sequence[BeginSession]
) -> Sequence[int | Refusal]:
    """The sessions' ids."""
    found = await users.by_id(tx, (command.user_id for command in commands), tx.for_update)
    return [await _begin(tx, found.get(command.user_id), command) for command in commands]


async def _begin(tx: Transaction, user: users.User | None, command: BeginSession) -> int | Refusal:
    if user is None or user.disabled or user.era != command.era:
        return Refusal(Code.INVALID_CREDENTIALS, "The e-mail address or the password is wrong.")
    await store.forget_knocks(tx, command.pair)
    by = command.by
    session_id = await store.begin_session(
        tx, user, address=by.address, device=command.device, digest=command.token
    )
    events.record(tx, "user.signed_in", user.id, by=by, session=session_id)
    return session_id


async def refresh(tx: Transaction, commands: Sequence[Refresh]) -> Sequence[Session | Refusal]:
    return [await _refresh(tx, command) for command in commands]


async def _refresh(tx: Transaction, command: Refresh) -> Session | Refusal:
    token = await store.refresh_token(tx, command.token)
    if token is None:
        return Refusal(Code.NOT_AUTHENTICATED, "The refresh token is not one of this service.")
    over = over_or_none(token.session, tx.now)
    if over is not None:
        return over
    if token.used_at is None:
        store.spend(tx, token, command.successor)
        return token.session
    if await _lost(tx, token, command.successor):
        return token.session
    store.end_session(tx, token.session.id)
    user_id = token.session.user_id
    events.record(
        tx, "user.session_revoked", user_id, by=command.by, session=token.session.id, reason="reuse"
    )
    return Refusal(Code.TOKEN_REVOKED, "The refresh token had been used; its session has ended.")


async def _lost(tx: Transaction, token: RefreshToken, successor: bytes) -> bool:
    """Whether the reply with the successor may just have been lost: it is recent, and nobody has
    used the successor."""
    grace = rules.REFRESH_GRACE_SECONDS * times.MICROS_PER_SECOND
    if token.used_at is None or tx.now - token.used_at > grace:
        return False
    following = await store.refresh_token(tx, successor)
    return following is not None and following.used_at is None


def over_or_none(session: Session, now: int) -> Refusal | None:
    """Why the tokens of a session count no longer, if they don't."""
    if session.disabled or session.ended_at is not None:
        return Refusal(Code.TOKEN_REVOKED, "The session has been ended; sign in again.")
    if session.era != session.users_era:
        return Refusal(Code.TOKEN_REVOKED, "The password has changed; sign in again.")
    if ends(session) <= now:
        return Refusal(Code.TOKEN_EXPIRED, "The session has expired; sign in again.")
    return None


def ends(session: Session) -> int:
    """When it ends by itself."""
    return rules.session_ends(session.started_at, session.used_at, browser=session.browser)


async def end_session(tx: Transaction, commands: Sequence[EndSession]) -> Sequence[None]:
    for command in commands:
        token = await store.refresh_token(tx, command.token)
        if token is not None and token.session.ended_at is None:
            session = token.session
            store.end_session(tx, session.id)
            by = command.by._replace(actor=f"user:{session.user_id}")
            events.record(tx, "user.signed_out", session.user_id, by=by, session=session.id)
    return [None] * len(commands)


async def count_failure(tx: Transaction, commands: Sequence[CountFailure]) -> Sequence[None]:
    more = Counter(digest for command in commands for digest in command.found_by)
    known = await store.knocks(tx, more, tx.for_update)
    for digest, count in sorted(more.items()):
        before = known.get(digest, store.NEVER)
        left = rules.unforgiven(before.failures, before.last_at, tx.now)
        after = Knocks(left + count, tx.now)
        store.keep_knocks(tx, digest, after, new=digest not in known)
    for user_id, email, _, by in commands:
        events.record(
            tx, "user.sign_in_failed", user_id, by=by, **({"email": email} if email else {})
        )
    return [None] * len(commands)


async def create_api_key(tx: Transaction, commands: Sequence[CreateApiKey]) -> Sequence[ApiKey]:
    return [await _create(tx, command) for command in commands]


async def _create(tx: Transaction, command: CreateApiKey) -> ApiKey:
    key = await store.add_api_key(tx, command.key._replace(created_at=tx.now), command.digest)
    events.record(
        tx, "api_key.created", key.id, by=command.by, name=key.name, scopes=key.scopes.split()
    )
    return key


async def remove_api_key(
    tx: Transaction, commands: Sequence[RemoveApiKey]
) -> Sequence[int | Refusal]:
    return [await _remove(tx, command) for command in commands]


async def _remove(tx: Transaction, command: RemoveApiKey) -> int | Refusal:
    if not await store.remove_api_key(tx, command.key_id):
        return not_found("API key", command.key_id)
    events.record(tx, "api_key.removed", command.key_id, by=command.by)
    return command.key_id


async def note_uses(tx: Transaction, commands: Sequence[NoteUses]) -> Sequence[None]:
    for command in commands:
        await store.note_uses(tx, command.uses)
    return [None] * len(commands)


async def add_signing_key(
    tx: Transaction, commands: Sequence[AddSigningKey]
) -> Sequence[SigningKey | Refusal]:
    await users.alone(tx)
    return [await _add_signing_key(tx, command) for command in commands]


async def _add_signing_key(tx: Transaction, command: AddSigningKey) -> SigningKey | Refusal:
    if command.known != {key.kid for key in await store.signing_keys(tx)}:
        return Refusal(Code.CONFLICT, "The signing keys have just been changed by somebody else.")
    await store.remove_signing_keys(tx, sorted(command.removed))
    store.add_signing_key(tx, command.key)
    events.record(
        tx,
        "signing_key.added",
        0,
        by=command.by,
        kid=command.key.kid,
        removed=sorted(command.removed),
    )
    return command.key


async def sweep(tx: Transaction, commands: Sequence[Sweep]) -> Sequence[int]:
    """How much was forgotten: sessions that are long over, failures of yesterday."""
    return [await _sweep(tx, command.now) for command in commands]


async def _sweep(tx: Transaction, now: int) -> int:
    knocked = now - rules.FAILURES_REMEMBERED_HOURS * times.MICROS_PER_HOUR
    swept = await store.sweep_knocks(tx, knocked)
    used = now - rules.SESSION_DAYS_MAX * times.MICROS_PER_DAY
    return swept + await store.sweep_sessions(tx, used)
