"""Events on the wire."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from leafcraft import times
from leafcraft.activity.store import EventFilter, ShownEvent
from leafcraft.events import ACTOR_CHARS_MAX, TYPE_CHARS_MAX
from leafcraft.web import wire
from leafcraft.web.paging import ListQuery


class EventQuery(ListQuery):
    sort: Literal["id", "-id"] = "-id"
    type: Annotated[
        str | None, Field(max_length=TYPE_CHARS_MAX, description="such as `order.confirmed`")
    ] = None
    subject_type: Annotated[str | None, Field(max_length=TYPE_CHARS_MAX)] = None
    subject_id: Annotated[int | None, Field(ge=0, le=wire.ID_MAX)] = None
    actor: Annotated[
        str | None, Field(max_length=ACTOR_CHARS_MAX, description="such as `user:1` or `key:7`")
    ] = None
    since: Annotated[wire.GivenTime | None, Field(description="from this moment on")] = None
    until: Annotated[wire.GivenTime | None, Field(description="before this moment")] = None

    def chosen(self) -> EventFilter:
        return EventFilter(
            self.type,
            self.subject_type,
            self.subject_id,
            self.actor,
            self.since,
            self.until,
        )


class Event(TypedDict):
    """A fact: what happened to what, who caused it, in which request, from where."""

    id: int
    type: str
    subject_type: str
    subject_id: int
    actor: str
    request_id: str
    address: str
    data: dict[str, Any]
    occurred_at: wire.Time


def event(shown: ShownEvent) -> dict[str, Any]:
    return {
        **shown._asdict(),
        "data": orjson.Fragment(shown.data),
        "occurred_at": times.write(shown.occurred_at),
    }
