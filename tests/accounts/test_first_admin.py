"""The first admin: added once, with a password that is printed once and kept nowhere."""

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from leafcraft.accounts import store
from leafcraft.app import create_app
from leafcraft.config import Settings
from leafcraft.db import Source
from leafcraft.errors import StartError
from leafcraft.logs import JsonLines
from tests.builders import ADMIN_EMAIL, PASSWORD, Shop, client_of, found, problem
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

ANOTHER = SecretStr("another password entirely")
ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[Shop]:
    """The service, with a client that is not signed in yet."""
    app = create_app(settings)
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield Shop(app, client, settings)


async def test_the_first_admin_signs_in_with_the_password_of_the_settings(
    make_settings: MakeSettings, capfd: pytest.CaptureFixture[str]
) -> None:
    async with started(make_settings()) as shop:
        found(await shop.sign_in())
    printed = capfd.readouterr().out
    assert ADMIN_EMAIL in printed
    assert PASSWORD not in printed


async def test_a_second_start_adds_nobody_and_changes_no_password(
    make_settings: MakeSettings, capfd: pytest.CaptureFixture[str]
) -> None:
    async with started(make_settings()):
        capfd.readouterr()
    again = make_settings(admin_password=ANOTHER, admin_email="second@example.com")
    async with started(again) as shop:
        found(await shop.sign_in())
        other = await shop.sign_in("second@example.com", ANOTHER.get_secret_value())
        problem(other, 401, "invalid_credentials")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("database_kind", ["mariadb"])
async def test_several_nodes_that_start_at_once_add_one_admin(
    make_settings: MakeSettings,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def counted_together(source: Source) -> int:
        """Nobody goes on before all have counted, unless they are made to wait for each other."""
        admins = await real_count(source)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await together.wait()
        return admins

    async def start(number: int) -> None:
        async with started(make_settings(admin_email=f"admin{number}@example.com")):
            pass

    real_count, together = store.admins, asyncio.Barrier(3)
    monkeypatch.setattr(store, "admins", counted_together)
    await asyncio.gather(*(start(number) for number in range(3)))
    assert capfd.readouterr().out.count("The first admin has been added") == 1


@ON_SQLITE
async def test_a_made_up_password_is_printed_once_and_neither_logged_nor_stored(
    make_settings: MakeSettings,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    settings = make_settings(admin_password=None, admin_email=None)
    with caplog.at_level("DEBUG"):
        async with started(settings) as shop:
            printed = capfd.readouterr()
            match = re.search(r"e-mail +(\S+)\s+password +(\S+)", printed.out)
            assert match
            email, password = match.groups()
            found(await shop.sign_in(email, password))
            stored = whole(tmp_path / "shop.db")
    logged = "\n".join(JsonLines().format(record) for record in caplog.records)
    assert len(password) >= 16
    assert printed.out.count(password) == 1
    assert password not in printed.err + logged + stored


def whole(path: Path) -> str:
    database = sqlite3.connect(path)
    try:
        return "\n".join(database.iterdump())
    finally:
        database.close()


@ON_SQLITE
@pytest.mark.parametrize(
    "changes",
    [
        {"admin_password": SecretStr("short")},
        {"admin_password": SecretStr("x" * 129)},
        {"admin_email": "no address"},
        {"admin_email": "@"},
    ],
    ids=str,
)
async def test_a_first_admin_who_could_not_sign_in_stops_the_service(
    make_settings: MakeSettings, changes: dict[str, object]
) -> None:
    with pytest.raises(StartError, match="LEAFCRAFT_ADMIN_") as refused:
        async with started(make_settings(**changes)):
            pass
    assert "\n" not in str(refused.value)
    assert "short" not in str(refused.value).replace("too short", "")
