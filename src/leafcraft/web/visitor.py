"""Visitors: whoever is signed in with a browser."""

import hmac
from typing import NamedTuple


class Visitor(NamedTuple):
    """Who a browser's cookie speaks for."""

    user_id: int
    email: str
    role: str
    permissions: frozenset[str]
    session_id: int
    csrf: str
    """What a form of this session brings along: no other page can know it."""

    def __repr__(self) -> str:
        return f"Visitor({self.user_id}, {self.role})"


def forged(visitor: Visitor, given: str) -> bool:
    """Whether a form that brings this comes from elsewhere than this session's own pages."""
    return not hmac.compare_digest(visitor.csrf.encode(), given.encode())
