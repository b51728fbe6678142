"""The keys that access tokens are signed with: made, published, rotated, retired."""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from leafcraft import times
from leafcraft.access import actions, store
from leafcraft.access.actions import AddSigningKey
from leafcraft.access.master import Master
from leafcraft.access.store import SigningKey
from leafcraft.access.tables import KID_CHARS
from leafcraft.cause import Cause
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal
from leafcraft.writer import Writer

ALGORITHM = "ES256"
PUBLISHED_AHEAD_SECONDS = 300
"""A new key is published for so long before it signs: whoever checks tokens by the published keys
may have kept an older list for that long."""
LEEWAY_SECONDS = 60
TRIES_MAX = 3


class Ring(NamedTuple):
    """The keys as they are at one revision: those that can check tokens, and those that can sign."""

    checks: Mapping[str, tuple[ec.EllipticCurvePublicKey, int]]
    """By kid: the key, and the moment from which its tokens count no longer."""
    signs: Mapping[str, ec.EllipticCurvePrivateKey]
    """Those that this process can open, by kid."""
    published: Sequence[Mapping[str, Any]]
    stored: Sequence[SigningKey]


NEVER = 2**63 - 1
EMPTY = Ring({}, {}, (), ())


class Keyring:
    """One for a process; `ring` is read anew whenever access has changed anywhere."""

    def __init__(
        self, database: Database, writer: Writer, master: Master, token_seconds: int
    ) -> None:
        self.ring = EMPTY
        self._revision = -1
        self._database = database
        self._writer = writer
        self._master = master
        self._overlap = (token_seconds + LEEWAY_SECONDS) * times.MICROS_PER_SECOND

    async def read(self, revision: int) -> Ring:
        """The keys at this revision of access, or a later one."""
        if revision != self._revision or not self.ring.stored:
            self.ring = self._opened(await self._database.read(store.signing_keys))
            self._revision = revision
        return self.ring

    async def first(self, now: int, by: Cause) -> None:
        """Makes a key where this process can't sign with the one whose turn it is."""
        for _ in range(TRIES_MAX):
            ring = self._opened(await self._database.read(store.signing_keys))
            if ring.stored and signer(ring.stored, now).kid in ring.signs:
                return
            try:
                await self._add(ring.stored, [], signs_from=now, by=by)
            except Refusal as refusal:
                if refusal.code is not Code.CONFLICT:  # another process was first
                    raise

    async def rotate(self, now: int, by: Cause, *, at_once: bool = False) -> str:
        """The kid of a new key that takes over from now on, or soon. Keys that no living token needs go.

        `at_once` is for a key that has got into wrong hands: all others go, and their tokens with them.
        Raises Refusal `conflict` under another master secret: no process could sign any more.
        """
        ring = self._opened(await self._database.read(store.signing_keys))
        stored = ring.stored
        if stored and stored[-1].kid not in ring.signs:
            raise Refusal(
                Code.CONFLICT, "The service's keys were sealed with another LEAFCRAFT_SECRET_KEY."
            )
        gone = [key.kid for key, until in _lives(stored, self._overlap) if at_once or until <= now]
        ahead = 0 if at_once else PUBLISHED_AHEAD_SECONDS * times.MICROS_PER_SECOND
        return await self._add(stored, gone, signs_from=now + ahead, by=by)

    async def _add(
        self, stored: Sequence[SigningKey], gone: Sequence[str], *, signs_from: int, by: Cause
    ) -> str:
        key = self._made(signs_from)
        known = frozenset(one.kid for one in stored)
        command = AddSigningKey(key, known, frozenset(gone), by)
        await self._writer.perform(actions.add_signing_key, command)
        return key.kid

    def _made(self, signs_from: int) -> SigningKey:
        kid = secrets.token_hex(KID_CHARS // 2)
        private = ec.generate_private_key(ec.SECP256R1())
        public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        jwk = {**public, "kid": kid, "use": "sig", "alg": ALGORITHM}
        text = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        return SigningKey(kid, json.dumps(jwk), self._master.seal(text, kid), signs_from)

    def _opened(self, stored: Sequence[SigningKey]) -> Ring:
        checks, signs = {}, {}
        for key, until in _lives(stored, self._overlap):
            checks[key.kid] = (_public(key), until)
            private = self._private(key)
            if private is not None:
                signs[key.kid] = private
        return Ring(checks, signs, [json.loads(key.public) for key in stored], stored)

    def _private(self, key: SigningKey) -> ec.EllipticCurvePrivateKey | None:
        """None where another master secret has sealed it: it can check tokens, but not sign."""
        try:
            text = self._master.open(key.private, key.kid)
        except ValueError:
            return None
        private = serialization.load_pem_private_key(text.encode(), password=None)
        return private if isinstance(private, ec.EllipticCurvePrivateKey) else None


def signer(stored: Sequence[SigningKey], now: int) -> SigningKey:
    """The key whose turn it is; where the clocks of two nodes differ, perhaps the first of all."""
    due = [key for key in stored if key.signs_from <= now]
    return due[-1] if due else stored[0]


def _lives(stored: Sequence[SigningKey], overlap: int) -> list[tuple[SigningKey, int]]:
    """Each key with the end of its life: when its last tokens, signed just before the next key took
    over, have expired."""
    following = [key.signs_from + overlap for key in stored[1:]]
    return list(zip(stored, [*following, NEVER], strict=True)) if stored else []


def _public(key: SigningKey) -> ec.EllipticCurvePublicKey:
    public = ECAlgorithm.from_jwk(key.public)
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError(f"the published half of signing key {key.kid} is no public key")
    return public
