"""`leafcraft serve` with one trivial FastAPI endpoint beside the service, in the same process.

The ceiling is measured there: the same server, the same options, the same event loop. The command
line is the service's own; only the app that it finds under `leafcraft.main:app` is a switch.
"""

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

import leafcraft.main
from leafcraft import cli


class Trivial(BaseModel):
    id: int
    status: str


trivial = FastAPI(title="The ceiling")


@trivial.patch("/trivial/{item_id}", response_model=Trivial)
async def answer(item_id: int) -> Trivial:
    """As little as an endpoint can do: no body, no database, no authentication."""
    return Trivial(id=item_id, status="Confirmed")


def beside(service: ASGIApp) -> ASGIApp:
    """All is the service's, its start and stop too, but the one trivial path."""

    async def switch(scope: Scope, receive: Receive, send: Send) -> None:
        serve = trivial if scope.get("path", "").startswith("/trivial/") else service
        await serve(scope, receive, send)

    return switch


if __name__ == "__main__":
    vars(leafcraft.main)["app"] = beside(leafcraft.main.app)
    cli.main()
