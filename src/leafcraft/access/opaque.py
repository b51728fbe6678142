"""Opaque secrets: refresh and browser tokens, API keys. Who has one has what it opens, so only digests are kept."""

import base64
import hashlib
import hmac
import re
import secrets
import zlib

SECRET_BYTES = 32
API_KEY_PREFIX = "leafcraft_"
CHECKSUM_CHARS = 6

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARS = 43
_API_KEY = re.compile(
    rf"{API_KEY_PREFIX}([0-9A-Za-z]{{{_SECRET_CHARS}}})([0-9A-Za-z]{{{CHECKSUM_CHARS}}})"
)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def digest(secret: str) -> bytes:
    """What is kept of it. 256 random bits can't be guessed, so a plain SHA-256 does."""
    return hashlib.sha256(secret.encode()).digest()


def refresh_token() -> str:
    """A session's first one; a browser's token is made in the same way, and kept apart."""
    return secrets.token_urlsafe(SECRET_BYTES)


def successor(token: str, key: bytes) -> str:
    """The refresh token that follows: always the same one, so that a retry gets it again, and one
    that nobody can compute without the service's own key."""
    following = hmac.digest(key, token.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(following).decode().rstrip("=")


def api_key() -> str:
    """`leafcraft_`, 43 random characters (256 bits), and a checksum: what is mistyped, cut off or made
    up is known without asking the database, and scanners recognise a key that has leaked."""
    secret = "".join(secrets.choice(_BASE62) for _ in range(_SECRET_CHARS))
    return f"{API_KEY_PREFIX}{secret}{_checksum(secret)}"


def is_token(text: str) -> bool:
    """Whether it looks like a refresh or browser token; what does not need not be looked up."""
    return _TOKEN.fullmatch(text) is not None


def is_api_key(text: str) -> bool:
    match = _API_KEY.fullmatch(text)
    return match is not None and match[2] == _checksum(match[1])


def _checksum(secret: str) -> str:
    """CRC-32 in base 62, as GitHub's tokens have it."""
    rest = zlib.crc32(secret.encode())
    digits = ""
    for _ in range(CHECKSUM_CHARS):
        rest, digit = divmod(rest, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
