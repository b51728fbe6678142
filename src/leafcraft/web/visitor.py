"""Who is looking at the console."""

from typing import NamedTuple


class Visitor(NamedTuple):
    """A person who has signed in with a browser."""

    user_id: int
    email: str
    role: str
    permissions: frozenset[str]
    session_id: int
    csrf: str
    """What each of this session's forms carries, and no other site knows."""
