"""What people and machines do at the door of a shop, in one word each."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

import asyncmy
from httpx2 import Response
from sqlalchemy import make_url

from leafcraft.access.auth import Auth
from leafcraft.accounts.rules import Role
from leafcraft.app import compose, opened
from leafcraft.cause import CLI, Cause
from leafcraft.committer import Action
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.db.mysql import connect_arguments
from leafcraft.times import Clock
from leafcraft.web.front import Front
from tests.builders import PASSWORD, Json, Shop, another, found, signed_in

OTHER_PASSWORD: Final = "seven grey herons stand in rain"
FROM_THE_NET: Final = Cause("anonymous", "request", "192.0.2.1")
BY_HAND: Final = CLI


async def hire(shop: Shop, email: str, role: Role = Role.VIEWER, password: str = PASSWORD) -> Json:
    """A new user, added by the shop's admin."""
    body = {"email": email, "password": password, "role": role.value}
    return found(await shop.post("/users/", body), 201)


async def session(shop: Shop, *who: str) -> Json:
    """A new session of the first admin, or of who is named by e-mail address and password."""
    async with another(shop) as stranger:
        return found(await stranger.sign_in(*who))


async def tried(shop: Shop, *who: str) -> Response:
    """The answer to an attempt to sign in."""
    async with another(shop) as stranger:
        return await stranger.sign_in(*who)


async def refreshed(shop: Shop, token: str) -> Response:
    async with another(shop) as stranger:
        return await stranger.post("/auth/refresh", {"refresh_token": token})


async def signed_out(shop: Shop, token: str) -> Response:
    async with another(shop) as stranger:
        return await stranger.post("/auth/logout", {"refresh_token": token})


async def asked(shop: Shop, token: str, path: str = "/products/", **options: Any) -> Response:
    """What a GET with this token is answered."""
    async with another(shop) as stranger:
        return await stranger.get(path, headers=signed_in(token), **options)


async def events(shop: Shop, fact: str, **filters: Any) -> list[Json]:
    """The events of a type, the newest first."""
    answer = await shop.get("/events/", params={"type": fact, "limit": 500, **filters})
    assert answer.status_code == 200, answer.text
    rows: list[Json] = answer.json()
    return rows


async def done(settings: Settings, clock: Clock, action: Action[Any, Any], command: Any) -> Any:
    """What comes of a command in another process of the same shop, whose clock may differ."""
    runtime = compose(settings, clock).runtime
    async with opened(runtime):
        return await runtime.writer.perform(action, command)


async def key_of(shop: Shop, *scopes: str, **members: Any) -> Json:
    """A new key as it is shown when it is made."""
    body = {"name": "till", "scopes": list(scopes or ("products:read",)), **members}
    return found(await shop.post("/api-keys/", body), 201)


def front_of(shop: Shop) -> Front:
    assert isinstance(shop.app, Front)
    return shop.app


def auth_of(shop: Shop) -> Auth:
    """The part of the running service that knows its callers."""
    auth = getattr(front_of(shop)._authenticate, "__self__", None)
    assert isinstance(auth, Auth)
    return auth


async def everything_kept(settings: Settings) -> str:
    """All rows of all tables as one text, with bytes as hexadecimal and as what they spell."""
    database = Database(settings.database_url, settings.data_dir)
    try:
        url = database.url
    finally:
        await database.close()
    rows = _sqlite_rows(url.database or "") if database.embedded else await _mariadb_rows(url)
    return "\n".join(_spelt(value) for row in rows for value in row)


def _spelt(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return f"{bytes(value).hex()}\n{bytes(value).decode('utf-8', 'replace')}"
    return str(value)


def _sqlite_rows(path: str) -> Sequence[Sequence[Any]]:
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [row for (table,) in tables for row in database.execute(f"SELECT * FROM {table}")]


async def _mariadb_rows(url: Any) -> Sequence[Sequence[Any]]:
    connection = await asyncmy.connect(**connect_arguments(make_url(url)))
    try:
        async with connection.cursor() as cursor:
            await cursor.execute("SHOW TABLES")
            found = []
            for (table,) in await cursor.fetchall():
                await cursor.execute(f"SELECT * FROM {table}")
                found.extend(await cursor.fetchall())
            return found
    finally:
        connection.close()
