"""Passwords: argon2id, in threads, a few at a time, so that a crowd at the door does not starve the orders."""

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's minimum for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
_MEMORY_KIB = 19 * 1024
_PASSES = 2
_LANES = 1
HASHES_AT_ONCE_MAX = 2

_hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)


class Passwords:
    """Hashes and checks; one for a process."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(HASHES_AT_ONCE_MAX)

    async def hash(self, password: str) -> str:
        async with self._free:
            return await asyncio.to_thread(_hasher.hash, password)

    async def right(self, password: str, stored: str | None) -> bool:
        """Whether it is the password. Without a stored hash it takes as long, and is wrong."""
        async with self._free:
            return await asyncio.to_thread(_check, password, stored)


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _check(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash("nobody's password")
