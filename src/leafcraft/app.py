"""The composition root: settings in, a running service out; the only file that knows every slice."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from leafcraft import __version__, config, migrations, money, times, worker
from leafcraft.accounts import rules as account_rules
from leafcraft.accounts.actions import AddUser, add_user
from leafcraft.accounts.api import operations as account_operations
from leafcraft.accounts.auth import Auth
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.rules import Role
from leafcraft.accounts.tokens import Tokens, secret
from leafcraft.cache import Cache
from leafcraft.cause import SYSTEM
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal, StartError
from leafcraft.orders.api import orders
from leafcraft.products.api import products
from leafcraft.stock.api import stock
from leafcraft.web import health
from leafcraft.web.call import Runtime
from leafcraft.web.front import Front
from leafcraft.writer import Writer

log = logging.getLogger(__name__)

FIRST_ADMIN = "admin@leafcraft.local"
FIRST_PASSWORD_BYTES = 15
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
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url, settings.data_dir)
    writer = Writer(database, clock)
    auth = Auth(database, writer, Tokens(secret(settings), settings.token_minutes, clock), clock)
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
        await first_admin(runtime.writer, runtime.settings)
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


async def first_admin(writer: Writer, settings: Settings) -> None:
    """Adds the first admin where there is nobody yet. A made-up password is printed, once, and kept nowhere."""
    try:
        email = account_rules.email(settings.admin_email or FIRST_ADMIN)
        given = settings.admin_password
        password = (
            given.get_secret_value() if given else secrets.token_urlsafe(FIRST_PASSWORD_BYTES)
        )
        account_rules.password(password)
    except ValueError as error:
        raise StartError(f"LEAFCRAFT_ADMIN_EMAIL or LEAFCRAFT_ADMIN_PASSWORD: {error}") from None
    hashed = await Passwords().hash(password)
    try:
        await writer.perform(add_user, AddUser(email, hashed, Role.ADMIN, SYSTEM, only_first=True))
    except Refusal as refusal:
        if refusal.code is not Code.CONFLICT:
            raise
    else:
        _introduce(email, None if given else password)


def _introduce(email: str, password: str | None) -> None:
    shown = password or "(the one in LEAFCRAFT_ADMIN_PASSWORD)"
    lines = ("", "The first admin has been added. Sign in with", f"  e-mail    {email}")
    text = os.linesep.join((*lines, f"  password  {shown}", "", ""))
    os.write(1, text.encode())  # standard output itself: this must never pass through a log
