"""A forger's workshop: tokens of any shape, signed by whichever key is to be tried."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from leafcraft.access.keyring import Ring
from leafcraft.app import compose
from tests.builders import Json, Shop

TYPE: Final = "at+jwt"
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256: how many points it has."""

Dropped = Iterable[str]


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def compact(value: Any) -> str:
    return encoded(value if isinstance(value, bytes) else json.dumps(value).encode())


def es256(message: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    return ECAlgorithm(ECAlgorithm.SHA256).sign(message, key)


async def ring_of(shop: Shop) -> Ring:
    """The shop's own keys, as a process that shares its secret reads them."""
    parts = compose(shop.settings)
    try:
        return await parts.keyring.read(0)
    finally:
        await parts.runtime.database.close()


class Forge:
    """Makes tokens out of a real one. Left alone it makes a good one, so that a change is what is refused."""

    def __init__(self, ring: Ring, token: str, *, others: str, secret: str) -> None:
        self.kid = ring.stored[-1].kid
        self.key = ring.signs[self.kid]
        self.token = token
        self.claims: Json = json.loads(decoded(token.split(".")[1]))
        self.others: Json = json.loads(decoded(others.split(".")[1]))
        self.secret = secret
        self.stranger = ec.generate_private_key(ec.SECP256R1())

    def head(self, *, without: Dropped = (), **changes: Any) -> Json:
        whole = {"alg": "ES256", "typ": TYPE, "kid": self.kid, **changes}
        return {name: value for name, value in whole.items() if name not in without}

    def body(self, *, without: Dropped = (), **changes: Any) -> Json:
        whole = {**self.claims, **changes}
        return {name: value for name, value in whole.items() if name not in without}

    def signed(
        self, head: Any = None, body: Any = None, *, key: ec.EllipticCurvePrivateKey | None = None
    ) -> str:
        """Signed as it should be, by the right key where no other is named."""
        text = self._text(head, body)
        return f"{text}.{encoded(es256(text.encode(), key or self.key))}"

    def hashed(self, head: Any, secret: bytes) -> str:
        """Signed with a secret that verifier and signer would share."""
        text = self._text(head, None)
        return f"{text}.{encoded(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    def sealed(self, signature: bytes, head: Any = None) -> str:
        """A good token but for its signature."""
        return f"{self._text(head, None)}.{encoded(signature)}"

    def numbers(self) -> tuple[str, int, int]:
        """The signed part of a good token, and the two numbers of its signature."""
        text = self._text(None, None)
        raw = es256(text.encode(), self.key)
        return text, int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")

    def public(self, encoding: serialization.Encoding) -> bytes:
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, kind)

    def strangers_jwk(self) -> Json:
        jwk: Json = ECAlgorithm.to_jwk(self.stranger.public_key(), as_dict=True)
        return {**jwk, "kid": self.kid}

    def _text(self, head: Any, body: Any) -> str:
        chosen = self.head() if head is None else head
        return f"{compact(chosen)}.{compact(self.claims if body is None else body)}"
