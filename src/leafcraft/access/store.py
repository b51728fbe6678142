"""Everything about access that is asked of the database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from leafcraft.access.rules import Device
from leafcraft.access.tables import ApiKeyRow
from leafcraft.accounts.rules import Role
from leafcraft.accounts.store import ACCESS, User
from leafcraft.db import Page, Reader, Source, Statement, Transaction, digests, keyset

SWEPT_SESSIONS_MAX = 500


# ── sessions ─────────────────────────────────────────────────────────────────


class Session(NamedTuple):
    """A sign-in, with the state of whoever signed in."""

    id: int
    user_id: int
    role: Role
    disabled: bool
    users_era: int
    era: int
    """The user's, when the session began."""
    started_at: int
    used_at: int
    ended_at: int | None
    browser: bool


class RefreshToken(NamedTuple):
    digest: bytes
    used_at: int | None
    session: Session


_SESSION = (
    "s.id, s.user_id, u.role, u.disabled, u.era, s.era, s.started_at, s.used_at, s.ended_at,"
    " s.browser"
)


def _session(row: Sequence[Any]) -> Session:
    session = Session(*row)
    return session._replace(
        role=Role(session.role), disabled=bool(session.disabled), browser=bool(session.browser)
    )


async def session(source: Source, session_id: int, lock: str = "") -> Session | None:
    """`lock` is the transaction's `for_update` where the session is going to end."""
    rows = await source.fetch(
        f"SELECT {_SESSION} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = %s{lock}",
        (session_id,),
    )
    return _session(rows[0]) if rows else None


async def browser(source: Source, digest: bytes) -> tuple[Session, str] | None:
    """The session that a browser's token belongs to, and the user's e-mail address."""
    rows = await source.fetch(
        f"SELECT u.email, {_SESSION} FROM browser_tokens b JOIN sessions s ON s.id = b.session_id"
        f" JOIN users u ON u.id = s.user_id WHERE b.digest IN {digests([digest])}"
    )
    return (_session(rows[0][1:]), rows[0][0]) if rows else None


async def refresh_token(tx: Transaction, digest: bytes) -> RefreshToken | None:
    """The token with its session, both locked."""
    rows = await tx.fetch(
        f"SELECT r.used_at, {_SESSION} FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id"
        f" JOIN users u ON u.id = s.user_id WHERE r.digest IN {digests([digest])}{tx.for_update}"
    )
    return RefreshToken(digest, rows[0][0], _session(rows[0][1:])) if rows else None


async def begin_session(
    tx: Transaction, user: User, *, address: str, device: Device, digest: bytes
) -> int:
    """A new session with its first refresh token, or its browser's token; its id."""
    columns = "user_id, era, address, agent, browser, started_at, used_at"
    row = (user.id, user.era, address, *device, tx.now, tx.now)
    (session_id,) = await tx.insert("sessions", columns, [row])
    tokens = "browser_tokens" if device.browser else "refresh_tokens"
    tx.append(tokens, "digest, session_id", [(digest, session_id)])
    return session_id


def spend(tx: Transaction, token: RefreshToken, successor: bytes) -> None:
    """The token has been used; the next one of its session is `successor`."""
    spent = f"UPDATE refresh_tokens SET used_at = %s WHERE digest IN {digests([token.digest])}"
    tx.later(Statement(spent, (tx.now,)), 1)
    tx.append("refresh_tokens", "digest, session_id", [(successor, token.session.id)])
    used = Statement("UPDATE sessions SET used_at = %s WHERE id = %s", (tx.now, token.session.id))
    tx.later(used, 1)


def end_session(tx: Transaction, session_id: int) -> None:
    tx.touched.add(ACCESS)
    ended = Statement("UPDATE sessions SET ended_at = %s WHERE id = %s", (tx.now, session_id))
    tx.later(ended, 1)


async def note_visits(tx: Transaction, visits: Mapping[int, int]) -> None:
    """When browsers' sessions were last used; another process may know of a later moment."""
    later = "UPDATE sessions SET used_at = %s WHERE id = %s AND used_at < %s"
    for session_id, at in sorted(visits.items()):
        await tx.change(later, (at, session_id, at))


async def sweep_sessions(tx: Transaction, used_before: int) -> int:
    """Forgets sessions unused for so long that none of their tokens can be good any more."""
    rows = await tx.fetch(
        f"SELECT id FROM sessions WHERE used_at < %s ORDER BY id LIMIT {SWEPT_SESSIONS_MAX}",
        (used_before,),
    )
    for (session_id,) in rows:
        for tokens in ("refresh_tokens", "browser_tokens"):
            await tx.change(f"DELETE FROM {tokens} WHERE session_id = %s", (session_id,))
        await tx.change("DELETE FROM sessions WHERE id = %s", (session_id,))
    return len(rows)


# ── API keys ─────────────────────────────────────────────────────────────────


class ApiKey(NamedTuple):
    """A machine's key, without the secret, which nobody keeps."""

    id: int
    start: str
    name: str
    scopes: str
    created_by: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None


_KEY = ", ".join(ApiKey._fields)
_KEY_COLUMNS = [getattr(ApiKeyRow, column) for column in ApiKey._fields]


async def api_key(source: Source, digest: bytes) -> ApiKey | None:
    rows = await source.fetch(f"SELECT {_KEY} FROM api_keys WHERE digest IN {digests([digest])}")
    return ApiKey(*rows[0]) if rows else None


async def api_keys(reader: Reader, page: Page) -> list[ApiKey]:
    statement = keyset(select(*_KEY_COLUMNS), {"id": ApiKeyRow.id}, page)
    return [ApiKey(*row) for row in await reader.select(statement)]


async def add_api_key(tx: Transaction, key: ApiKey, digest: bytes) -> ApiKey:
    """Keeps the key, whose own id counts for nothing yet; the same with the id it got."""
    (key_id,) = await tx.insert("api_keys", f"{_KEY[4:]}, digest", [(*key[1:], digest)])
    return key._replace(id=key_id)


async def remove_api_key(tx: Transaction, key_id: int) -> bool:
    """Whether there was one."""
    gone = bool(await tx.change("DELETE FROM api_keys WHERE id = %s", (key_id,)))
    if gone:
        tx.touched.add(ACCESS)
    return gone


async def note_uses(tx: Transaction, uses: Mapping[int, int]) -> None:
    """When keys were last used. A key may have been removed meanwhile."""
    for key_id, at in sorted(uses.items()):
        await tx.change("UPDATE api_keys SET last_used_at = %s WHERE id = %s", (at, key_id))


# ── signing keys ─────────────────────────────────────────────────────────────


class SigningKey(NamedTuple):
    """A key pair as it is stored: `public` is a JWK, `private` is sealed."""

    kid: str
    public: str
    private: str
    signs_from: int


async def signing_keys(source: Source) -> list[SigningKey]:
    """The oldest first."""
    rows = await source.fetch(
        "SELECT kid, public, private, signs_from FROM signing_keys ORDER BY signs_from, kid"
    )
    return [SigningKey(*row) for row in rows]


def add_signing_key(tx: Transaction, key: SigningKey) -> None:
    tx.touched.add(ACCESS)
    tx.append("signing_keys", "kid, public, private, signs_from", [tuple(key)])


async def remove_signing_keys(tx: Transaction, kids: Iterable[str]) -> None:
    for kid in kids:
        tx.touched.add(ACCESS)
        await tx.change("DELETE FROM signing_keys WHERE kid = %s", (kid,))


# ── knocks ───────────────────────────────────────────────────────────────────


class Knocks(NamedTuple):
    """How often somebody failed to sign in, and when last."""

    failures: int
    last_at: int


NEVER = Knocks(0, 0)


async def knocks(
    source: Source, found_by: Iterable[bytes], lock: str = ""
) -> Mapping[bytes, Knocks]:
    """`lock` is the transaction's `for_update` where they are going to be counted."""
    rows = await source.fetch(
        "SELECT digest, failures, last_at FROM knocks"
        f" WHERE digest IN {digests(found_by)} ORDER BY digest{lock}"
    )
    return {bytes(digest): Knocks(failures, last_at) for digest, failures, last_at in rows}


def keep_knocks(tx: Transaction, digest: bytes, knocks: Knocks, *, new: bool) -> None:
    if new:
        tx.append("knocks", "digest, failures, last_at", [(digest, *knocks)])
        return
    change = f"UPDATE knocks SET failures = %s, last_at = %s WHERE digest IN {digests([digest])}"
    tx.later(Statement(change, knocks), 1)


async def forget_knocks(tx: Transaction, digest: bytes) -> None:
    await tx.change(f"DELETE FROM knocks WHERE digest IN {digests([digest])}")


async def sweep_knocks(tx: Transaction, before: int) -> int:
    return await tx.change("DELETE FROM knocks WHERE last_at < %s", (before,))
