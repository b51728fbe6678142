"""How the service is: up, ready, and in figures."""

from fastapi import APIRouter, Response

from leafcraft import metrics, migrations
from leafcraft.errors import Refusal
from leafcraft.web import wire
from leafcraft.web.call import Runtime

PATHS = {"/healthz", "/readyz", "/metrics"}


def router(runtime: Runtime) -> APIRouter:
    """`/healthz`, `/readyz` and, unless switched off, `/metrics`; open to everybody."""
    service = APIRouter(tags=["Service"])

    @service.get("/healthz", operation_id="healthz")
    async def healthz() -> dict[str, str]:
        """The process is up. It asks no database, so that a slow one gets no healthy process killed."""
        return {"status": "ok"}

    @service.get("/readyz", operation_id="readyz", responses={503: {"description": "Not ready"}})
    async def readyz() -> Response:
        """The database answers, its schema is current, and it is as durable as the service promises."""
        try:
            shortfalls = await runtime.database.shortfalls()
            schema = await migrations.current(runtime.database)
        except Refusal as refusal:
            gone = {"status": "unavailable", "detail": refusal.detail}
            return Response(wire.dump(gone), 503, media_type="application/json")
        ready = schema == migrations.newest()
        body = {
            "status": "ready" if ready else "schema out of date",
            "schema": schema,
            "shortfalls": shortfalls,
        }
        return Response(wire.dump(body), 200 if ready else 503, media_type="application/json")

    if runtime.settings.metrics:

        @service.get("/metrics", operation_id="metrics", include_in_schema=False)
        async def exposition() -> Response:
            body, content_type = metrics.exposition()
            return Response(body, headers={"content-type": content_type})

    return service
