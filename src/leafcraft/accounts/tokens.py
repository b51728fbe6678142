"""Access tokens: short-lived JWTs, one algorithm, every claim required (RFC 8725)."""

import contextlib
import os
import secrets
from pathlib import Path

import jwt

from leafcraft import times
from leafcraft.config import Settings
from leafcraft.errors import Code, Refusal, StartError
from leafcraft.web import wire

ALGORITHM = "HS256"
ISSUER = "leafcraft"
AUDIENCE = "leafcraft"
TYPE = "at+jwt"
TOKEN_CHARS_MAX = 4096
SECRET_FILE = "secret.key"  # noqa: S105 a name, not a secret
SECRET_BYTES = 32

_CLAIMS = ["iss", "aud", "sub", "iat", "exp", "jti"]


class Tokens:
    """Issues and reads access tokens."""

    def __init__(self, secret: str, minutes: int, clock: times.Clock) -> None:
        self.seconds = minutes * 60
        self._secret = secret
        self._clock = clock

    def issue(self, user_id: int) -> str:
        now = self._clock() // times.MICROS_PER_SECOND
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "iat": now,
            "exp": now + self.seconds,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._secret, ALGORITHM, headers={"typ": TYPE})

    def read(self, token: str) -> tuple[int, int]:
        """The user's id and the moment the token ends. Raises Refusal."""
        if len(token) > TOKEN_CHARS_MAX:
            raise _unknown()
        try:
            # The moment is compared here, with the service's own clock, not PyJWT's.
            found = jwt.decode_complete(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
            )
            claims = found["payload"]
            user_id, ends = int(claims["sub"]), int(claims["exp"]) * times.MICROS_PER_SECOND
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            raise _unknown() from None
        if found["header"].get("typ") != TYPE or not 1 <= user_id <= wire.ID_MAX:
            raise _unknown()
        if ends <= self._clock():
            raise Refusal(Code.TOKEN_EXPIRED, "The token has expired; sign in again.")
        return user_id, ends


def _unknown() -> Refusal:
    return Refusal(Code.NOT_AUTHENTICATED, "The token is not one of this service.")


def secret(settings: Settings, home: Path | None) -> str:
    """The signing key: the setting, or a random one kept in the embedded database's folder.

    Raises StartError when there is neither: several nodes must share one key, so none is made up.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    if home is None:
        raise StartError(
            "LEAFCRAFT_SECRET_KEY is not set: give all nodes of this database the same random"
            " key of 32 or more characters (openssl rand -hex 32)"
        )
    return _kept_secret(home / SECRET_FILE)


def _kept_secret(path: Path) -> str:
    """Reads the key file, or makes it: whole or not at all, whoever else starts at this moment."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    kept = path.read_text().strip()
    if len(kept) < SECRET_BYTES:
        raise StartError(f"{path} does not hold a key; remove it and start again")
    return kept
