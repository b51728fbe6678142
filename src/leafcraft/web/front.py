"""The front: sees every request first, serves the operations, and tells what came of it.

It stands ahead of FastAPI's routing: it gives each request its id, finds the operation, checks
who is asking, bounds the body, and turns whatever is raised into a problem document. What is not
an operation (the docs, health, metrics) goes on to FastAPI.
"""

import logging
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from leafcraft import metrics
from leafcraft.errors import Code, Refusal
from leafcraft.events import REQUEST_ID_CHARS_MAX
from leafcraft.idempotency import Answer
from leafcraft.logs import RequestLines
from leafcraft.web import problems, wire
from leafcraft.web.call import Call, Runtime
from leafcraft.web.operations import Operation, Operations, template

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 1024 * 1024
PATH_CHARS_MAX = 512

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,%d}" % REQUEST_ID_CHARS_MAX)
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?")
_DIGITS = re.compile(r"[0-9]{1,18}")
_OTHER = "other"


class Gone(Exception):
    """The client closed the connection before its request was complete."""


class Front(FastAPI):
    """The FastAPI application, with its operations served ahead of its routing and middleware."""

    def __init__(self, runtime: Runtime, slices: Iterable[Operations], **about: Any) -> None:
        super().__init__(redirect_slashes=False, redoc_url=None, **about)
        self._runtime = runtime
        self._lines = RequestLines()
        self._operations: dict[str, dict[str, Operation]] = {}
        for one in slices:
            self.include_router(one.router)
            for method, path, operation in one.table:
                self._operations.setdefault(template(path), {})[method] = operation
        self.add_exception_handler(HTTPException, _unknown_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        call = Call(self._runtime, scope, headers, _request_id(headers))
        place, ids = _place(scope["path"])
        methods = self._operations.get(place)
        operation = None
        if methods is None:
            scope["request_id"] = call.request_id
            status = await _pass_on(super().__call__, scope, receive, send)
        else:
            operation = methods.get("GET" if call.method == "HEAD" else call.method)
            try:
                if operation is None:
                    answer = _wrong_method(call, methods)
                else:
                    answer = await self._answer(operation, call, ids, receive)
                status = await _send(answer, call, scope, send)
            except Gone:
                return
        self._tell(call, operation, status, seconds=time.perf_counter() - started)

    async def _answer(
        self, operation: Operation, call: Call, ids: list[int], receive: Receive
    ) -> Answer:
        """Whatever happens, an answer (or Gone)."""
        try:
            if operation.permission is not None:
                await self._admit(call, operation.permission)
            body = await _body(receive, call) if operation.takes_body else b""
            return await operation(call, ids, body)
        except Refusal as refusal:
            return problems.answer(refusal, call.path, call.request_id)
        except Gone:
            raise
        except Exception:
            log.exception(
                "%s %s failed", call.method, call.path, extra={"request_id": call.request_id}
            )
            broken = Refusal(Code.INTERNAL_ERROR, "Something went wrong here; it has been logged.")
            return problems.answer(broken, call.path, call.request_id)

    async def _admit(self, call: Call, permission: str) -> None:
        call.caller = await self._runtime.authenticate(call.header(b"authorization") or "")
        if permission not in call.caller.permissions:
            raise Refusal(Code.FORBIDDEN, f"This needs the permission {permission}.")

    def _tell(
        self, call: Call, operation: Operation | None, status: int, *, seconds: float
    ) -> None:
        """One line in the log and one count in the metrics for every request."""
        metrics.observe(operation.name if operation else _OTHER, status, seconds)
        self._lines.add(
            method=call.method,
            path=call.path,
            status=status,
            ms=round(seconds * 1000, 2),
            caller=call.caller.name,
            request_id=call.request_id,
        )


def _place(path: str) -> tuple[str, list[int]]:
    """Splits the ids out of a path: `/orders/12/confirm/` is `/orders/{}/confirm` with [12]."""
    ids: list[int] = []
    parts = path[:PATH_CHARS_MAX].rstrip("/").split("/")
    for index, part in enumerate(parts):
        if part.isascii() and part.isdigit() and part[0] != "0" and int(part) <= wire.ID_MAX:
            ids.append(int(part))
            parts[index] = "{}"
    return "/".join(parts), ids


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    """The client's own id where it is a sane one, else a new one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


async def _body(receive: Receive, call: Call) -> bytes:
    """The whole body. Raises Refusal `body_too_large` as soon as it is, and Gone."""
    announced = call.header(b"content-length") or ""
    if _DIGITS.fullmatch(announced) and int(announced) > BODY_BYTES_MAX:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large() -> Refusal:
    return Refusal(Code.BODY_TOO_LARGE, f"A body may have at most {BODY_BYTES_MAX} bytes.")


def _wrong_method(call: Call, methods: Mapping[str, Operation]) -> Answer:
    allowed = ", ".join(sorted(methods))
    refusal = Refusal(Code.METHOD_NOT_ALLOWED, f"This path takes {allowed}.")
    answer = problems.answer(refusal, call.path, call.request_id)
    return answer._replace(headers=(("allow", allowed),))


async def _send(answer: Answer, call: Call, scope: Scope, send: Send) -> int:
    """Sends the answer, or 304 where the client has it already; the status that went out."""
    reading = call.method in {"GET", "HEAD"}
    headers = [(b"x-request-id", call.request_id.encode())]
    if answer.etag:
        headers.append((b"etag", answer.etag.encode()))
    if reading:
        headers.append((b"cache-control", b"private, no-cache"))
        if answer.next_query:
            headers.append((b"link", _next_link(answer.next_query, call, scope).encode()))
        if answer.etag and _has_it(call.header(b"if-none-match"), answer.etag):
            await _respond(send, 304, headers, b"")
            return 304
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    if answer.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    headers.extend((name.encode(), value.encode()) for name, value in answer.headers)
    problem = answer.status >= 400
    headers.append(
        (b"content-type", b"application/problem+json" if problem else b"application/json")
    )
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await _respond(send, answer.status, headers, b"" if call.method == "HEAD" else answer.body)
    return answer.status


async def _respond(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _next_link(query: str, call: Call, scope: Scope) -> str:
    """RFC 8288. Absolute where the Host header can be one, so that clients can follow it as it is."""
    host = call.header(b"host") or ""
    base = f"{scope['scheme']}://{host}" if _HOST.fullmatch(host) else ""
    return f'<{base}{scope["path"]}?{query}>; rel="next"'


def _has_it(held: str | None, etag: str) -> bool:
    if held is None:
        return False
    return held.strip() == "*" or etag in (
        tag.strip().removeprefix("W/") for tag in held.split(",")
    )


async def _pass_on(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> int:
    """Lets FastAPI answer, with the request id on its answer too."""
    status = 500
    request_id: str = scope["request_id"]

    async def stamped(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
        await send(message)

    await app(scope, receive, stamped)
    return status


async def _unknown_path(request: Request, error: Exception) -> Response:
    """FastAPI's own 404 and 405, as problems."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    wrong_method = status == problems.STATUS[Code.METHOD_NOT_ALLOWED.kind]
    code = Code.METHOD_NOT_ALLOWED if wrong_method else Code.NOT_FOUND
    refusal = Refusal(code, f"There is nothing to {request.method} at this path.")
    answer = problems.answer(refusal, request.scope["path"], request.scope["request_id"])
    headers = getattr(error, "headers", None)
    return Response(answer.body, answer.status, headers, "application/problem+json")
