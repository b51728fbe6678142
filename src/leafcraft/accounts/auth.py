"""Who is asking: from e-mail and password to a token, and from a token to a caller."""

from typing import NamedTuple

from leafcraft import times
from leafcraft.accounts import actions, passwords, rules, store
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.store import User
from leafcraft.accounts.tokens import Tokens
from leafcraft.cause import Cause
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal
from leafcraft.web.call import Caller
from leafcraft.writer import Writer

KNOWN_TOKENS_MAX = 10_000
RECHECK_SECONDS = 5
"""How long a process may act on what it knows of a user before it reads it again."""


class _Known(NamedTuple):
    caller: Caller
    until: int


class Auth:
    """One for a process: checking a token's signature costs more than most requests do, so it is
    done once, and remembered until the token ends or the user must be looked at again."""

    def __init__(
        self, database: Database, writer: Writer, tokens: Tokens, clock: times.Clock
    ) -> None:
        self.tokens = tokens
        self._database = database
        self._writer = writer
        self._passwords = Passwords()
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def authenticate(self, authorization: str) -> Caller:
        """Whom an Authorization header speaks for. Raises Refusal: `not_authenticated`, `token_expired`."""
        known = self._known.get(authorization)
        if known is not None and self._clock() < known.until:
            return known.caller
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(Code.NOT_AUTHENTICATED, "Send an access token: Authorization: Bearer …")
        user_id, ends = self.tokens.read(token.strip())
        user = await self._database.read(lambda reader: store.by_id(reader, user_id))
        if user is None or user.disabled:
            raise Refusal(Code.NOT_AUTHENTICATED, "The token's user has no access.")
        caller = Caller(f"user:{user.id}", rules.PERMISSIONS[user.role])
        self._remember(authorization, caller, ends)
        return caller

    async def sign_in(self, email: str, password: str, by: Cause) -> User:
        """The user. Raises Refusal `invalid_credentials`, the same for every reason."""
        try:
            address = rules.email(email)
        except ValueError:
            address = ""
        found = await self._database.read(lambda reader: store.by_email(reader, [address]))
        user = found.get(address)
        right = await self._passwords.right(password, user.password_hash if user else None)
        if user is None or user.disabled or not right:
            raise Refusal(Code.INVALID_CREDENTIALS, "The e-mail address or the password is wrong.")
        if passwords.outdated(user.password_hash):
            fresh = await self._passwords.hash(password)
            again = actions.SetPassword(user.email, fresh, by, reason="rehash")
            await self._writer.perform(actions.set_password, again)
        return user

    def _remember(self, authorization: str, caller: Caller, ends: int) -> None:
        if len(self._known) >= KNOWN_TOKENS_MAX:
            self._known.clear()
        recheck = self._clock() + RECHECK_SECONDS * times.MICROS_PER_SECOND
        self._known[authorization] = _Known(caller, min(ends, recheck))
