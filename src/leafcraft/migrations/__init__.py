"""The history of the schema: one line of steps, the same for every database, safe to start from several processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from leafcraft.db import Database, unreferred
from leafcraft.errors import StartError

LOCK_NAME = "leafcraft_migrations"
LOCK_SECONDS_MAX = 120


async def migrate(database: Database) -> tuple[str | None, str]:
    """Brings the schema up to date; its revisions before and after. Raises StartError when it can't."""
    return await database.alter(_upgrade)


async def current(database: Database) -> str | None:
    """The revision the database is at; None for an empty one."""
    return await database.inspect(_revision)


def newest() -> str:
    """The revision that this version of the service needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise AssertionError("the package has lost its migrations")
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    config = _config()
    config.attributes["connection"] = connection
    with _alone(connection):
        before = _revision(connection)
        known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
        if before is not None and before not in known:
            raise StartError(f"the database is at revision {before}: a newer Leafcraft has used it")
        if before != newest():
            command.upgrade(config, "head")
            if torn := unreferred(connection):
                raise AssertionError(f"rows that refer to nothing in {', '.join(torn)}")
        connection.commit()
    return before, newest()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """One process at a time. On SQLite the connection began with BEGIN IMMEDIATE, which is lock enough."""
    if connection.dialect.name == "sqlite":
        yield
        return
    wait = {"name": LOCK_NAME, "seconds": LOCK_SECONDS_MAX}
    if connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), wait) != 1:
        raise StartError("another process has been migrating this database for two minutes")
    try:
        yield
    finally:
        connection.execute(text("DO RELEASE_LOCK(:name)"), {"name": LOCK_NAME})
