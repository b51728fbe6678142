"""Access tokens: short-lived JWTs, one algorithm, every claim required (RFC 8725, RFC 9068)."""

import secrets
from typing import Any, NamedTuple

import jwt

from leafcraft import times
from leafcraft.access.keyring import ALGORITHM, Ring, signer
from leafcraft.errors import Code, Refusal
from leafcraft.web import wire

ISSUER = "leafcraft"
AUDIENCE = "leafcraft"
TYPE = "at+jwt"
TOKEN_CHARS_MAX = 4096

_CLAIMS = ["iss", "aud", "sub", "sid", "iat", "exp", "jti"]
_HEADER = {"alg", "typ", "kid"}
_OPTIONS: Any = {
    "require": _CLAIMS,
    "strict_aud": True,
    # Moments are compared here, with the service's own clock, not PyJWT's.
    "verify_exp": False,
    "verify_iat": False,
}


class Claims(NamedTuple):
    """What a token says, once it is known to be one of ours."""

    user_id: int
    session_id: int
    ends: int


def issue(ring: Ring, user_id: int, session_id: int, *, now: int, seconds: int) -> str:
    """A token that is good for so many seconds."""
    kid = signer(ring.stored, now).kid
    issued = now // times.MICROS_PER_SECOND
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": str(session_id),
        "iat": issued,
        "exp": issued + seconds,
        "jti": secrets.token_hex(8),
    }
    return jwt.encode(claims, ring.signs[kid], ALGORITHM, headers={"typ": TYPE, "kid": kid})


def read(ring: Ring, token: str, *, now: int) -> Claims:
    """What the token says. Raises Refusal: `not_authenticated`, `token_expired`, `token_revoked`."""
    public, until = ring.checks.get(kid_of(token), (None, 0))
    if public is None:
        raise unknown()
    if until <= now:
        raise Refusal(Code.TOKEN_REVOKED, "The key that signed the token has been retired.")
    try:
        payload = jwt.decode(
            token, public, [ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=_OPTIONS
        )
        claims = Claims(_id(payload["sub"]), _id(payload["sid"]), _moment(payload["exp"]))
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        raise unknown() from None
    if claims.ends <= now:
        raise Refusal(Code.TOKEN_EXPIRED, "The token has expired; refresh it, or sign in again.")
    return claims._replace(ends=min(claims.ends, until))


def kid_of(token: str) -> str:
    """Which key it says has signed it. Nothing else in the header may say anything: no algorithm
    of the sender's choice, no key that comes along (`jwk`, `jku`, `x5u`), no extension (`crit`)."""
    if len(token) > TOKEN_CHARS_MAX:
        raise unknown()
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise unknown() from None
    if set(header) != _HEADER or header["typ"] != TYPE or header["alg"] != ALGORITHM:
        raise unknown()
    return str(header["kid"])


def unknown() -> Refusal:
    return Refusal(Code.NOT_AUTHENTICATED, "The token is not one of this service.")


def _id(claim: object) -> int:
    if not isinstance(claim, str) or not claim.isascii() or not claim.isdigit():
        raise ValueError("not an id")
    number = int(claim)
    if not 1 <= number <= wire.ID_MAX:
        raise ValueError("not an id")
    return number


def _moment(claim: object) -> int:
    if type(claim) is not int:
        raise TypeError("not a moment")
    return claim * times.MICROS_PER_SECOND
