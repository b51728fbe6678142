"""Files on the wire: bounded on their way in, unbounded on their way out, and nobody waits for either."""

import asyncio
import io
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from leafcraft.errors import Code, Refusal
from leafcraft.exchange import exports, imports
from leafcraft.web import body, front, stream
from leafcraft.writer import Writer
from tests.builders import Shop, found, problem
from tests.exchange.sheets import bring, brought, numbered, sheet, taken
from tests.harness.service import Service
from tests.security import raw
from tests.writer.workshop import until

pytestmark = pytest.mark.anyio

PLACE = "/imports/products"
LIMIT = 2000
ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


def signed(shop: Shop, *more: tuple[bytes, bytes]) -> raw.Headers:
    return [(b"Authorization", shop.client.headers["authorization"].encode()), *more]


async def endless() -> AsyncIterator[bytes]:
    yield b"sku,name,price\n"
    while True:
        yield b"a,A,1\n"


async def stalled() -> AsyncIterator[bytes]:
    yield numbered(10)
    await asyncio.Event().wait()


# ── in ───────────────────────────────────────────────────────────────────────


@ON_SQLITE
async def test_a_file_larger_than_a_body_is_taken(shop: Shop) -> None:
    lines = [b"sku,name,price\n", b"a,A,1\n", b"\n" * (body.BODY_BYTES_MAX + 1)]
    assert await brought(shop, "products", b"".join(lines)) == {"rows": 1, "created": 1}


@ON_SQLITE
async def test_a_byte_beyond_the_limit_is_refused_announced_or_not(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "UPLOAD_BYTES_MAX", LIMIT)
    fits = numbered(1).ljust(LIMIT, b"\n")
    problem(await bring(shop, "products", fits + b"\n"), 413, "body_too_large")
    answer = await raw.ask(shop.app, PLACE, signed(shop), method="POST", parts=endless())
    assert answer.status == 413
    assert await taken(shop, "products") == []
    assert await brought(shop, "products", fits) == {"rows": 1, "created": 1}


@ON_SQLITE
async def test_who_may_not_bring_a_file_sends_none(shop: Shop) -> None:
    for headers, status in (([], 401), ([(b"Authorization", b"Bearer x")], 401)):
        parts = stalled()
        answer = await raw.ask(shop.app, PLACE, headers, method="POST", parts=parts)
        assert answer.status == status
        assert await anext(parts) == numbered(10), "nothing of it was read"


@ON_SQLITE
async def test_a_file_that_does_not_arrive_is_not_waited_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "UPLOAD_SECONDS_MAX", 0.2)
    answer = await raw.ask(shop.app, PLACE, signed(shop), method="POST", parts=stalled())
    assert (answer.status, b'"request_timeout"' in answer.body) == (408, True)
    assert await taken(shop, "products") == []


@ON_SQLITE
async def test_only_so_many_files_are_taken_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "UPLOAD_SECONDS_MAX", 3.0)
    begun = 0

    async def stalls() -> AsyncIterator[bytes]:
        nonlocal begun
        begun += 1
        async for part in stalled():
            yield part

    slow = [
        asyncio.create_task(raw.ask(shop.app, PLACE, signed(shop), method="POST", parts=stalls()))
        for _ in range(body.UPLOADS_AT_ONCE_MAX)
    ]
    await until(lambda: begun == len(slow))
    problem(await bring(shop, "products", numbered(1)), 503, "overloaded")
    assert {answer.status for answer in await asyncio.gather(*slow)} == {408}
    found(await bring(shop, "products", numbered(1)))


@ON_SQLITE
async def test_a_client_that_goes_away_while_it_sends_changes_nothing(service: Service) -> None:
    token = service.token()
    content = numbered(1000)
    head = raw.written(
        "POST",
        PLACE,
        [
            "Host: shop.test",
            f"Authorization: Bearer {token}",
            f"Content-Length: {len(content) + 1}",
        ],
    )
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(head + content)
        await asyncio.sleep(0.3)  # all but the last byte is taken
    answer = b""
    for _ in range(5):
        await asyncio.sleep(0.1)
        asked = ["Host: shop.test", f"Authorization: Bearer {token}"]
        answer = await raw.over_a_socket(service.port, raw.written("GET", "/products/", asked))
        assert answer.endswith(b"[]"), answer


@ON_SQLITE
async def test_a_file_that_finds_no_room_is_told_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with io.FileIO("/dev/full", "r+") as full, monkeypatch.context() as patch:
        patch.setattr("tempfile.TemporaryFile", lambda **_: full)
        problem(await bring(shop, "products", numbered(1)), 503, "overloaded")
    assert await brought(shop, "products", numbered(1)) == {"rows": 1, "created": 1}


@ON_SQLITE
async def test_nothing_is_left_of_a_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spool").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spool"))
    await brought(shop, "products", numbered(10))
    problem(await bring(shop, "products", b"x"), 422, "validation_error")
    assert list((tmp_path / "spool").iterdir()) == []


@ON_SQLITE
async def test_a_query_that_is_not_known_is_refused(shop: Shop) -> None:
    for query in ("dry=true", "dry_run=perhaps", "dry_run=true&dry_run=false"):
        answer = await shop.client.post(f"{PLACE}?{query}", content=numbered(1))
        problem(answer, 422, "validation_error")
    problem(await shop.get("/exports/products?limit=1"), 422, "validation_error")
    assert await taken(shop, "products") == []


@ON_SQLITE
async def test_an_import_that_takes_too_long_does_not_say_that_nothing_was_applied(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "UPLOAD_REQUEST_SECONDS_MAX", 1.0)
    monkeypatch.setattr(imports, "_written", _never)
    told = problem(await bring(shop, "products", numbered(1)), 503, "database_unavailable")
    assert "not known" in told["detail"]


async def _never(*_: Any) -> None:
    await asyncio.Event().wait()


@ON_SQLITE
async def test_an_import_waits_while_others_crowd(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(monkeypatch, Refusal(Code.OVERLOADED, "Too many."), after=1, times=2)
    monkeypatch.setattr(imports, "PAUSE_SECONDS", 0.01)
    content = numbered(imports.ROWS_PER_CHUNK * 2)
    assert (await brought(shop, "products", content))["created"] == imports.ROWS_PER_CHUNK * 2


@ON_SQLITE
@pytest.mark.parametrize("code", [Code.OVERLOADED, Code.DATABASE_UNAVAILABLE])
async def test_an_import_that_stops_half_way_says_how_far_it_came_and_can_be_sent_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, code: Code
) -> None:
    monkeypatch.setattr(imports, "PATIENCE_SECONDS_MAX", 0)
    content = numbered(imports.ROWS_PER_CHUNK * 2)
    with monkeypatch.context() as patch:
        crowd(patch, Refusal(code, "Nothing was applied."), after=0, times=9)
        problem(await bring(shop, "products", content), 503, code.word)
    with monkeypatch.context() as patch:
        crowd(patch, Refusal(code, "Nothing was applied."), after=1, times=9)
        told = problem(await bring(shop, "products", content, key="k"), 503, "database_unavailable")
    assert told["line"] == imports.ROWS_PER_CHUNK + 1
    assert len(await taken(shop, "products")) == imports.ROWS_PER_CHUNK
    told = found(await bring(shop, "products", content, key="k"))
    assert (told["created"], told["unchanged"]) == (imports.ROWS_PER_CHUNK, imports.ROWS_PER_CHUNK)


def crowd(monkeypatch: pytest.MonkeyPatch, refusal: Refusal, *, after: int, times: int) -> None:
    """The writer refuses so many writes, once it has done some."""
    submit, done = Writer.submit, 0

    async def refusing(self: Writer, *words: Any, **options: Any) -> Any:
        nonlocal done
        done += 1
        if after < done <= after + times:
            raise refusal
        return await submit(self, *words, **options)

    monkeypatch.setattr(Writer, "submit", refusing)


@ON_SQLITE
async def test_other_writes_go_on_while_a_file_is_imported(shop: Shop) -> None:
    importing = asyncio.create_task(bring(shop, "products", numbered(4000)))
    made = 0
    while not importing.done():
        await shop.product()
        made += 1
    assert found(await importing)["created"] == 4000
    assert made > 4, "more than find their time before and after it"


# ── out ──────────────────────────────────────────────────────────────────────


@ON_SQLITE
async def test_head_tells_what_it_would_be_and_reads_one_page(shop: Shop) -> None:
    await brought(shop, "products", numbered(1200))
    answer = await raw.ask(shop.app, "/exports/products", signed(shop), method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.all("content-type") == ["text/csv; charset=utf-8"]


async def test_an_export_holds_no_connection_while_its_client_does_not_read(shop: Shop) -> None:
    await brought(shop, "products", numbered(1200))
    app = shop.app
    assert isinstance(app, front.Front)
    waiting = [exports.parts(app.runtime, exports.PRODUCTS) for _ in range(30)]
    for parts in waiting:
        assert await anext(parts)
    assert len((await shop.get("/products/")).json()) == 100
    for parts in waiting:
        await parts.aclose()


@ON_SQLITE
async def test_what_changes_meanwhile_repeats_and_hides_nothing(shop: Shop) -> None:
    await brought(shop, "products", numbered(600))
    app = shop.app
    assert isinstance(app, front.Front)
    parts = exports.parts(app.runtime, exports.PRODUCTS)
    first = await anext(parts)
    await brought(
        shop, "products", sheet(("sku", "name", "price"), ("leaf-0", "0", 1), ("z", "Z", 1))
    )
    content = first + b"".join([part async for part in parts])
    skus = [line.partition(b",")[0] for line in content.splitlines()[1:]]
    assert skus == [*(b"leaf-%d" % n for n in range(600)), b"z"]


@ON_SQLITE
async def test_an_export_that_can_not_begin_is_a_problem(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, after=0)
    problem(await shop.get("/exports/products"), 503, "database_unavailable")


@ON_SQLITE
async def test_an_export_that_fails_half_way_is_cut_and_never_looks_whole(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await brought(shop, "products", numbered(1200))
    fail(monkeypatch, after=1)
    told: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http", "method": "GET", "scheme": "http", "path": "/exports/products",
        "query_string": b"", "headers": signed(shop), "client": None,
    }  # fmt: skip
    scope["headers"] = [(name.lower(), value) for name, value in signed(shop)]
    with caplog.at_level(logging.ERROR):
        await shop.app(scope, receive, send)
    assert told[0]["status"] == 200
    assert told[-1]["more_body"] is True
    assert "cut short" in caplog.text


def fail(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """The database goes away after some pages."""
    page, done = exports._page, 0

    async def failing(*words: Any) -> Any:
        nonlocal done
        done += 1
        if done > after:
            raise Refusal(Code.DATABASE_UNAVAILABLE, "Gone.")
        return await page(*words)

    monkeypatch.setattr(exports, "_page", failing)


@ON_SQLITE
@pytest.mark.parametrize("slow", [False, True])
async def test_nothing_more_is_read_for_a_client_that_has_gone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    """A server takes parts for it all the same; one that takes none is waited for, for a time."""
    monkeypatch.setattr(stream, "STREAM_SECONDS_MAX", 0.3)
    await brought(shop, "products", numbered(5000))
    gone, sent = asyncio.Event(), 0

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal sent
        sent += bool(message.get("body"))
        if sent == 2:
            if slow:
                await asyncio.Event().wait()
            gone.set()

    scope = {
        "type": "http", "method": "GET", "scheme": "http", "path": "/exports/products",
        "query_string": b"", "client": None,
        "headers": [(name.lower(), value) for name, value in signed(shop)],
    }  # fmt: skip
    async with asyncio.timeout(raw.ANSWER_SECONDS_MAX):
        await shop.app(scope, receive, send)
    assert sent <= 4


@ON_SQLITE
async def test_a_real_server_sends_an_export_of_many_pages(service: Service) -> None:
    signed_in = ["Host: shop.test", f"Authorization: Bearer {service.token()}"]
    asked = raw.written("POST", PLACE, signed_in, numbered(1700))
    assert raw.status_of(await raw.over_a_socket(service.port, asked)) == 200
    answer = await raw.over_a_socket(
        service.port, raw.written("GET", "/exports/products", signed_in)
    )
    assert b"transfer-encoding: chunked" in answer.lower()
    assert answer.endswith(b"\r\n0\r\n\r\n")
    assert answer.count(b",12.5,false,,\r\n") == 1700
