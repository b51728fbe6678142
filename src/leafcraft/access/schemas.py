"""Access on the wire."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, WithJsonSchema
from typing_extensions import TypedDict

from leafcraft.access import sessions, store, views
from leafcraft.access.rules import KEY_NAME_CHARS_MAX
from leafcraft.accounts.rules import EMAIL_CHARS_MAX, SCOPES
from leafcraft.accounts.schemas import GivenPassword, NewPassword, writable
from leafcraft.web import wire
from leafcraft.web.paging import ListQuery

REFRESH_TOKEN_CHARS_MAX = 512


class SignIn(BaseModel):
    """The fields of OAuth2's password form, so that the docs page's Authorize button works."""

    username: Annotated[str, Field(max_length=EMAIL_CHARS_MAX, description="the e-mail address")]
    password: GivenPassword
    grant_type: wire.LeftOutOr[Annotated[str, Field(pattern="^password$")]] = None
    scope: str = ""
    client_id: wire.LeftOutOr[str] = None
    client_secret: wire.LeftOutOr[SecretStr] = None


class Session(TypedDict):
    """What a session goes on with: the access token for the next minutes, the refresh token after it."""

    access_token: str
    token_type: str
    refresh_token: str
    expires_in: Annotated[int, Field(description="seconds that the access token is good for")]


class RefreshToken(wire.Body):
    refresh_token: Annotated[
        SecretStr,
        Field(min_length=1, max_length=REFRESH_TOKEN_CHARS_MAX),
        AfterValidator(writable),
    ]


class SessionQuery(ListQuery):
    sort: Literal["id", "-id"] = "-id"


class OpenSession(TypedDict):
    """A sign-in that is not over."""

    id: int
    started_at: wire.Time
    used_at: Annotated[
        wire.Time,
        Field(description="a browser's to within some minutes; else of the last refresh"),
    ]
    address: Annotated[str, Field(description="where the sign-in came from")]
    agent: Annotated[str, Field(description="the `User-Agent` of the sign-in; empty: it said none")]
    browser: Annotated[bool, Field(description="whether a browser's cookie goes on with it")]
    current: Annotated[bool, Field(description="whether this request is of it")]


class PasswordChange(wire.Body):
    current_password: GivenPassword
    new_password: NewPassword


def _each_once(scopes: Sequence[str]) -> Sequence[str]:
    if len(set(scopes)) < len(scopes):
        raise ValueError("names a scope twice")
    return scopes


def _scope(given: str) -> str:
    if given not in SCOPES:
        raise ValueError(f"is not one of {', '.join(SCOPES)}")
    return given


Scope = Annotated[
    str,
    AfterValidator(_scope),
    WithJsonSchema({"type": "string", "enum": [scope.value for scope in SCOPES]}),
]


class NewApiKey(wire.Body):
    name: Annotated[wire.PlainText, Field(min_length=1, max_length=KEY_NAME_CHARS_MAX)]
    scopes: Annotated[
        list[Scope],
        Field(min_length=1, max_length=len(SCOPES), json_schema_extra={"uniqueItems": True}),
        AfterValidator(_each_once),
    ]
    expires_at: wire.GivenTime | None = None


class ApiKeyQuery(ListQuery):
    sort: Literal["id", "-id"] = "id"


class ApiKey(TypedDict):
    """A machine's key. The key itself is shown once, when it is made."""

    id: int
    name: str
    scopes: list[Scope]
    start: Annotated[str, Field(description="how the key begins, to tell it from others")]
    created_by: str
    created_at: wire.Time
    expires_at: wire.Time | None
    last_used_at: Annotated[wire.Time | None, Field(description="to within a minute or so")]


class CreatedApiKey(ApiKey):
    key: Annotated[str, Field(description="goes into `Authorization: Bearer`; not shown again")]


class JsonWebKey(TypedDict):
    """A public key that access tokens can be checked with (RFC 7517)."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    use: str
    alg: str


class JsonWebKeys(TypedDict):
    keys: list[JsonWebKey]


def session(tokens: sessions.Tokens) -> Session:
    return {
        "access_token": tokens.access,
        "token_type": "bearer",
        "refresh_token": tokens.refresh,
        "expires_in": tokens.seconds,
    }


def open_session(found: views.OpenSession, *, current: int) -> dict[str, Any]:
    """`current` is the id of the session that asks."""
    return {
        "id": found.id,
        "started_at": wire.moment(found.started_at),
        "used_at": wire.moment(found.used_at),
        "address": found.address,
        "agent": found.agent,
        "browser": found.browser,
        "current": found.id == current,
    }


def api_key(found: store.ApiKey) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "scopes": found.scopes.split(),
        "start": found.start,
        "created_by": found.created_by,
        "created_at": wire.moment(found.created_at),
        "expires_at": wire.moment(found.expires_at),
        "last_used_at": wire.moment(found.last_used_at),
    }
