"""Answers too long to be held in memory: sent part by part, each made when the one before has gone out."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from leafcraft.web import reply
from leafcraft.web.body import Gone
from leafcraft.web.call import Call

log = logging.getLogger(__name__)

STREAM_SECONDS_MAX = 3600
"""However slowly a client reads: what is held for it is a page, and not for ever."""

_AT_ONCE = (b"x-accel-buffering", b"no")
"""What a proxy has to hear before it hands on parts as they come."""


def _nothing() -> None:
    """A file's next part comes soon enough to notice then that nobody is there to take it."""


class Stream(NamedTuple):
    """A long answer that has begun: what could be refused has been refused by now."""

    media: str
    filename: str | None
    """None: it is no file, but to be read while it comes."""
    first: bytes
    rest: AsyncGenerator[bytes, None]
    leave: Callable[[], None] = _nothing
    """Told as soon as the client has gone, so that parts which are waited for need not come first."""

    @classmethod
    async def begun(
        cls, media: str, filename: str | None, parts: AsyncGenerator[bytes, None]
    ) -> "Stream":
        """Makes the first part. Raises Refusal."""
        return cls(media, filename, await anext(parts, b""), parts)


async def send(stream: Stream, call: Call, *, scope: Scope, receive: Receive, channel: Send) -> int:
    """Sends all of it; the status. Raises Gone when the client has gone, or the rest can't be had:
    its status is out already, so a connection that is cut tells the client that something is missing."""
    headers = _headers(stream, call, scope)
    await channel({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
    gone = asyncio.create_task(_gone(receive))
    gone.add_done_callback(lambda _: stream.leave())
    try:
        async with aclosing(stream.rest), asyncio.timeout(STREAM_SECONDS_MAX):
            if call.method != "HEAD":
                await _send_parts(stream, channel, gone)
            await channel({"type": "http.response.body", "body": b""})
    except Gone:
        raise
    except Exception:
        log.exception("%s was cut short", call.path, extra={"request_id": call.request_id})
        raise Gone from None
    finally:
        gone.cancel()
    return HTTPStatus.OK


async def _send_parts(stream: Stream, channel: Send, gone: "asyncio.Task[None]") -> None:
    await channel({"type": "http.response.body", "body": stream.first, "more_body": True})
    async for part in stream.rest:
        if gone.done():  # a server takes parts for a client that has gone, and says nothing
            raise Gone
        await channel({"type": "http.response.body", "body": part, "more_body": True})


async def _gone(receive: Receive) -> None:
    with suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass


def _headers(stream: Stream, call: Call, scope: Scope) -> reply.Headers:
    return [
        (b"x-request-id", call.request_id.encode()),
        *reply.guards(scope),
        (b"cache-control", b"private, no-store"),
        (b"content-type", stream.media.encode()),
        _AT_ONCE
        if stream.filename is None
        else (b"content-disposition", reply.attachment(stream.filename)),
    ]
