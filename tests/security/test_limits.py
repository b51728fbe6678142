"""How much, and how long, one request may take: what exceeds it is refused, and the others are served."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from leafcraft.accounts.rules import Permission
from leafcraft.app import compose
from leafcraft.idempotency import Answer
from leafcraft.web import body, front
from leafcraft.web.body import BODY_BYTES_MAX
from leafcraft.web.call import Anyone, Call, Caller
from leafcraft.web.front import Front
from leafcraft.web.operations import OPEN, Operations, Promise
from tests.builders import Shop, client_of, found, problem
from tests.conftest import MakeSettings
from tests.harness.service import Service
from tests.security import raw
from tests.writer.workshop import until

pytestmark = pytest.mark.anyio

BODY = b'{"name": "Slow tea", "price": 1}'
JSON = (b"Content-Type", b"application/json")
MOMENT = 0.2
"""Long enough to be told from at once, short enough to wait for."""


def signed(shop: Shop, *more: tuple[bytes, bytes]) -> raw.Headers:
    authorization = shop.client.headers["authorization"].encode()
    return [(b"Authorization", authorization), JSON, *more]


async def padded(size: int) -> AsyncIterator[bytes]:
    """A valid body of exactly this size, in small parts, that never says it is the last."""
    yield BODY
    for start in range(len(BODY), size, 8192):
        yield b" " * min(8192, size - start)


@pytest.mark.parametrize("path", ["/products/", "/orders/", "/auth/refresh", "/users/"])
async def test_a_byte_beyond_the_limit_is_refused_announced_or_not(shop: Shop, path: str) -> None:
    before = await shop.everything()
    too_much = BODY_BYTES_MAX + 1
    announced = signed(shop, (b"Content-Length", str(too_much).encode()))
    for headers in (announced, signed(shop)):
        answer = await raw.ask(shop.app, path, headers, method="POST", parts=padded(too_much))
        assert (answer.status, b'"body_too_large"' in answer.body) == (413, True)
    assert await shop.everything() == before


async def test_an_announcement_that_is_too_small_is_not_believed(shop: Shop) -> None:
    headers = signed(shop, (b"Content-Length", b"10"))
    answer = await raw.ask(
        shop.app, "/products/", headers, method="POST", parts=padded(BODY_BYTES_MAX + 1)
    )
    assert answer.status == 413


async def stalled() -> AsyncIterator[bytes]:
    """A body that begins, and never goes on."""
    yield BODY[:10]


async def silent() -> AsyncIterator[bytes]:
    """A body that has been announced, and of which nothing comes."""
    await asyncio.Event().wait()
    yield b""


async def dripping() -> AsyncIterator[bytes]:
    """A body that goes on and on, always before one would lose patience with a single part."""
    while True:
        yield b" "
        await asyncio.sleep(MOMENT / 10)


@pytest.mark.parametrize("parts", [stalled, silent, dripping])
@pytest.mark.parametrize("path", ["/products/", "/auth/login", "/auth/refresh"])
async def test_a_body_that_does_not_arrive_is_not_waited_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, path: str, parts: object
) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS_MAX", MOMENT)
    assert callable(parts)
    before = await shop.everything()
    answer = await raw.ask(shop.app, path, signed(shop), method="POST", parts=parts())
    assert (answer.status, b'"request_timeout"' in answer.body) == (408, True), answer.body
    assert await shop.everything() == before


async def test_a_hundred_slow_bodies_hold_up_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS_MAX", raw.ANSWER_SECONDS_MAX)
    go_on, begun = asyncio.Event(), 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal begun
        begun += 1
        await go_on.wait()
        yield b"nonsense"
        yield b" " * BODY_BYTES_MAX

    slow = [
        asyncio.create_task(
            raw.ask(shop.app, "/products/", signed(shop), method="POST", parts=slowly())
        )
        for _ in range(100)
    ]
    await until(lambda: begun == len(slow))
    await shop.order((await shop.product(), 1))
    assert not any(task.done() for task in slow)
    go_on.set()
    assert {answer.status for answer in await asyncio.gather(*slow)} == {413}


# ── operations that take too long ────────────────────────────────────────────


def _sleepy() -> Operations:
    sleepy = Operations("/sleepy", "Sleepy")

    @sleepy.get("/", Promise("sleep", Permission.USER, answers=None))
    async def sleep(call: Anyone) -> Answer:
        del call
        await asyncio.Event().wait()
        return Answer(200, b"{}")

    @sleepy.get("/own", Promise("lose_patience", OPEN, answers=None))
    async def lose_patience(call: Anyone) -> Answer:
        del call
        raise TimeoutError

    @sleepy.get("/awake", Promise("awake", OPEN, answers=None))
    async def awake(call: Anyone) -> Answer:
        del call
        return Answer(200, b"{}")

    return sleepy


async def _somebody(_: Call) -> Caller:
    return Caller("user:1", frozenset(Permission))


async def test_an_operation_that_never_ends_is_ended(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "REQUEST_SECONDS_MAX", 10 * MOMENT)  # who is awake needs some of it
    app = Front(compose(make_settings()).runtime, _somebody, [_sleepy()])
    async with client_of(app) as client:
        asleep = [asyncio.create_task(client.get("/sleepy")) for _ in range(20)]
        await asyncio.sleep(0)
        found(await client.get("/sleepy/awake"))
        for answer in await asyncio.gather(*asleep):
            problem(answer, 503, "overloaded")
            assert answer.headers["retry-after"] == "1"
        found(await client.get("/sleepy/awake"))


async def test_a_timeout_of_its_own_is_a_defect_of_the_operation(
    make_settings: MakeSettings,
) -> None:
    app = Front(compose(make_settings()).runtime, _somebody, [_sleepy()])
    async with client_of(app) as client:
        problem(await client.get("/sleepy/own"), 500, "internal_error")


async def test_a_caller_who_takes_too_long_to_be_known_is_not_let_in(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: Call) -> Caller:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(front, "REQUEST_SECONDS_MAX", MOMENT)
    app = Front(compose(make_settings()).runtime, never, [_sleepy()])
    async with client_of(app) as client:
        problem(await client.get("/sleepy"), 503, "overloaded")


async def test_a_write_that_waits_for_a_lock_is_given_up_and_the_next_one_is_made(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = await shop.product(price=1)
    monkeypatch.setattr(front, "REQUEST_SECONDS_MAX", 5 * MOMENT)  # it gets as far as the lock
    lock = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    try:
        lock.execute("BEGIN IMMEDIATE")
        edit = await shop.patch(f"/products/{tea['id']}", {"price": 2})
        told = problem(edit, 503, "database_unavailable")
        assert "not known whether it was applied" in told["detail"]
        monkeypatch.setattr(front, "REQUEST_SECONDS_MAX", 30)
        found(await shop.get("/products/99"), 404)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    found(await shop.patch(f"/products/{tea['id']}", {"name": "Later"}))
    assert (await shop.reload(tea))["name"] == "Later"


# ── the same over a real connection ──────────────────────────────────────────


@pytest.fixture(scope="module")
def standing() -> Iterator[Service]:
    with Service() as service:
        yield service


async def test_over_a_connection_too_large_a_body_is_told_so(standing: Service) -> None:
    token = {"Authorization": f"Bearer {standing.token()}"}
    async with AsyncClient(base_url=standing.url, timeout=60) as client:
        for path, headers in (("/products/", token), ("/auth/refresh", {})):
            for content in (b" " * (BODY_BYTES_MAX + 1), padded(BODY_BYTES_MAX + 1)):
                answer = await client.post(path, content=content, headers=headers)
                problem(answer, 413, "body_too_large")
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("path", ["/products/0", "/users/x", "/nothing", "/healthz", "/docs"])
async def test_over_a_connection_nothing_waits_for_a_body_that_is_not_wanted(
    standing: Service, path: str
) -> None:
    headers = ["Host: shop.test", "Content-Type: application/json", "Transfer-Encoding: chunked"]
    asked = raw.written("PATCH", path, headers) + b"5\r\n     \r\n"
    answer = await raw.over_a_socket(standing.port, asked)
    assert raw.status_of(answer) in {404, 405}
