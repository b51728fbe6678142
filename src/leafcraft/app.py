"""The composition root: settings in, a running service out; the only file that knows every slice."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from leafcraft import __version__, config, migrations, money, times, worker
from leafcraft.accounts.api import operations as account_operations
from leafcraft.accounts.auth import Auth
from leafcraft.accounts.first import first_admin
from leafcraft.accounts.tokens import Tokens, secret
from leafcraft.cache import Cache
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.errors import StartError
from leafcraft.orders.api import orders
from leafcraft.products.api import products
from leafcraft.stock.api import stock
from leafcraft.web import health
from leafcraft.web.call import Runtime
from leafcraft.web.front import Front
from leafcraft.writer import Writer

log = logging.getLogger(__name__)

BYTES_PER_MB = 1024 * 1024


def create_app(settings: Settings, clock: times.Clock = times.now) -> FastAPI:
    """A service for these settings. Nothing is opened before its lifespan begins. Raises StartError."""
    runtime, auth = compose(settings, clock)
    app = Front(
        runtime,
        (account_operations(auth), products, stock, orders),
        title="Leafcraft",
        version=__version__,
        description="Orders and inventory that never oversell.",
        lifespan=lambda _: _life(runtime),
    )
    app.include_router(health.router(runtime))
    return app


def compose(settings: Settings, clock: times.Clock = times.now) -> tuple[Runtime, Auth]:
    """The parts of a running service, put together but not opened. Raises StartError."""
    database = Database(settings.database_url, settings.data_dir)
    writer = Writer(database, clock)
    tokens = Tokens(secret(settings, database.home), settings.token_minutes, clock)
    auth = Auth(database, writer, tokens, clock)
    runtime = Runtime(
        settings=settings,
        currency=money.currency(settings.currency),
        database=database,
        writer=writer,
        cache=Cache(database, settings.cache_mb * BYTES_PER_MB),
        authenticate=auth.authenticate,
        clock=clock,
    )
    return runtime, auth


@asynccontextmanager
async def opened(runtime: Runtime) -> AsyncIterator[Runtime]:
    """The runtime over a database that answers and has the right schema; drained and closed at the end."""
    try:
        await _open_database(runtime)
        yield runtime
    finally:
        await runtime.writer.stop()
        await runtime.cache.close()
        await runtime.database.close()


@asynccontextmanager
async def _life(runtime: Runtime) -> AsyncIterator[None]:
    async with opened(runtime):
        await first_admin(runtime.database, runtime.writer, runtime.settings)
        clockwork = asyncio.create_task(worker.run(runtime.writer, runtime.settings, runtime.clock))
        try:
            yield
        finally:
            clockwork.cancel()


async def _open_database(runtime: Runtime) -> None:
    settings, database = runtime.settings, runtime.database
    for name in config.unknown_names():
        log.warning("%s is not a setting; a typing error?", name)
    await database.wait()
    automatic = settings.auto_migrate
    if automatic or (automatic is None and database.embedded):
        before, after = await migrations.migrate(database)
        if before != after:
            log.info("schema brought to revision %s", after)
    elif await migrations.current(database) != migrations.newest():
        raise StartError("the schema is not up to date: run `leafcraft migrate`")
    for shortfall in await database.shortfalls():
        log.warning("the database promises too little: %s", shortfall)
