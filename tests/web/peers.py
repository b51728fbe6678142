"""A client that sends exactly what it is told to, an application to answer it, and heads of any size."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from leafcraft.web.connection import HEADER_BYTES_MAX, STOPPING, Connection
from leafcraft.web.problems import Problem

SECONDS_MAX: Final = 60.0
SHORT_SECONDS: Final = 0.3
MARK: Final = b"never-to-be-seen-again"
GET: Final = b"GET / HTTP/1.1\r\nhost: shop.test\r\n"
POST: Final = b"POST / HTTP/1.1\r\nhost: shop.test\r\n"
CHUNKED: Final = POST + b"transfer-encoding: chunked\r\n\r\n"


class Quick(Connection):
    """The same, for tests of what takes too long: the others must not have to hurry."""

    head_seconds_max = SHORT_SECONDS


class Said(NamedTuple):
    """One answer, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Echo:
    """Answers every request with its headers' names and the size of its body, and notes what came."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.gone = 0
        self.pause = 0.0
        self.reads = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        size = 0
        more = self.reads
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            size += len(message["body"])
            more = message["more_body"]
        await asyncio.sleep(self.pause)
        names = [name.decode() for name, _ in scope["headers"]]
        body = json.dumps({"names": names, "size": size}).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Peer:
    """A client that sends exactly what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes, pause: float = 0) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def answer(self) -> Said:
        async with asyncio.timeout(SECONDS_MAX):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers["content-length"]))
            return Said(int(first.split()[1]), headers, body)

    async def end(self) -> bytes:
        """Whatever is still sent until the server closes."""
        async with asyncio.timeout(SECONDS_MAX):
            return await self.reader.read()


class Server(NamedTuple):
    app: Echo
    port: int
    stopping: asyncio.Event
    shut_down: Callable[[], None]
    """What a server does first of all when it is to stop."""

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Peer(reader, writer)
        finally:
            writer.close()


@asynccontextmanager
async def serving(kind: type[Connection] = Connection) -> AsyncIterator[Server]:
    """The application on a loopback port, behind connections of this kind."""
    app = Echo()
    config = uvicorn.Config(app, http=kind, log_config=None, access_log=False)
    config.load()
    state = ServerState()

    stopping = asyncio.Event()

    def connect() -> Connection:
        return kind(config=config, server_state=state, app_state={STOPPING: stopping})

    def shut_down() -> None:
        for open_one in list(state.connections):
            open_one.shutdown()

    listening = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
    async with listening:
        yield Server(app, listening.sockets[0].getsockname()[1], stopping, shut_down)
        for open_one in list(state.connections):
            open_one.transport.close()


def refused(said: Said, status: int, code: str) -> None:
    """It is a whole problem document, and nothing in it comes from the client."""
    assert said.status == status, said
    assert said.headers["content-type"] == "application/problem+json"
    assert said.headers["connection"] == "close"
    assert said.headers["x-content-type-options"] == "nosniff"
    document: dict[str, Any] = json.loads(said.body)
    assert document.keys() == Problem.__required_keys__
    assert (document["status"], document["code"]) == (status, code)
    assert document["request_id"] == said.headers["x-request-id"]
    assert MARK not in said.body


def one_line(length: int) -> bytes:
    """A whole head of this many bytes, nearly all of them in one header."""
    return GET + b"x: %b\r\n\r\n" % (b"a" * (length - len(GET) - len(b"x: \r\n\r\n")))


def many_lines(length: int) -> bytes:
    line = b"x-%b: 1\r\n" % MARK
    return GET + line * ((length - len(GET)) // len(line) + 1) + b"\r\n"


def in_the_path(length: int) -> bytes:
    return b"GET /%b?%b HTTP/1.1\r\n\r\n" % (MARK, b"q" * length)


FLOODS: Final = {
    "one line": one_line(HEADER_BYTES_MAX + 100),
    "one line, much longer": one_line(HEADER_BYTES_MAX * 20),
    "one line without an end": one_line(HEADER_BYTES_MAX + 200)[:-4],
    "many lines": many_lines(HEADER_BYTES_MAX + 100),
    "many lines, many more": many_lines(HEADER_BYTES_MAX * 20),
    "the path": in_the_path(HEADER_BYTES_MAX),
    "the path, without an end": b"GET /" + b"a" * (HEADER_BYTES_MAX + 1),
    "the method's line end": b"\r\n" * HEADER_BYTES_MAX,
    "chunk extension": CHUNKED + b"1;" + b"a" * (HEADER_BYTES_MAX * 10),
    "trailers": CHUNKED + b"1\r\na\r\n0\r\n" + b"t: 1\r\n" * HEADER_BYTES_MAX,
    "a trailer without an end": CHUNKED + b"0\r\nt: " + b"a" * (HEADER_BYTES_MAX * 10),
}


def pieces(whole: bytes, size: int) -> list[bytes]:
    return [whole[start : start + size] for start in range(0, len(whole), size)]
