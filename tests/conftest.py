"""What every test can ask for: databases of both kinds, a shop in this process, the service as its users run it."""

import asyncio
import io
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import asyncmy
import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import make_url

from leafcraft import cli, config, migrations
from leafcraft.accounts import passwords
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.db.mysql import connect_arguments
from tests.builders import Done, Run, Shop, open_shop, settings_of
from tests.harness.chromium import WITHOUT_CHROMIUM
from tests.harness.mariadb import PrivateMariaDB, mariadb_available
from tests.harness.service import Service
from tests.visits import Visitor

REQUIRE_MARIADB: Final = os.environ.get("LEAFCRAFT_REQUIRE_MARIADB") == "1"
WITHOUT_MARIADB: Final = "MariaDB is not installed (on Debian: apt install mariadb-server)"
KINDS: Final = ("sqlite", "mariadb")
KEPT_ROWS: Final = ("alembic_version", "locations")
"""Tables whose rows the migrations put there."""

SMALL_TABLES: Final = (
    *("api_keys", "browser_tokens", "knocks", "refresh_tokens", "sessions"),
    "signing_keys",
)
"""Tables with few rows, and ids that no test looks at: deleting costs less than truncating."""

MakeSettings = Callable[..., Settings]

hypothesis_settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("steady")  # the same examples in every run, however slow it is


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skip that nobody reads is a hole: say once, in colour, what was not tested."""
    skipped = terminalreporter.stats.get("skipped", ())
    for where, reason in (("on MariaDB", WITHOUT_MARIADB), ("in Chromium", WITHOUT_CHROMIUM)):
        count = sum(reason in str(report.longrepr) for report in skipped)
        if count:
            text = f"{count} tests did not run {where}: {reason}"
            terminalreporter.write_sep("!", text, red=True, bold=True)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(config.ENV_PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """In this process hashing is made cheap: what it costs for real is a test of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
        yield


# ── databases ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def mariadb() -> Iterator[PrivateMariaDB]:
    """One server for the whole run; a test that kills or pauses a server starts its own."""
    if not mariadb_available():
        if REQUIRE_MARIADB:
            pytest.fail(f"LEAFCRAFT_REQUIRE_MARIADB is 1, but {WITHOUT_MARIADB}", pytrace=False)
        pytest.skip(WITHOUT_MARIADB)
    with PrivateMariaDB() as server:
        yield server


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """A test for one kind alone says so: `@pytest.mark.parametrize("database_kind", ["sqlite"])`."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> str:
    """A database with the newest schema and not a row in it."""
    if database_kind == "sqlite":
        return _sqlite_copy(request, tmp_path)
    url: str = request.getfixturevalue("_mariadb_schema")
    asyncio.run(_empty(url))
    return url


@pytest.fixture
def blank_database_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path: Path
) -> Iterator[str]:
    """A database without a schema, as an operator first makes it."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'blank.db'}"
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    server.drop_database("blank")
    yield server.create_database("blank")
    server.drop_database("blank")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


def _sqlite_copy(request: pytest.FixtureRequest, directory: Path) -> str:
    shutil.copyfile(request.getfixturevalue("_sqlite_template"), directory / "shop.db")
    return f"sqlite:///{directory / 'shop.db'}"


@pytest.fixture(scope="session")
def _mariadb_schema(mariadb: PrivateMariaDB) -> str:
    url = mariadb.create_database("shop")
    asyncio.run(_migrate(url))
    return url


async def _migrate(url: str) -> None:
    database = Database(url, Path())
    try:
        await migrations.migrate(database)
    finally:
        await database.close()


async def _empty(url: str) -> None:
    """Truncates, so that ids begin at 1 again; only what was used, because each costs a disk sync."""
    connection = await asyncmy.connect(**connect_arguments(make_url(url)))
    try:
        async with connection.cursor() as cursor:
            await cursor.execute("SHOW TABLES")
            tables = [name for (name,) in await cursor.fetchall() if name not in KEPT_ROWS]
            await cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
            for table in SMALL_TABLES:
                await cursor.execute(f"DELETE FROM {table}")
            await cursor.execute("COMMIT")
            for table in set(tables) - set(SMALL_TABLES):
                await cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")
                if await cursor.fetchall():
                    await cursor.execute(f"TRUNCATE TABLE {table}")
            await cursor.execute("DELETE FROM locations WHERE id > 1")
            if cursor.rowcount:
                await cursor.execute("ALTER TABLE locations AUTO_INCREMENT = 2")
            await cursor.execute("UPDATE locations SET name = 'Main', priority = 0, active = 1")
    finally:
        connection.close()


# ── the service, in this process and as one of its own ───────────────────────


@pytest.fixture
def make_settings(database_url: str, tmp_path: Path) -> MakeSettings:
    """Settings over this test's database; keyword arguments change them."""

    def make(**changes: Any) -> Settings:
        return settings_of(database_url, tmp_path, **changes)

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    """The service in this process, with a client that is signed in as the first admin."""
    async with open_shop(settings) as opened:
        yield opened


@pytest.fixture
async def visitor(shop: Shop) -> AsyncIterator[Visitor]:
    """Its admin, before the console."""
    async with Visitor(shop) as visitor:
        yield await visitor.sign_in()


@pytest.fixture(scope="module", params=KINDS)
def _shared_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sqlite":
        yield _sqlite_copy(request, tmp_path_factory.mktemp("shared"))
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    url = server.create_database("shared")
    asyncio.run(_migrate(url))
    yield url
    server.drop_database("shared")


@pytest.fixture(scope="module")
async def shared_shop(
    _shared_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """One shop for all tests of a module: for those that are refused, or don't mind each other."""
    async with open_shop(settings_of(_shared_url, tmp_path_factory.mktemp("data"))) as opened:
        yield opened


@pytest.fixture
def workers() -> int:
    """How many processes `service` has; `@pytest.mark.parametrize("workers", [1, 2])` changes it."""
    return 1


@pytest.fixture
def service(database_url: str, workers: int) -> Iterator[Service]:
    """`leafcraft serve` as a child process."""
    with ExitStack() as stack:
        yield stack.enter_context(Service(database_url, workers=workers))


@pytest.fixture
def leafcraft(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """The program, run in this process; keywords are settings without their prefix, in lower case."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level

    def run(*words: str, said: str = "", **settings: object) -> Done:
        capfd.readouterr()
        with monkeypatch.context() as patch, ThreadPoolExecutor(1) as thread:
            for name, value in settings.items():
                patch.setenv(f"LEAFCRAFT_{name.upper()}", str(value))
            patch.setattr(sys, "argv", ["leafcraft", *words])
            patch.setattr(sys, "stdin", io.StringIO(said))
            returncode = thread.submit(_exit_code).result()
        return Done(returncode, *capfd.readouterr())

    yield run
    root.handlers = handlers
    root.setLevel(level)


def _exit_code() -> int:
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
