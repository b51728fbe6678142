"""Tokens of an outside issuer (OpenID Connect): people whose accounts are kept elsewhere."""

import asyncio
import hashlib
import json
import urllib.request
from collections.abc import Mapping
from typing import Any

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
            ends = int(claims["exp"]) * times.MICROS_PER_SECOND
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
        return Caller(_name(str(claims["sub"])), rules.PERMISSIONS[role] - {Permission.USER}), ends

    async def _key(self, token: str) -> jwt.PyJWK:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
        except (jwt.InvalidTokenError, ValueError):
            raise unknown() from None
        async with self._alone:
            await self._freshen(kid)
        key = self._keys.get(kid)
        if key is None or key.algorithm_name not in ALGORITHMS:
            raise unknown()
        return key

    async def _freshen(self, kid: str) -> None:
        """Fetches the issuer's keys where they are old or lack this one."""
        now = self._clock()
        if (
            kid in self._keys
            and now - self._fetched_at < KEYS_SECONDS_MAX * times.MICROS_PER_SECOND
        ):
            return
        if now - self._tried_at < PAUSE_SECONDS * times.MICROS_PER_SECOND:
            return
        self._tried_at = now
        try:
            self._keys = await asyncio.to_thread(_published, self._issuer)
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError):
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
    keys = jwt.PyJWKSet.from_dict(_fetched(about["jwks_uri"])).keys
    return {key.key_id: key for key in keys if key.key_id}


def _fetched(address: str) -> dict[str, Any]:
    if not address.startswith(("https://", "http://")):
        raise ValueError("not an address on the web")
    with urllib.request.urlopen(address, timeout=FETCH_SECONDS_MAX) as reply:  # noqa: S310 checked
        found = json.loads(reply.read(FETCH_BYTES_MAX))
    if not isinstance(found, dict):
        raise TypeError("not a JSON object")
    return found


def _role(claim: object) -> Role | None:
    """The strongest of the roles that the claim names: it may be one word, or a list."""
    named = claim if isinstance(claim, list) else [claim]
    return next((role for role in reversed(Role) if role.value in named), None)


def _name(subject: str) -> str:
    """As it stands in events: short and plain, and never the same for two people."""
    name = f"oidc:{subject}"
    if len(name) <= ACTOR_CHARS_MAX and name.isascii() and name.isprintable():
        return name
    return f"oidc:sha256:{hashlib.sha256(subject.encode()).hexdigest()[:40]}"
