"""From e-mail and password to a session, and on from there: refresh, sign out, a new password."""

from contextlib import suppress
from typing import NamedTuple

from leafcraft.access import actions, opaque, tokens
from leafcraft.access.actions import BeginSession, CountFailure, EndSession, Refresh
from leafcraft.access.door import Door
from leafcraft.access.keyring import Keyring
from leafcraft.access.master import Master
from leafcraft.access.rules import Device
from leafcraft.access.store import Session
from leafcraft.accounts import passwords, rules, store
from leafcraft.accounts.actions import SetPassword, set_password
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.store import ACCESS, User
from leafcraft.cause import Cause
from leafcraft.db import Reader
from leafcraft.errors import Code, Refusal
from leafcraft.web.call import Runtime
from leafcraft.web.problems import invalid_field


class Begun(NamedTuple):
    """A session that has just begun."""

    id: int
    user_id: int


class Tokens(NamedTuple):
    """What a session goes on with."""

    access: str
    refresh: str
    seconds: int
    """For how long the access token is good."""

    def __repr__(self) -> str:
        return f"Tokens(…, {self.seconds})"


class Sessions:
    """One for a process."""

    def __init__(self, runtime: Runtime, master: Master, keyring: Keyring) -> None:
        open_wide = runtime.settings.rate_limit == "off"
        self.passwords = Passwords()
        self._runtime = runtime
        self._keyring = keyring
        self._door = Door(master.derive("knocks"), runtime.clock, open_wide=open_wide)
        self._successors = master.derive("refresh tokens")
        self._seconds = runtime.settings.token_minutes * 60

    async def sign_in(self, email: str, password: str, by: Cause, *, agent: str = "") -> Tokens:
        """A new session. Raises Refusal: `invalid_credentials`, the same for every reason, `rate_limited`."""
        token = opaque.refresh_token()
        begun = await self.begin(
            email, password, by, token=opaque.digest(token), device=Device(agent)
        )
        return await self._tokens(begun.user_id, begun.id, token)

    async def begin(
        self, email: str, password: str, by: Cause, *, token: bytes, device: Device
    ) -> Begun:
        """A new session with a token of either kind, which comes as its digest. Raises Refusal as
        `sign_in` does."""
        user = await self.proven(email, password, by)
        begin = BeginSession(
            user.id,
            user.era,
            token,
            self._door.counted_under(user.email, by.address)[0],
            by._replace(actor=f"user:{user.id}"),
            device,
        )
        session_id = await self._runtime.writer.perform(actions.begin_session, begin)
        if passwords.outdated(user.password_hash):
            await self._rehash(user, password, begin.by)
        return Begun(session_id, user.id)

    async def refresh(self, token: str, by: Cause) -> Tokens:
        """The session goes on. Raises Refusal: `not_authenticated`, `token_revoked`, `token_expired`."""
        self._runtime.limits.stranger(by.address)
        successor = opaque.successor(token, self._successors)
        command = Refresh(opaque.digest(token), opaque.digest(successor), by)
        session: Session = await self._runtime.writer.perform(actions.refresh, command)
        return await self._tokens(session.user_id, session.id, successor)

    async def sign_out(self, token: str, by: Cause) -> None:
        """The session ends, if there is one; all tokens that came from it are good no longer."""
        self._runtime.limits.stranger(by.address)
        command = EndSession(opaque.digest(token), by)
        await self._runtime.writer.perform(actions.end_session, command)

    async def proven(self, email: str, password: str, by: Cause) -> User:
        """The user whose e-mail address and password these are; what fails is counted."""
        try:
            address = rules.email(email)
        except ValueError:
            address = ""
        found_by = self._door.counted_under(address, by.address)

        async def look(reader: Reader) -> tuple[User | None, int]:
            found = await store.by_email(reader, [address])
            return found.get(address), await self._door.shut_until(reader, found_by)

        if self.passwords.crowded:
            await self._door.queue()
        user, shut_until = await self._runtime.database.read(look)
        await self._door.pass_by(shut_until)
        right = await self.passwords.right(password, user.password_hash if user else None)
        if user is not None and right and not user.disabled:
            return user
        failure = CountFailure(user.id if user else 0, address, found_by, by)
        await self._runtime.writer.perform(actions.count_failure, failure)
        raise Refusal(Code.INVALID_CREDENTIALS, "The e-mail address or the password is wrong.")

    async def new_password(self, user_id: int, *, current: str, new: str, by: Cause) -> SetPassword:
        """The command that sets it. Raises Refusal: `invalid_credentials`, `validation_error`."""
        found = await self._runtime.database.read(lambda reader: store.by_id(reader, [user_id]))
        user = await self.proven(found[user_id].email, current, by)
        try:
            rules.password(new, user.email)
        except ValueError as error:
            raise invalid_field("/new_password", str(error)) from None
        fresh = await self.passwords.hash(new)
        return SetPassword(user.id, fresh, by, instead_of=user.password_hash)

    async def _rehash(self, user: User, password: str, by: Cause) -> None:
        fresh = await self.passwords.hash(password)
        again = SetPassword(user.id, fresh, by, instead_of=user.password_hash, same_password=True)
        with suppress(Refusal):  # somebody else was faster; nothing hangs on it
            await self._runtime.writer.perform(set_password, again)

    async def _tokens(self, user_id: int, session_id: int, token: str) -> Tokens:
        revisions = await self._runtime.watch.now()
        ring = await self._keyring.read(revisions.get(ACCESS, 0))
        access = tokens.issue(
            ring, user_id, session_id, now=self._runtime.clock(), seconds=self._seconds
        )
        return Tokens(access, token, self._seconds)
