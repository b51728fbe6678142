"""Stands between the service and MariaDB, knows a COMMIT when it sees one, and may play it a trick."""

import asyncio
from enum import Enum, auto
from typing import Final, Self

from tests.writer.workshop import until

HOST: Final = "127.0.0.1"
COMMIT: Final = b"\x03COMMIT"


class Trick(Enum):
    """What becomes of the next COMMIT."""

    SWALLOWED = auto()
    """Both sides are cut before it is forwarded: the database never sees it."""
    UNANSWERED = auto()
    """It is forwarded and done; the client is cut before it hears of it."""
    HELD = auto()
    """The client is cut; the database gets it when the test says so, and ends it or not."""


class CommitProxy:
    """Listens on a port of its own, forwards packet by packet, and plays each trick once."""

    def __init__(self, port: int) -> None:
        self.trick: Trick | None = None
        self.commits = 0
        self.held: asyncio.Future[bool] | None = None
        """Set its result to let the held COMMIT through (True) or to cut it off for good (False)."""
        self.refusing = False
        self._upstream = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        if self.held is not None and not self.held.done():
            self.held.set_result(False)
        for writer in list(self._open):
            writer.transport.abort()
        await until(lambda: not self._open)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        link = _Link(reader, writer, *await asyncio.open_connection(HOST, self._upstream))
        self._open |= {link.client_out, link.server_out}
        try:
            while True:
                packet = await _packet(link.client_in)
                if packet[4:] == COMMIT and await self._tricked(link, packet):
                    return
                link.server_out.write(packet)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._open -= {link.client_out, link.server_out}
            link.cut()

    async def _tricked(self, link: "_Link", packet: bytes) -> bool:
        """Whether this COMMIT fell victim to a trick, and the connection is no more."""
        self.commits += 1
        trick, self.trick = self.trick, None
        if trick is None:
            return False
        await link.fall_silent()
        if trick is Trick.HELD:
            self.held = asyncio.get_running_loop().create_future()
            link.client_out.transport.abort()
            if not await self.held:
                return True
        if trick is not Trick.SWALLOWED:
            link.server_out.write(packet)
            await _packet(link.server_in)
        return True


class _Link:
    """Both ends of one connection; answers are passed on as they come."""

    def __init__(
        self,
        client_in: asyncio.StreamReader,
        client_out: asyncio.StreamWriter,
        server_in: asyncio.StreamReader,
        server_out: asyncio.StreamWriter,
    ) -> None:
        self.client_in = client_in
        self.client_out = client_out
        self.server_in = server_in
        self.server_out = server_out
        self.answers = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        while answer := await self.server_in.read(2**16):
            self.client_out.write(answer)
        self.cut()

    async def fall_silent(self) -> None:
        """Passes no answer on from now on."""
        self.answers.cancel()
        await asyncio.gather(self.answers, return_exceptions=True)

    def cut(self) -> None:
        self.answers.cancel()
        self.client_out.transport.abort()
        self.server_out.transport.abort()


async def _packet(reader: asyncio.StreamReader) -> bytes:
    """One packet: three bytes of length, one of sequence, the payload."""
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head[:3], "little"))
