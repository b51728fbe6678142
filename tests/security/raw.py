"""Requests as they are on the wire, for what no well-behaved client would send."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from fastapi import FastAPI

ANSWER_SECONDS_MAX = 60.0

Headers = Sequence[tuple[bytes, bytes]]


class Raw(NamedTuple):
    """An answer, with every header as often as it was sent."""

    status: int
    headers: Headers
    body: bytes

    def all(self, name: str) -> list[str]:
        return [
            value.decode("latin-1") for key, value in self.headers if key.lower() == name.encode()
        ]


async def ask(
    app: FastAPI,
    target: str,
    headers: Headers = (),
    *,
    method: str = "GET",
    scheme: str = "http",
    parts: AsyncIterator[bytes] | Iterable[bytes] = (b"",),
) -> Raw:
    """What the application answers to a request that a server would hand to it just so."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("shop.test", 80),
    }
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        await app(scope, _receive(parts), send)
    body = b"".join(message.get("body", b"") for message in told[1:])
    return Raw(told[0]["status"], told[0]["headers"], body)


def _receive(parts: AsyncIterator[bytes] | Iterable[bytes]) -> Any:
    """A message a part. An endless body never ends, and a connection stays until it is answered."""
    waiting = _each(parts)

    async def receive() -> dict[str, Any]:
        try:
            part, more = await anext(waiting)
        except StopAsyncIteration:
            await asyncio.Event().wait()
            raise
        return {"type": "http.request", "body": part, "more_body": more}

    return receive


async def _each(parts: AsyncIterator[bytes] | Iterable[bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    if isinstance(parts, AsyncIterator):
        async for part in parts:
            yield part, True
        return
    listed = list(parts)
    for number, part in enumerate(listed, 1):
        yield part, number < len(listed)


async def one_by_one(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """A body of unknown length, taken part by part."""
    for part in parts:
        yield part


async def over_a_socket(port: int, request: bytes) -> bytes:
    """The whole answer of a server that is asked to close the connection afterwards."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), ANSWER_SECONDS_MAX)
    finally:
        writer.close()


def written(method: str, target: str, headers: Iterable[str] = (), body: bytes = b"") -> bytes:
    """A request for a socket."""
    lines = [f"{method} {target} HTTP/1.1", *headers, "Connection: close"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
