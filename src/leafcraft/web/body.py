"""What a request brings with it: a body in memory, or an upload in a temporary file, within bounds of size and time."""

import asyncio
import hashlib
import logging
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import IO

from starlette.types import Receive

from leafcraft.errors import Code, Refusal
from leafcraft.web.call import Call, Uploaded

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 1024 * 1024
BODY_SECONDS_MAX = 20
UPLOAD_BYTES_MAX = 64 * 1024 * 1024
UPLOAD_SECONDS_MAX = 300
UPLOADS_AT_ONCE_MAX = 4
"""In a process: each takes its room on the disk, and the next one waits for its turn at the caller's."""

_DIGITS = re.compile(r"[0-9]{1,18}")


class Gone(Exception):
    """The client closed the connection before its request, or the answer to it, was complete."""


async def whole(receive: Receive, call: Call) -> bytes:
    """The whole body. Raises Refusal `body_too_large`, `request_timeout`, as soon as it is, and Gone."""
    parts: list[bytes] = []
    await _take(receive, call, parts.append, bytes_max=BODY_BYTES_MAX, seconds_max=BODY_SECONDS_MAX)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Spool:
    """Where uploads lie while they are worked on; one a process."""

    def __init__(self) -> None:
        self._taken = 0

    @asynccontextmanager
    async def taken(self, receive: Receive, call: Call) -> AsyncIterator[Uploaded]:
        """The body in a file, which is gone at the end. Raises as `whole` does, and `overloaded`."""
        if self._taken >= UPLOADS_AT_ONCE_MAX:
            raise Refusal(Code.OVERLOADED, "Too many uploads are under way; nothing was applied.")
        self._taken += 1
        try:
            with tempfile.TemporaryFile(prefix="leafcraft-upload-") as file:
                digest = hashlib.blake2b(digest_size=32)

                def keep(part: bytes) -> None:
                    digest.update(part)
                    _write(file, part)

                await _take(
                    receive, call, keep, bytes_max=UPLOAD_BYTES_MAX, seconds_max=UPLOAD_SECONDS_MAX
                )
                yield Uploaded(file, digest.digest())
        finally:
            self._taken -= 1


async def _take(
    receive: Receive,
    call: Call,
    keep: Callable[[bytes], object],
    *,
    bytes_max: int,
    seconds_max: float,
) -> None:
    """Hands every part of the body over."""
    announced = call.header(b"content-length") or ""
    if _DIGITS.fullmatch(announced) and int(announced) > bytes_max:
        raise _too_large(bytes_max)
    try:
        async with asyncio.timeout(seconds_max):
            await _receive(receive, keep, bytes_max)
    except TimeoutError:
        raise Refusal(
            Code.REQUEST_TIMEOUT, f"The body did not arrive within {seconds_max} seconds."
        ) from None


async def _receive(receive: Receive, keep: Callable[[bytes], object], bytes_max: int) -> None:
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise _too_large(bytes_max)
        keep(part)
        if not message.get("more_body", False):
            return


def _write(file: IO[bytes], part: bytes) -> None:
    try:
        file.write(part)
        file.flush()  # what is left for later would be missed by nobody
    except OSError as error:
        log.error("an upload finds no room in %s: %s", tempfile.gettempdir(), error.strerror)
        raise Refusal(
            Code.OVERLOADED, "There is no room for the file right now; nothing was applied."
        ) from None


def _too_large(bytes_max: int) -> Refusal:
    return Refusal(Code.BODY_TOO_LARGE, f"A body may have at most {bytes_max} bytes here.")
