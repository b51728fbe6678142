"""Rotating the signing keys while people work, and the commands that do it."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from operator import gt

import pytest

from leafcraft.access.keyring import PUBLISHED_AHEAD_SECONDS
from leafcraft.app import compose, opened
from tests.access.conftest import TOKEN_MINUTES
from tests.access.visits import BY_HAND, asked, refreshed, session
from tests.builders import (
    ADMIN_EMAIL,
    PASSWORD,
    SECRET,
    Clock,
    Json,
    Run,
    Shop,
    complaint,
    found,
    open_shop,
)
from tests.conftest import MakeSettings
from tests.harness.service import Service
from tests.reliability.client import Ask, Client
from tests.writer.workshop import until

pytestmark = pytest.mark.anyio

PEOPLE = 2
CLI_SECONDS_MAX = 300


# ── under load ───────────────────────────────────────────────────────────────


@pytest.fixture
async def shops(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[list[Shop]]:
    """Two processes of one shop."""
    settings = make_settings(token_minutes=TOKEN_MINUTES)
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_shop(settings, clock)) for _ in range(2)]


async def test_no_good_token_is_refused_in_all_the_life_of_a_key(
    shops: list[Shop], clock: Clock
) -> None:
    """Minute after minute, everybody asks both processes with a token that is still good; halfway
    through its life it is refreshed by one of them. The keys are rotated every five minutes."""
    pairs = [await session(shop) for shop in shops * 2]
    kids: set[str] = set()
    for minute in range(40):
        clock.advance(seconds=60)
        if minute % 5 == 0:
            kids.add(await rotated(shops[0], clock))
        for number, pair in enumerate(pairs):
            for shop in shops:
                found(await asked(shop, pair["access_token"], "/auth/me"))
            if (minute + number) % (TOKEN_MINUTES - 2) == 0:
                by = shops[(minute + number) % 2]
                pairs[number] = found(await refreshed(by, pair["refresh_token"]))
    assert len(kids) == 8


async def rotated(shop: Shop, clock: Clock) -> str:
    parts = compose(shop.settings, clock)
    async with opened(parts.runtime):
        return await parts.keyring.rotate(clock(), BY_HAND)


async def test_rotating_on_the_command_line_disturbs_nobody_who_works(pair: Service) -> None:
    stop, served = asyncio.Event(), [0] * PEOPLE

    async def work(number: int) -> None:
        client = Client(pair.port, await asyncio.to_thread(pair.token))
        while not stop.is_set():
            for _ in range(40):
                await client.get("/auth/me")
                served[number] += 1
                await asyncio.sleep(0.02)
            client = Client(pair.port, await asyncio.to_thread(pair.token))

    async with asyncio.TaskGroup() as group:
        for number in range(PEOPLE):
            group.create_task(work(number))
        await until(lambda: all(served))
        assert "signs in 5 minutes" in await asyncio.to_thread(command, pair, "keys", "rotate")
        before = list(served)
        await until(lambda: all(map(gt, served, before)))
        stop.set()
    listed = await asyncio.to_thread(command, pair, "keys", "list")
    keys = (await Client(pair.port, "").get("/.well-known/jwks.json"))["keys"]
    assert re.findall(r"^(\w{16}) ", listed, re.MULTILINE) == [key["kid"] for key in keys]


async def test_rotating_at_once_ends_every_access_token_in_every_process(pair: Service) -> None:
    client = Client(pair.port, pair.token())
    await asyncio.gather(*(client.get("/auth/me") for _ in range(20)))
    await asyncio.to_thread(command, pair, "keys", "rotate", "--at-once")
    replies = await asyncio.gather(*(client.ask(Ask("GET", "/auth/me")) for _ in range(20)))
    assert {(reply.status, reply.code) for reply in replies} == {(401, "not_authenticated")}
    fresh = Client(pair.port, pair.token())
    await asyncio.gather(*(fresh.get("/auth/me") for _ in range(20)))


def command(service: Service, *words: str) -> str:
    done = subprocess.run(
        service.command(*words),
        env=service.environment(),
        capture_output=True,
        text=True,
        timeout=CLI_SECONDS_MAX,
        check=True,
    )
    return done.stdout


# ── on the command line ──────────────────────────────────────────────────────


@pytest.fixture
def told(
    leafcraft: Run, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Awaitable[str]]:
    """What a command says about this test's shop."""
    settings = {
        "database_url": database_url,
        "data_dir": str(tmp_path_factory.mktemp("data")),
        "secret_key": SECRET,
        "token_minutes": TOKEN_MINUTES,
    }

    async def tell(*words: str, fails: bool = False) -> str:
        done = await asyncio.to_thread(leafcraft, *words, **settings)
        if fails:
            return complaint(done)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return tell


async def test_keys_are_rotated_and_listed_on_the_command_line(
    shop: Shop, told: Callable[..., Awaitable[str]]
) -> None:
    made = await told("keys", "rotate")
    match = re.fullmatch(r"Key ([0-9a-f]{16}) signs in 5 minutes\.\n", made)
    assert match
    assert PUBLISHED_AHEAD_SECONDS == 5 * 60
    lines = (await told("keys", "list")).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"{match[1]}  signs from 20")
    found(await shop.get("/auth/me"))
    at_once = await told("keys", "rotate", "--at-once")
    assert re.fullmatch(r"Key [0-9a-f]{16} signs from now on\.\n", at_once)
    assert len((await told("keys", "list")).splitlines()) == 1
    assert (await shop.get("/auth/me")).status_code == 401


async def test_a_user_is_edited_on_the_command_line_and_it_counts_at_once(
    shop: Shop, told: Callable[..., Awaitable[str]]
) -> None:
    body = {"email": "kim@example.com", "password": PASSWORD, "role": "admin"}
    found(await shop.post("/users/", body), 201)
    pair: Json = await session(shop, "kim@example.com")
    assert (await asked(shop, pair["access_token"], "/users/")).status_code == 200
    edit = ("user", "edit", "Kim@Example.com")
    assert await told(*edit, "--role", "viewer") == "kim@example.com is viewer now.\n"
    assert (await asked(shop, pair["access_token"], "/users/")).status_code == 403
    assert await told(*edit, "--disable") == "kim@example.com is disabled now.\n"
    assert (await asked(shop, pair["access_token"], "/users/")).status_code == 401
    assert (
        await told(*edit, "--enable", "--role", "operator") == "kim@example.com is operator now.\n"
    )
    assert (await asked(shop, pair["access_token"], "/users/")).status_code == 401
    assert "kim@example.com" in await told("user", "list")


async def test_the_command_line_keeps_the_last_admin_too(
    shop: Shop, told: Callable[..., Awaitable[str]]
) -> None:
    for change in (["--role", "viewer"], ["--disable"]):
        assert "last admin" in await told("user", "edit", ADMIN_EMAIL, *change, fails=True)
    missing = await told("user", "edit", "nobody@example.com", "--disable", fails=True)
    assert "nobody@example.com" in missing
    found(await shop.get("/users/"))
