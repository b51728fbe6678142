"""Runs the service: takes the port, prepares the database once, and starts the workers."""

import asyncio
import os
import socket
import tempfile

import uvicorn
from uvicorn.supervisors import Multiprocess

from leafcraft import __version__, logs, metrics
from leafcraft.app import compose, introduce, opened
from leafcraft.config import ENV_PREFIX, Settings
from leafcraft.errors import StartError
from leafcraft.web.pages import PREFIX

BACKLOG_CONNECTIONS_MAX = 2048
KEEP_ALIVE_SECONDS = 75
DRAIN_SECONDS_MAX = 30


def serve(settings: Settings) -> None:
    """Serves until it is told to stop. Raises StartError."""
    logs.set_up(settings.log_level)
    if settings.auto_migrate is None:
        settings = settings.model_copy(update={"auto_migrate": True})
        os.environ[f"{ENV_PREFIX}AUTO_MIGRATE"] = "1"  # the workers read their settings themselves
    with _taken_port(settings.host, settings.port) as taken:
        asyncio.run(_prepare(settings))
        announce(settings, taken.getsockname()[1])
        _run(settings, taken)


def _run(settings: Settings, taken: socket.socket) -> None:
    options = uvicorn.Config(
        "leafcraft.main:app",
        http="leafcraft.web.connection:Connection",
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        lifespan="on",
        backlog=BACKLOG_CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
    )
    server = uvicorn.Server(options)
    if settings.workers == 1:
        server.run(sockets=[taken])
        return
    with tempfile.TemporaryDirectory(prefix="leafcraft-metrics-") as shared:
        os.environ[metrics.SHARED_DIR_VARIABLE] = shared
        Multiprocess(options, sockets=[taken]).run()


async def _prepare(settings: Settings) -> None:
    parts = compose(settings)
    async with opened(parts.runtime):
        await introduce(parts)


def _taken_port(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(BACKLOG_CONNECTIONS_MAX)
    except OSError as error:
        taken.close()
        reason = error.strerror or str(error)
        raise StartError(
            f"can't listen on {host} port {port}: {reason} (LEAFCRAFT_HOST, LEAFCRAFT_PORT)"
        ) from None
    return taken


def announce(settings: Settings, port: int) -> None:
    """Tells on standard output where to go: it must be seen whatever the log level is."""
    host = settings.host
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}"
    console = f"  the console, to work in       {address}{PREFIX}\n"
    text = (
        f"Leafcraft {__version__} is at {address}\n"
        f"{console if settings.console == 'on' else ''}"
        f"  the API, to read and to try   {address}/docs\n"
        "  a forgotten password          leafcraft user password E-MAIL\n\n"
    )
    os.write(1, text.encode())
