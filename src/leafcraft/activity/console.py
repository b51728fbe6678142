"""How people see what happened, and how open pages hear of it."""

from collections.abc import Mapping
from typing import Any

from leafcraft.accounts.console_people import People, people
from leafcraft.activity import words
from leafcraft.activity.live import Feed
from leafcraft.idempotency import Answer
from leafcraft.web.pages import PREFIX, Pages, Tab
from leafcraft.web.stream import Stream
from leafcraft.web.visit import Document, Visit

ROWS = 50
FACTS_MAX = 6
"""Of an event, in the list of all."""
PLACE = f"{PREFIX}/activity"
FILTERS = ("type", "subject_type", "subject_id", "actor")
LAST = "until"
DAYS = ("since", LAST)
_HOMES = {"order": "orders", "product": "products", "stock": "products", "location": ""}


class Activity:
    """The audit feed, and the live one."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    @property
    def pages(self) -> Pages:
        pages = Pages("activity", Tab("Activity", PLACE, "activity", "list_events", "a"))
        pages.get("/activity")(activity_page)
        pages.get("/live", background=True)(self.live)
        return pages

    async def live(self, visit: Visit) -> Stream:
        """Tells a page that is open what has changed since it was made."""
        session = str(visit.visitor.session_id)
        since = visit.call.header(b"last-event-id") or visit.query.one("since")
        return await self._feed.stream(session, visit.stays, since=since)


async def activity_page(visit: Visit) -> Answer:
    """What happened, the newest first, narrowed by what the address says."""
    chosen = visit.query.given(*FILTERS)
    days = visit.query.given(*DAYS)
    # The last day is looked at to its end.
    moments = {
        name: visit.formats.begins(day, days=int(name == LAST)) for name, day in days.items()
    }
    place = visit.query.given("cursor")
    found = await visit.ask("list_events", limit=ROWS, **chosen, **moments, **place)
    team = await people(visit)
    return visit.page(
        "activity/activity.html",
        events=[_event(event, team) for event in found.document],
        chosen=dict.fromkeys((*FILTERS, *DAYS), "") | chosen | days,
        narrowed=bool(chosen or days),
        subjects=words.SUBJECTS,
        words=words.WORDS,
        people=_actors(team, chosen.get("actor")),
        next_href=visit.next_page(PLACE, found.next_query),
        first_href=visit.first_page(PLACE),
    )


def _actors(team: People, chosen: str | None) -> dict[str, str]:
    """Whose doings can be looked for: the users that the visitor may know, and who is looked for now."""
    users = {f"user:{number}": email for number, email in team.emails.items()}
    return users | {chosen: users.get(chosen, chosen)} if chosen else users


def _event(event: Document, team: People) -> dict[str, Any]:
    kind, number = event["subject_type"], event["subject_id"]
    home = _HOMES.get(kind)
    return {
        **event,
        "what": words.told(event["type"]),
        "who": team.who(event["actor"]),
        "subject": words.subject(kind, number),
        "href": f"{PREFIX}/{home}/{number}" if home and number else "",
        "details": _details(event["data"]),
    }


def _details(facts: Mapping[str, Any]) -> str:
    """What an event says besides, as far as a line can tell it; amounts are in the smallest unit."""
    plain = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in facts.items()
        if isinstance(value, str | int) and value != "" and not name.endswith("_minor")
    ]
    return ", ".join(plain[:FACTS_MAX])
