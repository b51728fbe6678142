"""Browsers: a cookie's token for a sign-in, from it to a visitor on each request, and its end."""

import base64
import hashlib
import hmac
from contextlib import suppress
from typing import NamedTuple

from leafcraft.access import actions, endings, opaque, store
from leafcraft.access.actions import over_or_none
from leafcraft.access.endings import EndOwn, NoteVisits
from leafcraft.access.known import Acquaintances
from leafcraft.access.master import Master
from leafcraft.access.rules import BROWSER_NOTED_MINUTES, Device, agent_of
from leafcraft.access.sessions import Sessions
from leafcraft.access.store import Session
from leafcraft.accounts.rules import PERMISSIONS
from leafcraft.accounts.store import ACCESS
from leafcraft.cause import SYSTEM, Cause
from leafcraft.errors import Code, Refusal
from leafcraft.times import MICROS_PER_SECOND
from leafcraft.web.call import Call, Runtime
from leafcraft.web.visitor import Visitor
from leafcraft.writer import Writer

NOTED_MICROS = BROWSER_NOTED_MINUTES * 60 * MICROS_PER_SECOND


class _Known(NamedTuple):
    """A visitor who has been checked, at a revision of access."""

    visitor: Visitor
    session: Session
    revision: int

    @property
    def until(self) -> int:
        return actions.ends(self.session)


class Browsers:
    """One for a process. A token is 256 random bits that only its browser has; it is no refresh token
    and no access token, and neither of them is one: each kind has a table of its own."""

    def __init__(self, runtime: Runtime, master: Master, sessions: Sessions) -> None:
        self._runtime = runtime
        self._sessions = sessions
        self._csrf = master.derive("csrf")
        self._known = Acquaintances[_Known]()
        self._visits: dict[int, int] = {}

    async def sign_in(self, email: str, password: str, by: Cause, *, agent: str) -> str:
        """A new session's token, which nobody can have known before. `agent` is the browser's
        `User-Agent`. Raises Refusal: `invalid_credentials`, the same for every reason, `rate_limited`.
        """
        token = opaque.refresh_token()
        device = Device(agent_of(agent), browser=True)
        await self._sessions.begin(email, password, by, token=opaque.digest(token), device=device)
        return token

    async def visitor(self, token: str, call: Call, *, used: bool = True) -> Visitor:
        """Whom the cookie's token speaks for; `used`: by a person, and not by a page that is left open.

        Raises Refusal: `not_authenticated`, `token_expired`, `token_revoked`, `rate_limited`.
        """
        revision = (await call.revisions()).get(ACCESS, 0)
        now = self._runtime.clock()
        known = self._known.still(token, revision, now)
        if known is None:
            self._known.forget(token, call)
            known = await self._introduced(token, revision)
            self._known.keep(token, known)
        if used and now - known.session.used_at >= NOTED_MICROS:
            self._visits[known.session.id] = now
            session = known.session._replace(used_at=now)
            self._known.keep(token, known._replace(session=session))
        return known.visitor

    async def sign_out(self, token: str, by: Cause) -> None:
        """The session ends, if there is one."""
        session, _ = await self._found(token)
        if session is not None:
            by = by._replace(actor=f"user:{session.user_id}")
            command = EndOwn(session.user_id, session.id, by)
            with suppress(Refusal):  # it is over already
                await self._runtime.writer.perform(endings.end_own, command)

    async def note_uses(self, writer: Writer) -> None:
        """Writes down when sessions were last used, now and then for all of them."""
        visits, self._visits = self._visits, {}
        if visits:
            await writer.perform(endings.note_visits, NoteVisits(visits, SYSTEM))

    async def _introduced(self, token: str, revision: int) -> _Known:
        session, email = await self._found(token)
        if session is None:
            raise Refusal(Code.NOT_AUTHENTICATED, "Sign in first.")
        # This process may know of a visit that is yet to be written down.
        used_at = max(session.used_at, self._visits.get(session.id, 0))
        session = session._replace(used_at=used_at)
        over = over_or_none(session, self._runtime.clock())
        if over is not None:
            raise over
        return _Known(self._visitor(session, email, token=token), session, revision)

    async def _found(self, token: str) -> tuple[Session | None, str]:
        if not opaque.is_token(token):
            return None, ""
        digest = opaque.digest(token)
        found = await self._runtime.database.read(lambda reader: store.browser(reader, digest))
        return found or (None, "")

    def _visitor(self, session: Session, email: str, *, token: str) -> Visitor:
        proof = hmac.digest(self._csrf, token.encode(), hashlib.sha256)
        csrf = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        role = session.role
        return Visitor(session.user_id, email, role.value, PERMISSIONS[role], session.id, csrf)
