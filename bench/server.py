"""The service and a trivial FastAPI endpoint in one process, so that both have the same server."""

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from leafcraft.main import app as service


class Trivial(BaseModel):
    id: int
    status: str


trivial = FastAPI(title="The ceiling")


@trivial.patch("/trivial/{item_id}", response_model=Trivial)
async def answer(item_id: int) -> Trivial:
    """As little as an endpoint can do: no body, no database, no authentication."""
    return Trivial(id=item_id, status="Confirmed")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything is the service's, its start and stop too, but the one trivial path."""
    serve = trivial if scope.get("path", "").startswith("/trivial/") else service
    await serve(scope, receive, send)
