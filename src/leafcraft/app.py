"""The composition root: settings in, a running service out; the only file that knows every slice."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from fastapi import FastAPI

from leafcraft import __version__, config, migrations, money, times, worker
from leafcraft.access import api as access
from leafcraft.access import console_account, console_keys
from leafcraft.access.auth import Auth
from leafcraft.access.browsers import Browsers
from leafcraft.access.console import Doors
from leafcraft.access.keyring import Keyring
from leafcraft.access.master import Master, master
from leafcraft.access.oidc import Outside
from leafcraft.access.sessions import Sessions
from leafcraft.accounts import console as user_pages
from leafcraft.accounts.api import Users
from leafcraft.accounts.first import first_admin
from leafcraft.accounts.rules import Permission
from leafcraft.activity.actions import NoteSettings, note_settings
from leafcraft.activity.api import activity
from leafcraft.activity.console import Activity
from leafcraft.activity.live import Feed
from leafcraft.cache import Cache, Watch
from leafcraft.cause import SYSTEM
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.errors import Refusal, StartError
from leafcraft.exchange import api as exchange
from leafcraft.exchange.console import pages as exchange_pages
from leafcraft.orders import (
    console,
    console_chosen,
    console_edit,
    console_find,
    console_new,
    console_order,
    console_parcels,
    console_print,
)
from leafcraft.orders.api import orders
from leafcraft.orders.bulk_api import bulk
from leafcraft.orders.parcels_api import parcels
from leafcraft.products import console as product_pages
from leafcraft.products.api import low, products
from leafcraft.reports.api import reports
from leafcraft.reports.console import pages as overview
from leafcraft.stock import console as location_pages
from leafcraft.stock.api import of_products, sites, stock
from leafcraft.web import docs, health
from leafcraft.web.call import Runtime
from leafcraft.web.connection import STOPPING
from leafcraft.web.console import Console
from leafcraft.web.front import Front
from leafcraft.web.limits import Limits
from leafcraft.web.operations import Operations, catalog
from leafcraft.web.pages import PREFIX, Pages
from leafcraft.worker import Note
from leafcraft.writer import Writer

log = logging.getLogger(__name__)

BYTES_PER_MB = 1024 * 1024
STOP_SECONDS_MAX = 5.0
"""How long a stop waits for what the clock has under way."""


def create_app(settings: Settings, clock: times.Clock = times.now) -> FastAPI:
    """A service for these settings. Nothing is opened before its lifespan begins. Raises StartError."""
    parts = compose(settings, clock)
    runtime, keyring = parts.runtime, parts.keyring
    sessions = Sessions(runtime, parts.master, keyring)
    auth = Auth(runtime.database, keyring, _outside(settings, clock), clock)
    browsers = Browsers(runtime, parts.master, sessions)
    slices = _slices(parts, sessions)
    app = Front(
        runtime,
        auth.authenticate,
        slices,
        title="Leafcraft",
        version=__version__,
        description="Orders and inventory that never oversell.",
        lifespan=lambda _: _life(parts, (auth.note_uses, browsers.note_uses)),
    )
    app.open(health.router(runtime))
    app.open(docs.router())
    app.check(Permission)
    if settings.console == "on":
        console = Console(browsers.visitor, catalog(slices), _pages(runtime, browsers))
        app.show(PREFIX, console.table, console.lost)
    return app


def _slices(parts: "Parts", sessions: Sessions) -> Sequence[Operations]:
    """What programs can ask for."""
    return (
        access.Auth(sessions).operations,
        Users(sessions.passwords).operations,
        access.ApiKeys(parts.master).operations,
        access.Published(parts.keyring).operations,
        activity,
        products,
        low,
        of_products,
        stock,
        sites,
        orders,
        bulk,
        parcels,
        exchange.imports,
        exchange.exports,
        reports,
    )


def _pages(runtime: Runtime, browsers: Browsers) -> Sequence[Pages]:
    """What people can look at; the first tabs first."""
    of_orders = (
        console,
        console_new,
        console_chosen,
        console_find,
        console_order,
        console_parcels,
        console_edit,
        console_print,
    )
    return (
        overview,
        *(one.pages for one in of_orders),
        *product_pages.all_pages(),
        exchange_pages,
        Activity(Feed(runtime)).pages,
        *(one.pages for one in (user_pages, console_keys, location_pages, console_account)),
        Doors(browsers).pages,
    )


class Parts(NamedTuple):
    """What a service, a command and a demo are all made of."""

    runtime: Runtime
    master: Master
    keyring: Keyring


def compose(settings: Settings, clock: times.Clock = times.now) -> Parts:
    """The parts of a running service, put together but not opened. Raises StartError."""
    database = Database(settings.database_url, settings.data_dir, clock)
    writer = Writer(database, clock)
    secret = master(settings, database.home)
    runtime = Runtime(
        settings=settings,
        currency=money.currency(settings.currency),
        database=database,
        writer=writer,
        watch=Watch(database),
        cache=Cache(database, settings.cache_mb * BYTES_PER_MB),
        limits=Limits(settings.rate_per_second, on=settings.rate_limit == "on"),
        fingerprints=secret.derive("fingerprints"),
        clock=clock,
    )
    return Parts(runtime, secret, Keyring(database, writer, secret, settings.token_minutes * 60))


def _outside(settings: Settings, clock: times.Clock) -> Outside | None:
    if settings.oidc_issuer is None:
        return None
    return Outside(
        settings.oidc_issuer, settings.oidc_audience, settings.oidc_role_claim, clock=clock
    )


@asynccontextmanager
async def opened(runtime: Runtime) -> AsyncIterator[Runtime]:
    """The runtime over a database that answers and has the right schema; drained and closed at the end."""
    try:
        await _open_database(runtime)
        yield runtime
    finally:
        await runtime.writer.stop()
        await runtime.watch.close()
        await runtime.database.close()


async def introduce(parts: Parts) -> None:
    """Makes what the first start finds missing, and notes down how the service is set up."""
    runtime, keyring = parts.runtime, parts.keyring
    await first_admin(runtime.database, runtime.writer, runtime.settings)
    await keyring.first(runtime.clock(), SYSTEM)
    noted = NoteSettings(config.shown(runtime.settings), SYSTEM)
    await runtime.writer.perform(note_settings, noted)


@asynccontextmanager
async def _life(parts: Parts, notes: Sequence[Note]) -> AsyncIterator[Mapping[str, asyncio.Event]]:
    async with opened(parts.runtime):
        await introduce(parts)
        stop = asyncio.Event()
        clockwork = asyncio.create_task(worker.run(parts.runtime, notes, stop))
        try:
            yield {STOPPING: parts.runtime.stopping}
        finally:
            parts.runtime.stopping.set()
            stop.set()
            await asyncio.wait([clockwork], timeout=STOP_SECONDS_MAX)
            clockwork.cancel()
            for note in notes:
                with suppress(Refusal):
                    await note(parts.runtime.writer)


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
