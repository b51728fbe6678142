"""Who did things, as those who work here call each other."""

from collections.abc import Mapping
from typing import Final

from leafcraft.web.visit import Visit

LIST: Final = "list_users"
OTHERS: Final[Mapping[str, str]] = {
    "system": "Leafcraft",
    "cli": "the command line",
    "anonymous": "somebody unknown",
}


class People:
    """The users as one visitor may know them: admins by their e-mail addresses, others by number."""

    def __init__(self, me: int, emails: Mapping[int, str]) -> None:
        self.emails = emails
        self._me = me

    def who(self, actor: str) -> str:
        """`user:3` -> `kim@example.com`, `key:7` -> `API key 7`."""
        kind, _, number = actor.partition(":")
        if kind == "key":
            return f"API key {number}"
        if kind == "user":
            you = int(number) == self._me
            return "you" if you else self.emails.get(int(number), f"user {number}")
        return OTHERS.get(actor, actor)


async def people(visit: Visit) -> People:
    """Who the users are, as far as the visitor may know it."""
    me = visit.visitor.user_id
    if not visit.may(LIST):
        return People(me, {})
    return People(me, {user["id"]: user["email"] for user in await visit.all(LIST)})
