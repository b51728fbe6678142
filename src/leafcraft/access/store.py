"""Everything about access that is asked of the database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from leafcraft.access.tables import ApiKeyRow
from leafcraft.accounts.rules import Role
from leafcraft.accounts.store import ACCESS
from leafcraft.db import Page, Reader, Source, Statement, Transaction, digests, keyset

SWEPT_SESSIONS_MAX = 500


# ── sessions ─────────────────────────────────────────────────────────────────


class Session(NamedTuple):
    """A sign-in, with the state of whoever signed in."""

    id: int
    user_id: int
    role: Role
    disabled: bool
    sessions_since: int
    started_at: int
    used_at: int
    ended_at: int | None


class RefreshToken(NamedTuple):
    digest: bytes
    used_at: int | None
    session: Session


_SESSION = (
    "s.id, s.user_id, u.role, u.disabled, u.sessions_since, s.started_at, s.used_at, s.ended_at"
)


def _session(row: Sequence[Any]) -> Session:
    session = Session(*row)
    return session._replace(role=Role(session.role), disabled=bool(session.disabled))


async def session(source: Source, session_id: int) -> Session | None:
    rows = await source.fetch(
        f"SELECT {_SESSION} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = %s",
        (session_id,),
    )
    return _session(rows[0]) if rows else None


async def refresh_token(tx: Transaction, digest: bytes) -> RefreshToken | None:
    """The token with its session, both locked."""
    rows = await tx.fetch(
        f"SELECT r.used_at, {_SESSION} FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id"
        f" JOIN users u ON u.id = s.user_id WHERE r.digest IN {digests([digest])}{tx.for_update}"
    )
    return RefreshToken(digest, rows[0][0], _session(rows[0][1:])) if rows else None


async def begin_session(tx: Transaction, user_id: int, *, address: str, digest: bytes) -> int:
    """A new session with its first refresh token; its id."""
    columns = "user_id, address, started_at, used_at"
    (session_id,) = await tx.insert("sessions", columns, [(user_id, address, tx.now, tx.now)])
    tx.append("refresh_tokens", "digest, session_id", [(digest, session_id)])
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


async def sweep_sessions(tx: Transaction, used_before: int) -> int:
    """Forgets sessions unused for so long that none of their tokens can be good any more."""
    rows = await tx.fetch(
        f"SELECT id FROM sessions WHERE used_at < %s ORDER BY id LIMIT {SWEPT_SESSIONS_MAX}",
        (used_before,),
    )
    for (session_id,) in rows:
        await tx.change("DELETE FROM refresh_tokens WHERE session_id = %s", (session_id,))
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


async def knocks(source: Source, found_by: Iterable[bytes]) -> Mapping[bytes, Knocks]:
    rows = await source.fetch(
        f"SELECT digest, failures, last_at FROM knocks WHERE digest IN {digests(found_by)}"
    )
    return {bytes(digest): Knocks(failures, last_at) for digest, failures, last_at in rows}


async def count_knock(tx: Transaction, digest: bytes, forgotten_before: int) -> None:
    """One more failure; the first one again where the last is long ago."""
    found = await tx.change(
        "UPDATE knocks SET failures = CASE WHEN last_at < %s THEN 1 ELSE failures + 1 END,"
        f" last_at = %s WHERE digest IN {digests([digest])}",
        (forgotten_before, tx.now),
    )
    if not found:
        tx.append("knocks", "digest, failures, last_at", [(digest, 1, tx.now)])


async def forget_knocks(tx: Transaction, digest: bytes) -> None:
    await tx.change(f"DELETE FROM knocks WHERE digest IN {digests([digest])}")


async def sweep_knocks(tx: Transaction, before: int) -> int:
    return await tx.change("DELETE FROM knocks WHERE last_at < %s", (before,))
