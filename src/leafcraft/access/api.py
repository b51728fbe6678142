"""How people and machines get in, stay in, and get out."""

from typing import Annotated

import orjson
from fastapi import Form, Query

from leafcraft.access import actions, endings, opaque, schemas, store, views
from leafcraft.access.actions import CreateApiKey, RemoveApiKey
from leafcraft.access.endings import EndOwn, SignOutEverywhere
from leafcraft.access.keyring import PUBLISHED_AHEAD_SECONDS, Keyring
from leafcraft.access.master import Master
from leafcraft.access.rules import agent_of
from leafcraft.access.sessions import Sessions, Tokens
from leafcraft.access.store import ApiKey
from leafcraft.access.tables import KEY_START_CHARS
from leafcraft.accounts import schemas as account_schemas
from leafcraft.accounts import store as users
from leafcraft.accounts.actions import set_password
from leafcraft.accounts.rules import Permission
from leafcraft.accounts.store import ACCESS
from leafcraft.db import Reader
from leafcraft.errors import Code
from leafcraft.idempotency import Answer
from leafcraft.web import wire
from leafcraft.web.call import Anyone, Asked, Call
from leafcraft.web.operations import OPEN, Operations, Promise
from leafcraft.web.problems import invalid_field

NOT_KEPT = (("cache-control", "no-store"),)
SEALED = "answer about a new API key"


LOGIN = Promise(
    name="login", permission=OPEN, answers=schemas.Session, refuses=[Code.INVALID_CREDENTIALS]
)
REFRESH = Promise(
    name="refresh",
    permission=OPEN,
    answers=schemas.Session,
    refuses=[Code.NOT_AUTHENTICATED, Code.TOKEN_EXPIRED, Code.TOKEN_REVOKED],
)
LOGOUT = Promise(name="logout", permission=OPEN, answers=None, status=204)
ME = Promise(name="get_me", permission=Permission.USER, answers=account_schemas.User)
PASSWORD = Promise(
    name="change_password",
    permission=Permission.USER,
    answers=None,
    status=204,
    refuses=[Code.INVALID_CREDENTIALS, Code.CONFLICT],
)
SESSIONS = Promise(
    name="list_sessions", permission=Permission.USER, answers=list[schemas.OpenSession]
)
END_SESSION = Promise(
    name="end_session",
    permission=Permission.USER,
    answers=None,
    status=204,
    refuses=[Code.NOT_FOUND],
)
EVERYWHERE = Promise(
    name="sign_out_everywhere", permission=Permission.USER, answers=None, status=204
)
NEW_KEY = Promise(
    name="create_api_key",
    permission=Permission.ADMIN,
    answers=schemas.CreatedApiKey,
    status=201,
)
KEYS = Promise(name="list_api_keys", permission=Permission.ADMIN, answers=list[schemas.ApiKey])
DELETE_KEY = Promise(
    name="delete_api_key",
    permission=Permission.ADMIN,
    answers=None,
    status=204,
    refuses=[Code.NOT_FOUND],
)
JWKS = Promise(name="get_jwks", permission=OPEN, answers=schemas.JsonWebKeys)


class Auth:
    """Signing in and out, over the process's own sessions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @property
    def operations(self) -> Operations:
        auth = Operations("/auth", "Auth")
        auth.post("/login", LOGIN)(self.login)
        auth.post("/refresh", REFRESH)(self.refresh)
        auth.post("/logout", LOGOUT)(self.logout)
        auth.get("/me", ME)(self.get_me)
        auth.post("/password", PASSWORD)(self.change_password)
        auth.get("/sessions", SESSIONS)(list_sessions)
        auth.delete("/sessions", EVERYWHERE)(sign_out_everywhere)
        auth.delete("/sessions/{session_id}", END_SESSION)(end_session)
        return auth

    async def login(self, call: Anyone, form: Annotated[schemas.SignIn, Form()]) -> Answer:
        """Sign in with e-mail address and password; the access token goes into `Authorization: Bearer`."""
        password = form.password.get_secret_value()
        agent = agent_of(call.header(b"user-agent"))
        return _session(await self._sessions.sign_in(form.username, password, call.by, agent=agent))

    async def refresh(self, call: Anyone, body: schemas.RefreshToken) -> Answer:
        """Trade a refresh token for the next one and a new access token. Each works once; where the
        reply got lost, the same token gives the same successor again for half a minute."""
        return _session(
            await self._sessions.refresh(body.refresh_token.get_secret_value(), call.by)
        )

    async def logout(self, call: Anyone, body: schemas.RefreshToken) -> Answer:
        """End the session that a refresh token belongs to, with all its tokens; an unknown one is no error."""
        await self._sessions.sign_out(body.refresh_token.get_secret_value(), call.by)
        return Answer(204, b"")

    async def get_me(self, call: Asked) -> Answer:
        """Who is signed in."""
        user_id = _user_id(call)

        async def load(reader: Reader) -> Answer:
            return account_schemas.shown(await users.by_id(reader, [user_id]), user_id)

        return await call.look(load)

    async def change_password(self, call: Asked, body: schemas.PasswordChange) -> Answer:
        """Set a new password. All sessions end, this one too: sign in again."""
        command = await self._sessions.new_password(
            _user_id(call),
            current=body.current_password.get_secret_value(),
            new=body.new_password.get_secret_value(),
            by=call.by,
        )
        return await call.write(set_password, command, lambda _: Answer(204, b""))


async def list_sessions(call: Asked, query: Annotated[schemas.SessionQuery, Query()]) -> Answer:
    """Where you are signed in, with a browser or with tokens; the newest sign-in first."""
    page, now = query.page(), call.runtime.clock()

    async def load(reader: Reader) -> Answer:
        rows, more = query.cut(
            await views.open_sessions(reader, page, user_id=_user_id(call), now=now)
        )
        current = call.caller.session_id
        return wire.listing([schemas.open_session(row, current=current) for row in rows], more)

    return await call.look(load)


async def end_session(call: Asked, session_id: wire.Id) -> Answer:
    """End one of your own sessions, with all its tokens, wherever it is."""
    command = EndOwn(_user_id(call), session_id, call.by)
    return await call.write(endings.end_own, command, lambda _: Answer(204, b""))


async def sign_out_everywhere(call: Asked) -> Answer:
    """End all of your own sessions, this one too; API keys stay."""
    command = SignOutEverywhere(_user_id(call), call.by)
    return await call.write(endings.sign_out_everywhere, command, lambda _: Answer(204, b""))


class ApiKeys:
    """The keys of machines."""

    def __init__(self, master: Master) -> None:
        self._master = master

    @property
    def operations(self) -> Operations:
        keys = Operations("/api-keys", "API keys")
        keys.post("/", NEW_KEY)(self.create_api_key)
        keys.get("/", KEYS)(list_api_keys)
        keys.delete("/{key_id}", DELETE_KEY)(delete_api_key)
        return keys

    async def create_api_key(self, call: Asked, body: schemas.NewApiKey) -> Answer:
        """Make a key for a machine. It is shown this once, and only its digest is kept."""
        if body.expires_at is not None and body.expires_at <= call.runtime.clock():
            raise invalid_field("/expires_at", "is past already")
        key = opaque.api_key()
        scopes = " ".join(body.scopes)
        new = ApiKey(
            0, key[:KEY_START_CHARS], body.name, scopes, call.by.actor, 0, body.expires_at, None
        )
        command = CreateApiKey(new, opaque.digest(key), call.by)
        sealed = self._master.seal(key, SEALED)
        answer = await call.write(
            actions.create_api_key, command, lambda made: _created(made, sealed)
        )
        return self._opened(answer)

    def _opened(self, answer: Answer) -> Answer:
        if answer.status != 201:
            return answer
        document = orjson.loads(answer.body)
        document["key"] = self._master.open(document["key"], SEALED)
        return answer._replace(body=wire.dump(document), headers=NOT_KEPT)


async def list_api_keys(call: Asked, query: Annotated[schemas.ApiKeyQuery, Query()]) -> Answer:
    """The keys there are, without the secrets."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        rows, more = query.cut(await store.api_keys(reader, page))
        return wire.listing([schemas.api_key(row) for row in rows], more)

    return await call.look(load)


async def delete_api_key(call: Asked, key_id: wire.Id) -> Answer:
    """Take a key away; from this moment it opens nothing."""
    command = RemoveApiKey(key_id, call.by)
    return await call.write(actions.remove_api_key, command, lambda _: Answer(204, b""))


class Published:
    """What others need to check access tokens."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    @property
    def operations(self) -> Operations:
        published = Operations("/.well-known", "Auth")
        published.get("/jwks.json", JWKS)(self.get_jwks)
        return published

    async def get_jwks(self, call: Anyone) -> Answer:
        """The public keys that access tokens are signed with (RFC 7517)."""
        call.runtime.limits.stranger(call.address)
        ring = await self._keyring.read((await call.revisions()).get(ACCESS, 0))
        age = f"public, max-age={PUBLISHED_AHEAD_SECONDS}"
        return wire.shown({"keys": ring.published})._replace(headers=(("cache-control", age),))


def _session(tokens: Tokens) -> Answer:
    return Answer(200, wire.dump(schemas.session(tokens)), headers=NOT_KEPT)


def _user_id(call: Call) -> int:
    """Whoever has the permission USER is `user:` and a number."""
    return int(call.caller.name.partition(":")[2])


def _created(key: ApiKey, sealed: str) -> Answer:
    """As it is stored for retries: with the key sealed, because a database must not give it away."""
    document = {**schemas.api_key(key), "key": sealed}
    return Answer(201, wire.dump(document), location=f"/api-keys/{key.id}")
