"""The master secret: everything the service must be able to seal or prove hangs on it alone."""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from leafcraft.config import Settings
from leafcraft.errors import StartError

SECRET_FILE = "secret.key"  # noqa: S105 a name, not a secret
SECRET_BYTES = 32
NONCE_BYTES = 12
"""What AES-GCM takes (NIST SP 800-38D)."""


class Master:
    """Derives a key of its own for each purpose, so that no two uses can be played against each other."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._sealing = AESGCM(self.derive("seal"))

    def derive(self, purpose: str) -> bytes:
        """32 bytes that only who holds the secret can compute."""
        return hmac.digest(self._secret, f"leafcraft {purpose}".encode(), hashlib.sha256)

    def seal(self, plain: str, about: str) -> str:
        """Encrypts a text for the database. It opens again only as what it is `about`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._sealing.encrypt(nonce, plain.encode(), about.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, about: str) -> str:
        """Raises ValueError for what another secret has sealed, or something else is about."""
        try:
            raw = base64.urlsafe_b64decode(sealed)
            if base64.urlsafe_b64encode(raw) != sealed.encode():
                raise binascii.Error  # the last letter has bits that are left out of account
            return self._sealing.decrypt(
                raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode()
            ).decode()
        except (InvalidTag, binascii.Error):
            raise ValueError("sealed with another secret") from None


def master(settings: Settings, home: Path | None) -> Master:
    """The one of the setting, or a random one kept in the embedded database's folder.

    Raises StartError when there is neither: several nodes must share one secret, so none is made up.
    """
    if settings.secret_key is not None:
        return Master(settings.secret_key.get_secret_value())
    if home is None:
        raise StartError(
            "LEAFCRAFT_SECRET_KEY is not set: give all nodes of this database the same random"
            " key of 32 or more characters (openssl rand -hex 32)"
        )
    return Master(_kept_secret(home / SECRET_FILE))


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
