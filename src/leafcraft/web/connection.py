"""What a connection may do before there is a request: how much head it may send, and for how long.

uvicorn's protocol bounds neither, and no application behind it can see either. This one does, and
says in problem documents what uvicorn says in plain text or not at all.

Written against uvicorn 0.54. Besides asyncio's callbacks and those of httptools it overrides
`send_400_response`, `_unsupported_upgrade_warning` and `shutdown`, and uses `cycle`, `pipeline`,
`url`, `headers`, `ws_protocol_class`, `loop`, `app_state` and `server_state.default_headers`. What a later uvicorn
changes about them, `tests/web/test_connections.py` is there to notice.
"""

import asyncio
import http
import logging
import secrets

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from leafcraft.errors import Code, Refusal
from leafcraft.web import problems, reply

log = logging.getLogger(__name__)

HEADER_BYTES_MAX = 64 * 1024
"""Of a request's line and headers together; of its trailers, too, but those less exactly."""
HEAD_SECONDS_MAX = 20.0
"""From a connection's first moment, or a further request's first byte, until the head is complete."""
STOPPING = "stopping"
"""Under this name the lifespan's state holds the event that is set when the service is to stop."""
LINGER_SECONDS = 1.0
"""How long a refused client may go on sending: closed at once, it would see a reset, not the answer."""


class TooLarge(Exception):
    """Leaves the parser in the middle of what it is fed; uvicorn takes it for a malformed request."""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with bounds. A request that comes in one piece costs it no timer.

    It calls its base by name where every request passes: `super()` costs more, each time.
    """

    header_bytes_max = HEADER_BYTES_MAX
    head_seconds_max = HEAD_SECONDS_MAX

    _clock: asyncio.TimerHandle | None = None
    _refused = False
    _moved = False  # whether a head, a part of a body or a request was completed in this read
    _bytes_at_least = 0  # not of a body, by whole reads in which nothing moved
    _bytes_at_most = 0  # the same, with the read before them, of which it may be a part

    # ── what asyncio calls ───────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.ws_protocol_class = None  # nothing here speaks WebSocket, whatever is installed
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """uvicorn waits for answers under way: those without an end have to be told."""
        stopping: asyncio.Event | None = self.app_state.get(STOPPING)
        if stopping is not None:
            stopping.set()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        size = len(data)
        self._bytes_at_most += size
        self._moved = False
        HttpToolsProtocol.data_received(self, data)
        if self._moved:
            self._bytes_at_most = size
            self._bytes_at_least = 0
            return
        self._bytes_at_least += size
        if self._bytes_at_least > self.header_bytes_max:
            self._refuse_size()
            return
        cycle = _unanswered(self.cycle)
        if cycle is None or not cycle.more_body:
            self._start_clock()

    # ── what the parser calls ────────────────────────────────────────────────

    def on_headers_complete(self) -> None:
        self._moved = True
        if self._clock is not None:
            self._stop_clock()
        if self._bytes_at_most > self.header_bytes_max:
            self._weigh()
        HttpToolsProtocol.on_headers_complete(self)
        self.headers = []  # trailers go here: what a proxy has not seen among the headers is none

    def on_body(self, body: bytes) -> None:
        self._moved = True
        HttpToolsProtocol.on_body(self, body)
        if self.cycle.response_complete:
            self._start_clock()  # the rest of a body whose request has been answered already

    def on_message_complete(self) -> None:
        self._moved = True
        # uvicorn's own does the same after asking for upgrades, unless the answer was quicker.
        cycle = self.cycle
        cycle.more_body = False
        cycle.message_event.set()

    def send_400_response(self, _: str) -> None:
        self._refuse(Refusal(Code.MALFORMED_REQUEST, "This is not a request that HTTP allows."))

    def _unsupported_upgrade_warning(self) -> None:
        """An offer may be ignored (RFC 9110, 7.8), and is no news: anybody can make one."""

    # ── bounds ───────────────────────────────────────────────────────────────

    def _weigh(self) -> None:
        """Counts what was parsed, for a read may hold more than one head. Raises TooLarge."""
        fields = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        if len(self.url) + fields > self.header_bytes_max:
            self._refuse_size()
            raise TooLarge

    def _refuse_size(self) -> None:
        detail = f"The request line and headers may have at most {self.header_bytes_max} bytes."
        self._refuse(Refusal(Code.HEADERS_TOO_LARGE, detail))

    def _start_clock(self) -> None:
        if self._clock is None:
            self._clock = self.loop.call_later(self.head_seconds_max, self._too_late)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _too_late(self) -> None:
        if self._bytes_at_least:
            detail = f"The head of a request may take {self.head_seconds_max:g} seconds to arrive."
            self._refuse(Refusal(Code.REQUEST_TIMEOUT, detail))
        else:
            self.transport.close()  # it has asked nothing: an answer would be taken for the next one's

    # ── the end ──────────────────────────────────────────────────────────────

    def _refuse(self, refusal: Refusal) -> None:
        """Reads no more, and answers unless another answer is due on this connection."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._stop_clock()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            self._answer(refusal)
        elif cycle.response_complete:
            self._hang_up()  # it has its answer, and only the rest of it is too much
        elif not cycle.more_body:
            cycle.keep_alive = False  # it was asked in full, and will be answered; then all ends
        elif self.pipeline or cycle.response_started:
            self.transport.close()
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._answer(refusal)

    def _answer(self, refusal: Refusal) -> None:
        request_id = secrets.token_hex(12)
        log.debug("refused a connection: %s", refusal.code.word, extra={"request_id": request_id})
        self.transport.write(self._rendered(refusal, request_id))
        self._hang_up()

    def _hang_up(self) -> None:
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._clock = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _rendered(self, refusal: Refusal, request_id: str) -> bytes:
        answer = problems.answer(refusal, "", request_id)
        headers = (
            *self.server_state.default_headers,
            *reply.GUARDS,
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        )
        status = f"HTTP/1.1 {answer.status} {http.HTTPStatus(answer.status).phrase}\r\n".encode()
        lines = (b"%b: %b\r\n" % header for header in headers)
        return b"%b%b\r\n%b" % (status, b"".join(lines), answer.body)


def _unanswered(cycle: RequestResponseCycle | None) -> RequestResponseCycle | None:
    """The newest request of a connection, unless it has had its whole answer."""
    return None if cycle is None or cycle.response_complete else cycle
