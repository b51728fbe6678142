"""Passwords: argon2id, in threads that give way to all others, so that a crowd at the door starves nobody."""

import asyncio
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from leafcraft.errors import Code, Refusal

T = TypeVar("T")

# OWASP's minimum for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
_MEMORY_KIB = 19 * 1024
_PASSES = 2
_LANES = 1
HASHES_AT_ONCE_MAX = 1
WAITING_MAX = 64
NICENESS = 10
"""Of the hashing threads: where the processor is short, they get about a tenth of what orders get."""

MADE_UP_GROUPS = 5
MADE_UP_GROUP_CHARS = 4
UNMISTAKABLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letter or digit that is read for another: a password is passed on on paper, too."""

_hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)


class Passwords:
    """Hashes and checks; one for a process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(
            HASHES_AT_ONCE_MAX, thread_name_prefix="leafcraft-password", initializer=_give_way
        )
        self._waiting = 0

    @property
    def crowded(self) -> bool:
        """Whether more are waiting than are checked in about a second."""
        return self._waiting >= WAITING_MAX // 2

    async def hash(self, password: str) -> str:
        """Raises Refusal `overloaded` when too many wait already."""
        return await self._run(lambda: _hasher.hash(password))

    async def right(self, password: str, stored: str | None) -> bool:
        """Whether it is the password. Without a stored hash it takes as long, and is wrong.

        Raises Refusal `overloaded` when too many wait already.
        """
        return await self._run(lambda: _check(password, stored))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Refusal(Code.OVERLOADED, "Too many people are signing in right now.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def made_up() -> str:
    """`k7wm-9dfh-x2qp-ab3c-r8ts`: a password that nobody has thought of, of 99 random bits."""
    groups = (
        "".join(secrets.choice(UNMISTAKABLE) for _ in range(MADE_UP_GROUP_CHARS))
        for _ in range(MADE_UP_GROUPS)
    )
    return "-".join(groups)


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _give_way() -> None:
    """On Linux a thread has a niceness of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _check(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash("nobody's password")
