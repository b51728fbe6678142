"""One call: who asks what, and the two ways to answer it, a read or a write."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, Annotated, Any, NamedTuple, NoReturn
from urllib.parse import unquote

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2PasswordBearer
from starlette.exceptions import HTTPException

from leafcraft import idempotency, revisions, times
from leafcraft.cache import Cache, Load, Watch
from leafcraft.cause import Cause
from leafcraft.committer import Action
from leafcraft.config import Settings
from leafcraft.db import Database, Reader
from leafcraft.errors import Refusal
from leafcraft.events import ADDRESS_CHARS_MAX
from leafcraft.idempotency import KEY_CHARS_MAX, Answer, Key
from leafcraft.money import Currency
from leafcraft.web import problems, wire
from leafcraft.web.limits import Limits
from leafcraft.web.problems import invalid_parameter
from leafcraft.writer import Writer


class Caller(NamedTuple):
    """Whoever asks, once their credentials have been checked."""

    name: str
    """As it stands in events and movements: `user:1`, `key:7`."""
    permissions: frozenset[str]
    session_id: int = 0
    """Of the sign-in that this comes of; 0 where there is none."""


class Uploaded(NamedTuple):
    """A file that a request has brought."""

    file: IO[bytes]
    digest: bytes
    media: str = ""
    """Which of the media types it may have."""


_VERSION = re.compile(r"[0-9]{1,18}")
NOBODY = Caller("anonymous", frozenset())


@dataclass(frozen=True)
class Runtime:
    """What a running service is made of; put together in `app.py`, handed to every call."""

    settings: Settings
    currency: Currency
    database: Database
    writer: Writer
    watch: Watch
    cache: Cache
    limits: Limits
    fingerprints: bytes
    """The key that requests are compared by: see `idempotency.Key`."""
    clock: times.Clock = times.now
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service is about to stop: what never ends by itself ends then."""


class Call:
    """One request, authenticated, on its way to an endpoint."""

    __slots__ = (
        "_headers",
        "_revisions",
        "address",
        "body",
        "caller",
        "media",
        "method",
        "path",
        "query",
        "request_id",
        "runtime",
        "secure",
    )

    def __init__(
        self,
        runtime: Runtime,
        scope: Mapping[str, Any],
        headers: Mapping[bytes, bytes],
        request_id: str,
    ) -> None:
        self.runtime = runtime
        self.request_id = request_id
        self.caller = NOBODY
        self.method: str = scope["method"]
        self.path: str = scope["path"].rstrip("/")
        self.query = scope["query_string"].decode("latin-1")
        self.secure = scope.get("scheme") == "https"
        # A proxy's X-Forwarded-For may say anything, at any length.
        self.address: str = (scope["client"][0] if scope.get("client") else "")[:ADDRESS_CHARS_MAX]
        self.body: Any = None
        self.media = ""
        self._headers = headers
        self._revisions: Mapping[str, int] | None = None

    @property
    def by(self) -> Cause:
        return Cause(self.caller.name, self.request_id, self.address)

    @property
    def currency(self) -> Currency:
        return self.runtime.currency

    def header(self, name: bytes) -> str | None:
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def versions(self) -> frozenset[int] | None:
        """The versions that `If-Match` allows; None when any will do.

        A tag is `"version.digest"`. The version alone counts here: it changes with every edit,
        while the digest also changes when a sale moves the stock, which no edit conflicts with.
        """
        wanted = self.header(b"if-match")
        if wanted is None or wanted.strip() == "*":
            return None
        tags = (tag.strip().strip('"').partition(".")[0] for tag in wanted.split(","))
        return frozenset(int(tag) for tag in tags if _VERSION.fullmatch(tag))

    def cookie(self, name: str) -> str:
        """A cookie's text; empty: there is none."""
        for part in (self.header(b"cookie") or "").split(";"):
            given, _, value = part.strip().partition("=")
            if given == name:
                return unquote(value)
        return ""

    def inner(
        self, method: str, path: str, *, query: str, headers: Mapping[bytes, bytes]
    ) -> "Call":
        """A call that this one makes in the name of its caller."""
        scope = {"method": method, "path": path, "query_string": query.encode(), "client": None}
        made = Call(self.runtime, scope, headers, self.request_id)
        made.caller, made.address, made._revisions = self.caller, self.address, self._revisions
        return made

    @property
    def mark(self) -> str:
        """The revisions in one word; empty: nobody has asked for them."""
        return "" if self._revisions is None else revisions.mark(self._revisions)

    def forget_revisions(self) -> None:
        """What is read from now on sees what has been written since."""
        self._revisions = None

    async def revisions(self) -> Mapping[str, int]:
        """What had been committed when the call came, or a little later: asked for once a call."""
        if self._revisions is None:
            self._revisions = await self.runtime.watch.now()
        return self._revisions

    async def write(
        self,
        action: Action[Any, Any],
        command: Any,
        render: Callable[[Any], Answer],
        *,
        weight: int = 1,
    ) -> Answer:
        """The outcome of a command, once committed; a refusal comes as a problem."""

        def told(outcome: Any) -> Answer:
            if isinstance(outcome, Refusal):
                return problems.answer(outcome, self.path, self.request_id)
            return render(outcome)

        return await self.runtime.writer.submit(
            action, command, told, key=self._key(), weight=weight
        )

    async def earlier(self) -> Answer | None:
        """What this very request was answered before: for those that do more than one write.

        Raises Refusal `idempotency_key_reused` for a key that belongs to another request.
        """
        key = self._key()
        if key is None:
            return None
        known = await self.runtime.database.read(lambda reader: idempotency.find(reader, [key]))
        if key.digest not in known:
            return None
        first, answer = known[key.digest]
        if first != key:
            raise idempotency.reused()
        return answer._replace(replayed=True)

    async def read(self, topics: Sequence[str], load: Load) -> Answer:
        """A cached answer, as fresh as if it had just been made."""
        known = await self.revisions()
        return await self.runtime.cache.answer(
            f"{self.media}{self.path}?{self.query}", topics, load, known=known
        )

    async def look(self, load: Callable[[Reader], Awaitable[Answer]]) -> Answer:
        """An answer that isn't worth keeping."""
        return await self.runtime.database.read(load)

    def _key(self) -> Key | None:
        key = self.header(b"idempotency-key")
        if key is None:
            return None
        if not 1 <= len(key) <= KEY_CHARS_MAX or not key.isascii() or not key.isprintable():
            raise invalid_parameter(
                "Idempotency-Key", f"must be 1 to {KEY_CHARS_MAX} printable ASCII characters"
            )
        # Not the method: where a path takes PATCH and POST, they are two spellings of one request.
        request = f"{self.path}\n".encode() + wire.canonical(self.body)
        return Key.of(self.caller.name, key, request, secret=self.runtime.fingerprints)


_password_form = OAuth2PasswordBearer(tokenUrl="auth/login", auto_error=False)
_api_key = HTTPBearer(
    scheme_name="ApiKey", description="An API key: `leafcraft_…`", auto_error=False
)


async def _not_here() -> NoReturn:
    """FastAPI matches an operation's path only with an id that can't be one: the front has served the rest."""
    raise HTTPException(status_code=HTTPStatus.NOT_FOUND)


async def _not_here_either(
    _token: Annotated[str | None, Depends(_password_form)],
    _key: Annotated[HTTPAuthorizationCredentials | None, Depends(_api_key)],
) -> NoReturn:
    await _not_here()


Asked = Annotated[Call, Depends(_not_here_either)]
"""How an endpoint declares its call; the annotation tells OpenAPI that a token is needed."""
Anyone = Annotated[Call, Depends(_not_here)]
"""The same for an endpoint that is open to everybody."""
Upload = Annotated[Uploaded, Depends(_not_here)]
"""How an endpoint declares the file it is brought."""
