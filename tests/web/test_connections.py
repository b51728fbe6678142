"""Bounds that hold before there is a request: heads too large, too slow, or none; sockets are real."""

import asyncio
import json
import logging
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from leafcraft.web.connection import HEAD_SECONDS_MAX, HEADER_BYTES_MAX
from tests.harness.service import Service
from tests.web.peers import (
    CHUNKED,
    FLOODS,
    GET,
    MARK,
    POST,
    SECONDS_MAX,
    SHORT_SECONDS,
    Quick,
    Server,
    in_the_path,
    many_lines,
    one_line,
    pieces,
    refused,
    serving,
)

pytestmark = pytest.mark.anyio

HANGS_SECONDS = HEAD_SECONDS_MAX / 2
"""Whoever takes longer has waited for the end of a real head's time."""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


@pytest.fixture
async def quick() -> AsyncIterator[Server]:
    """It soon loses patience with a head."""
    async with serving(Quick) as started:
        yield started


# ── too much ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("piece", [1024, 1_000_000])
async def test_a_head_that_is_too_large_is_refused(
    server: Server, flood: str, piece: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with server.peer() as peer:
        sending = asyncio.create_task(peer.send(*pieces(FLOODS[flood], piece)))
        refused(await peer.answer(), 431, "headers_too_large")
        assert await peer.end() == b""
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert len(caplog.records) <= 1


@pytest.mark.parametrize("piece", [1000, 1_000_000])
async def test_a_head_may_be_as_large_as_the_bound(server: Server, piece: int) -> None:
    async with server.peer() as peer:
        for head in (one_line(HEADER_BYTES_MAX), many_lines(HEADER_BYTES_MAX - 100)):
            await peer.send(*pieces(head, piece))
            assert (await peer.answer()).status == 200
        await peer.send(*pieces(one_line(HEADER_BYTES_MAX + 100), piece))
        refused(await peer.answer(), 431, "headers_too_large")


async def test_a_large_head_can_not_hide_behind_a_small_one(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(GET + b"\r\n" + one_line(HEADER_BYTES_MAX + 100))
        assert (await peer.answer()).status == 200
        assert await peer.end() == b""
    assert server.app.paths == ["/"]


async def test_a_large_head_can_not_begin_behind_a_small_one(server: Server) -> None:
    large = one_line(HEADER_BYTES_MAX + 100)
    async with server.peer() as peer:
        await peer.send(GET + b"\r\n" + large[:40_000])
        assert (await peer.answer()).status == 200
        await peer.send(large[40_000:])
        refused(await peer.answer(), 431, "headers_too_large")


@pytest.mark.parametrize("chunk", [0, 1, 65_536])
async def test_a_body_is_not_part_of_the_head(server: Server, chunk: int) -> None:
    body = b"b" * 1_000_000
    if chunk:
        body = body[: chunk * 40_000]
        parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in pieces(body, chunk)]
        whole = CHUNKED + b"".join(parts) + b"0\r\n\r\n"
    else:
        whole = POST + b"content-length: %d\r\n\r\n" % len(body) + body
    async with server.peer() as peer:
        for _ in range(2):
            await peer.send(*pieces(whole, 10_000), GET + b"\r\n")
            assert json.loads((await peer.answer()).body)["size"] == len(body)
            assert json.loads((await peer.answer()).body)["size"] == 0


async def test_a_trailer_never_becomes_a_header(server: Server) -> None:
    async with server.peer() as peer:
        await peer.send(CHUNKED + b"1\r\na\r\n0\r\nauthorization: Bearer x\r\n\r\n")
        names = json.loads((await peer.answer()).body)["names"]
    assert names == ["host", "transfer-encoding"]


# ── too slow ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("earlier", [0, 1], ids=["first", "second"])
async def test_a_head_that_takes_too_long_is_refused(quick: Server, earlier: int) -> None:
    began = time.monotonic()
    async with quick.peer() as peer:
        for _ in range(earlier):
            await peer.send(GET + b"\r\n")
            assert (await peer.answer()).status == 200
        trickle = asyncio.create_task(peer.send(GET, *[b"x: 1\r\n"] * 100, pause=0.05))
        refused(await peer.answer(), 408, "request_timeout")
        assert SHORT_SECONDS * 0.9 < time.monotonic() - began < HANGS_SECONDS
        trickle.cancel()
        await asyncio.gather(trickle, return_exceptions=True)


async def test_a_connection_that_says_nothing_is_closed_without_a_word(quick: Server) -> None:
    began = time.monotonic()
    async with quick.peer() as peer:
        assert await peer.end() == b""
    assert SHORT_SECONDS * 0.9 < time.monotonic() - began < HANGS_SECONDS


async def test_empty_lines_do_not_keep_a_connection(quick: Server) -> None:
    async with quick.peer() as peer:
        await peer.send(GET + b"\r\n")
        assert (await peer.answer()).status == 200
        trickle = asyncio.create_task(peer.send(*[b"\r\n"] * 100, pause=0.05))
        refused(await peer.answer(), 408, "request_timeout")
        trickle.cancel()
        await asyncio.gather(trickle, return_exceptions=True)


async def test_the_rest_of_an_answered_body_has_its_time_too(quick: Server) -> None:
    quick.app.reads = False
    async with quick.peer() as peer:
        await peer.send(POST + b"content-length: 1000000000\r\n\r\n")
        assert (await peer.answer()).status == 200
        trickle = asyncio.create_task(peer.send(*[b"b"] * 100, pause=0.05))
        assert await peer.end() == b""
        trickle.cancel()
        await asyncio.gather(trickle, return_exceptions=True)


@pytest.mark.parametrize("rest", [b"1;" + b"a" * HEADER_BYTES_MAX * 2, b"nonsense\r\n"])
async def test_no_request_gets_a_second_answer(server: Server, rest: bytes) -> None:
    server.app.reads = False
    async with server.peer() as peer:
        await peer.send(CHUNKED)
        assert (await peer.answer()).status == 200
        await peer.send(*pieces(rest, 10_000))
        assert await peer.end() == b""


async def test_the_next_request_after_an_early_answer_is_a_new_one(server: Server) -> None:
    server.app.reads = False
    async with server.peer() as peer:
        await peer.send(POST + b"content-length: 1\r\n\r\n")
        assert (await peer.answer()).status == 200
        await peer.send(b"b", b"nonsense\r\n\r\n", pause=0.05)
        refused(await peer.answer(), 400, "malformed_request")


async def test_a_slow_body_is_no_slow_head(quick: Server) -> None:
    async with quick.peer() as peer:
        await peer.send(POST + b"content-length: 3\r\n\r\n")
        await peer.send(*[b"b"] * 3, pause=SHORT_SECONDS)
        assert (await peer.answer()).status == 200
        await peer.send(CHUNKED, b"1", b"\r\n", b"a\r\n", b"0\r\n", b"\r\n", pause=SHORT_SECONDS)
        assert (await peer.answer()).status == 200
        await peer.send(GET + b"\r\n")
        assert (await peer.answer()).status == 200


async def test_a_slow_answer_and_an_idle_connection_are_left_alone(quick: Server) -> None:
    quick.app.pause = SHORT_SECONDS * 2
    async with quick.peer() as peer:
        for _ in range(2):
            await peer.send(GET + b"\r\n")
            assert (await peer.answer()).status == 200
            await asyncio.sleep(SHORT_SECONDS * 2)


# ── no request ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "nonsense",
    [
        MARK + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + MARK,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + MARK + b"\xff HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        GET + b"no colon " + MARK + b"\r\n\r\n",
        GET + b"x: \x00\r\n\r\n",
        GET + b"content-length: " + MARK + b"\r\n\r\n",
        POST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        CHUNKED + b"xyz\r\n",
    ],
)
async def test_what_is_no_request_is_told_so(
    server: Server, nonsense: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.peer() as peer:
        await peer.send(nonsense)
        refused(await peer.answer(), 400, "malformed_request")
        await peer.send(*[nonsense] * 5, pause=0.01)
        assert await peer.end() == b""
    assert len(caplog.records) <= 1
    assert server.app.gone == len(server.app.paths)


async def test_an_answer_under_way_is_finished_before_the_end(server: Server) -> None:
    server.app.pause = 0.1
    async with server.peer() as peer:
        await peer.send(GET + b"\r\n" + GET + b"\r\n" + b"nonsense\r\n\r\n")
        assert [(await peer.answer()).status for _ in range(2)] == [200, 200]
        assert await peer.end() == b""


async def test_an_offer_to_upgrade_is_ignored(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.peer() as peer:
        for protocol in (b"websocket", b"h2c"):
            await peer.send(GET + b"connection: upgrade\r\nupgrade: " + protocol + b"\r\n\r\n")
            assert (await peer.answer()).status == 200
    assert not caplog.records


# ── the ordinary, and the service as a whole ─────────────────────────────────


async def test_a_connection_serves_many_requests(server: Server) -> None:
    async with server.peer() as peer:
        for _ in range(1000):
            await peer.send(GET + b"\r\n")
            assert (await peer.answer()).status == 200
        await peer.send((GET + b"\r\n") * 200)
        assert [(await peer.answer()).status for _ in range(200)] == [200] * 200


async def test_an_answer_without_an_end_is_told_that_the_service_stops(server: Server) -> None:
    """Others under way are finished, and the server waits for them."""
    server.app.pause = SHORT_SECONDS
    async with server.peer() as peer, server.peer() as idle:
        await peer.send(GET + b"\r\n")
        while not server.app.paths:  # noqa: ASYNC110 what is awaited is in another task
            await asyncio.sleep(0.01)
        assert not server.stopping.is_set()
        server.shut_down()
        assert server.stopping.is_set()
        assert (await peer.answer()).status == 200
        assert await peer.end() == b""
        assert await idle.end() == b""


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with Service(workers=2) as service:
        yield service


def test_the_service_refuses_floods_and_serves_others_meanwhile(running: Service) -> None:
    place = ("127.0.0.1", running.port)
    slow = [socket.create_connection(place, SECONDS_MAX) for _ in range(50)]
    try:
        for one in slow:
            one.sendall(GET + b"x: " + b"a" * 1000)
        for large in (one_line, many_lines, in_the_path):
            with socket.create_connection(place, SECONDS_MAX) as peer:
                peer.sendall(large(HEADER_BYTES_MAX * 4))
                first = peer.recv(4096)
            assert re.match(rb"HTTP/1.1 431 .*\r\n", first), first
            began = time.monotonic()
            assert running.ready()
            assert time.monotonic() - began < HANGS_SECONDS
    finally:
        for one in slow:
            one.close()


def test_the_service_answers_nonsense_with_a_problem(running: Service) -> None:
    with socket.create_connection(("127.0.0.1", running.port), SECONDS_MAX) as peer:
        peer.sendall(b"nonsense\r\n\r\n")
        answer = peer.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "malformed_request"
