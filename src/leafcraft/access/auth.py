"""Who is asking: from an Authorization header to a caller."""

from typing import NamedTuple

from leafcraft import times
from leafcraft.access import actions, opaque, store, tokens
from leafcraft.access.actions import NoteUses, ends, over_or_none
from leafcraft.access.keyring import Keyring
from leafcraft.access.known import Acquaintances
from leafcraft.access.oidc import Outside
from leafcraft.accounts import rules
from leafcraft.accounts.store import ACCESS
from leafcraft.cause import SYSTEM
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal
from leafcraft.web.call import Call, Caller
from leafcraft.writer import Writer

_FOREVER = 2**63 - 1


class _Known(NamedTuple):
    """A caller who has been checked, at a revision of access."""

    caller: Caller
    revision: int
    until: int
    key_id: int = 0


class Auth:
    """One for a process. Checking a token costs more than most requests do, so it is done once, and
    holds until the token ends or anybody's access has changed, in whichever process."""

    def __init__(
        self, database: Database, keyring: Keyring, outside: Outside | None, clock: times.Clock
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._outside = outside
        self._clock = clock
        self._known = Acquaintances[_Known]()
        self._uses: dict[int, int] = {}

    async def authenticate(self, call: Call) -> Caller:
        """Whom the call's Authorization header speaks for.

        Raises Refusal: `not_authenticated`, `token_expired`, `token_revoked`, `rate_limited`.
        """
        authorization = call.header(b"authorization")
        if authorization is None:
            raise Refusal(Code.NOT_AUTHENTICATED, "Send a token: Authorization: Bearer …")
        revision = (await call.revisions()).get(ACCESS, 0)
        now = self._clock()
        known = self._known.still(authorization, revision, now)
        if known is None:
            self._known.forget(authorization, call)
            known = await self._introduced(authorization, revision)
            self._known.keep(authorization, known)
        if known.key_id:
            self._uses[known.key_id] = now
        return known.caller

    async def note_uses(self, writer: Writer) -> None:
        """Writes down when API keys were last used, now and then for all of them."""
        uses, self._uses = self._uses, {}
        if uses:
            await writer.perform(actions.note_uses, NoteUses(uses, SYSTEM))

    async def _introduced(self, authorization: str, revision: int) -> _Known:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Refusal(Code.NOT_AUTHENTICATED, "Send a token: Authorization: Bearer …")
        if token.startswith(opaque.API_KEY_PREFIX):
            return await self._machine(token, revision)
        if self._outside is not None and self._outside.issued(token):
            caller, ends = await self._outside.caller(token)
            return _Known(caller, revision, ends)
        return await self._person(token, revision)

    async def _person(self, token: str, revision: int) -> _Known:
        ring = await self._keyring.read(revision)
        claims = tokens.read(ring, token, now=self._clock())
        session = await self._database.read(lambda reader: store.session(reader, claims.session_id))
        if session is None or session.user_id != claims.user_id:
            raise Refusal(Code.TOKEN_REVOKED, "The session has been ended; sign in again.")
        over = over_or_none(session, self._clock())
        if over is not None:
            raise over
        caller = Caller(f"user:{session.user_id}", rules.PERMISSIONS[session.role], session.id)
        return _Known(caller, revision, min(claims.ends, ends(session)))

    async def _machine(self, token: str, revision: int) -> _Known:
        if not opaque.is_api_key(token):
            raise Refusal(Code.NOT_AUTHENTICATED, "The API key is misspelt or cut off.")
        digest = opaque.digest(token)
        key = await self._database.read(lambda reader: store.api_key(reader, digest))
        if key is None:
            raise Refusal(Code.NOT_AUTHENTICATED, "The API key is not one of this service.")
        if key.expires_at is not None and key.expires_at <= self._clock():
            raise Refusal(Code.TOKEN_EXPIRED, "The API key has expired.")
        caller = Caller(f"key:{key.id}", frozenset(key.scopes.split()))
        return _Known(caller, revision, key.expires_at or _FOREVER, key.id)
