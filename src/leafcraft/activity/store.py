"""How events are found again; they are written by `leafcraft.events`."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import select

from leafcraft.db import Page, Reader, Source, ids, keyset
from leafcraft.events import Event


class ShownEvent(NamedTuple):
    id: int
    type: str
    subject_type: str
    subject_id: int
    actor: str
    request_id: str
    address: str
    data: str
    occurred_at: int


class EventFilter(NamedTuple):
    type: str | None = None
    subject_type: str | None = None
    subject_id: int | None = None
    actor: str | None = None
    since: int | None = None
    until: int | None = None


_COLUMNS = [getattr(Event, column) for column in ShownEvent._fields]
_SORTED = {"id": Event.id}


async def page(reader: Reader, page: Page, chosen: EventFilter) -> list[ShownEvent]:
    statement = keyset(select(*_COLUMNS).where(*_conditions(chosen)), _SORTED, page)
    return [ShownEvent(*row) for row in await reader.select(statement)]


def _conditions(chosen: EventFilter) -> list[Any]:
    equal = [
        getattr(Event, name) == value
        for name, value in chosen._asdict().items()
        if value is not None and name not in {"since", "until"}
    ]
    if chosen.since is not None:
        equal.append(Event.occurred_at >= chosen.since)
    if chosen.until is not None:
        equal.append(Event.occurred_at < chosen.until)
    return equal


async def last_data(source: Source, fact: str) -> str | None:
    """What the last event of a type says."""
    rows = await source.fetch(
        "SELECT data FROM events WHERE type = %s ORDER BY id DESC LIMIT 1", (fact,)
    )
    return str(rows[0][0]) if rows else None


class Subject(NamedTuple):
    """What an event is about."""

    event_id: int
    type: str
    id: int


async def newest(source: Source, after: int, count: int) -> list[Subject]:
    """The subjects of the last `count` events behind one, the newest first."""
    rows = await source.fetch(
        "SELECT id, subject_type, subject_id FROM events WHERE id > %s ORDER BY id DESC LIMIT %s",
        (after, count),
    )
    return [Subject(*row) for row in rows]


async def those(source: Source, events: Collection[int]) -> list[Subject]:
    """The subjects of such of these events as there are."""
    if not events:
        return []
    rows = await source.fetch(
        f"SELECT id, subject_type, subject_id FROM events WHERE id IN {ids(events)} ORDER BY id"
    )
    return [Subject(*row) for row in rows]
