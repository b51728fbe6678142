"""How admins ask what happened."""

from typing import Annotated

from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.activity import schemas, store
from leafcraft.db import Reader
from leafcraft.idempotency import Answer
from leafcraft.web import wire
from leafcraft.web.call import Asked
from leafcraft.web.operations import Operations, Promise

activity = Operations("/events", "Activity")


@activity.get(
    "/",
    Promise(name="list_events", permission=Permission.ADMIN, answers=list[schemas.Event]),
)
async def list_events(call: Asked, query: Annotated[schemas.EventQuery, Query()]) -> Answer:
    """What happened, the newest first; the `Link` header leads to what happened before."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await store.page(reader, page, query.chosen()))
        return wire.listing([schemas.event(row) for row in shown], more)

    return await call.look(load)
