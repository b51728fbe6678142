"""Tokens of an outside issuer (OpenID Connect): people whose accounts are kept elsewhere."""

import asyncio
import hashlib
import json
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import jwt

from leafcraft import times
from leafcraft.access.tokens import TOKEN_CHARS_MAX, unknown
from leafcraft.accounts import rules
from leafcraft.accounts.rules import Permission, Role
from leafcraft.errors import Code, Refusal
from leafcraft.events import ACTOR_CHARS_MAX
from leafcraft.web.call import Caller

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Asymmetric ones: a symmetric key could be forged by whoever can check a token."""
DISCOVERY_PATH = "/.well-known/openid-configuration"
FETCH_SECONDS_MAX = 5
FETCH_BYTES_MAX = 512 * 1024
KEYS_SECONDS_MAX = 3600
PAUSE_SECONDS = 60
"""Between two fetches at least: unknown key ids must not make us hammer the issuer."""

_NONSENSE = (
    OSError,
    HTTPException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    jwt.PyJWTError,
)
"""What comes of an issuer that can't be reached, or answers with something else than it should."""

_OPTIONS: Any = {"require": ["iss", "aud", "sub", "exp"], "verify_exp": False, "verify_iat": False}


class Outside:
    """One issuer, its published keys, and how its people become callers."""

    def __init__(self, issuer: str, audience: str, role_claim: str, *, clock: times.Clock) -> None:
        self._issuer = issuer
        self._audience = audience
        self._role_claim = role_claim
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._tried_at = 0
        self._fetched_at = 0
        self._alone = asyncio.Lock()

    def issued(self, token: str) -> bool:
        """Whether the token says so; nothing is believed yet."""
        if len(token) > TOKEN_CHARS_MAX:
            return False
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return False
        return claims.get("iss") == self._issuer

    async def caller(self, token: str) -> tuple[Caller, int]:
        """Whom the token speaks for, and when it ends.

        Raises Refusal: `not_authenticated`, `token_expired`; `forbidden` where it names no role.
        """
        key = await self._key(token)
        try:
            claims = jwt.decode(
                token,
                key,
                [key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                options=_OPTIONS,
            )
            subject, ends = _told(claims)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            raise unknown() from None
        if ends <= self._clock():
            raise Refusal(Code.TOKEN_EXPIRED, "The token has expired.")
        role = _role(claims.get(self._role_claim))
        if role is None:
            raise Refusal(
                Code.FORBIDDEN,
                f"The token's claim {self._role_claim} names no role of this service.",
            )
        return Caller(_name(subject), rules.PERMISSIONS[role] - {Permission.USER}), ends

    async def _key(self, token: str) -> jwt.PyJWK:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
        except (jwt.InvalidTokenError, ValueError):
            raise unknown() from None
        if kid not in self._keys or self._old():
            async with self._alone:
                await self._freshen(kid)
        key = self._keys.get(kid)
        if key is None or key.algorithm_name not in ALGORITHMS:
            raise unknown()
        return key

    def _old(self) -> bool:
        age = self._clock() - self._fetched_at
        return age >= KEYS_SECONDS_MAX * times.MICROS_PER_SECOND

    async def _freshen(self, kid: str) -> None:
        """Fetches the issuer's keys where they are old or lack this one."""
        now = self._clock()
        if kid in self._keys and not self._old():
            return
        if now - self._tried_at < PAUSE_SECONDS * times.MICROS_PER_SECOND:
            return
        self._tried_at = now
        try:
            self._keys = await asyncio.to_thread(_published, self._issuer)
        except _NONSENSE:
            if not self._keys:
                raise Refusal(
                    Code.NOT_AUTHENTICATED, "The issuer's keys can't be fetched right now."
                ) from None
        else:
            self._fetched_at = now


def _published(issuer: str) -> Mapping[str, jwt.PyJWK]:
    """The issuer's keys by kid, as its discovery document says where (OpenID Connect Discovery 1.0)."""
    about = _fetched(issuer.rstrip("/") + DISCOVERY_PATH)
    if about["issuer"] != issuer:
        raise ValueError("the discovery document is somebody else's")
    if urlsplit(about["jwks_uri"]).scheme != urlsplit(issuer).scheme:
        raise ValueError("the keys are published less safely than the issuer")
    keys = jwt.PyJWKSet.from_dict(_fetched(about["jwks_uri"])).keys
    return {key.key_id: key for key in keys if key.key_id}


_DIGESTED = "sha256:"


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A redirect would lead to where nobody has looked whether it is safe."""

    def redirect_request(self, *_: object) -> None:
        return None


_straight = urllib.request.build_opener(_NoDetour)


def _fetched(address: str) -> dict[str, Any]:
    if not address.startswith(("https://", "http://")):
        raise ValueError("not an address on the web")
    with _straight.open(address, timeout=FETCH_SECONDS_MAX) as reply:
        found = json.loads(reply.read(FETCH_BYTES_MAX))
    if not isinstance(found, dict):
        raise TypeError("not a JSON object")
    return found


def _told(claims: Mapping[str, Any]) -> tuple[str, int]:
    """Who the token is about, and when it ends."""
    subject, expires = claims["sub"], claims["exp"]
    if not subject or isinstance(expires, bool) or not isinstance(expires, (int, float)):
        raise ValueError("a subject and a number of seconds are needed")
    return str(subject), int(expires) * times.MICROS_PER_SECOND


def _role(claim: object) -> Role | None:
    """The strongest of the roles that the claim names: it may be one word, or a list."""
    named = claim if isinstance(claim, list) else [claim]
    return next((role for role in reversed(Role) if role.value in named), None)


def _name(subject: str) -> str:
    """As it stands in events: short and plain, and never the same for two people."""
    name = f"oidc:{subject}"
    plain = name.isascii() and name.isprintable() and not subject.startswith(_DIGESTED)
    if plain and len(name) <= ACTOR_CHARS_MAX:
        return name
    return f"oidc:{_DIGESTED}{hashlib.sha256(subject.encode()).hexdigest()[:40]}"
