"""The front: sees every request first, serves the operations, and tells what came of it.

It stands ahead of FastAPI's routing: it gives each request its id, finds the operation, checks
who is asking, bounds body and time, and turns whatever is raised into a problem document. What has
been declared open (the docs, health, metrics) goes on to FastAPI; there is nothing else.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from leafcraft import metrics
from leafcraft.errors import Code, Refusal, StartError
from leafcraft.events import REQUEST_ID_CHARS_MAX
from leafcraft.idempotency import Answer
from leafcraft.logs import RequestLines
from leafcraft.web import body, health, problems, reply, stream, wire
from leafcraft.web.body import Gone
from leafcraft.web.call import Call, Caller, Runtime
from leafcraft.web.operations import OPEN, Operation, Operations, Servable, template
from leafcraft.web.stream import Stream

log = logging.getLogger(__name__)

REQUEST_SECONDS_MAX = 40
"""More than the write path may try (`committer.TRY_SECONDS_MAX`, twice), so that it ends by itself."""
UPLOAD_REQUEST_SECONDS_MAX = 1800
"""Of a request that brings a file: until it is here, and all that it asks for is done."""
PATH_CHARS_MAX = 512

Authenticate = Callable[[Call], Awaitable[Caller]]
"""Whom a call's Authorization header speaks for. Raises Refusal."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,%d}" % REQUEST_ID_CHARS_MAX)
_OTHER = "other"
_SAID_ONCE = {b"authorization", b"host", b"idempotency-key", b"if-match"}
"""Headers that would mean one thing here and another to a proxy, were they given twice."""


class Front(FastAPI):
    """The FastAPI application, with its operations served ahead of its routing and middleware."""

    def __init__(
        self,
        runtime: Runtime,
        authenticate: Authenticate,
        slices: Iterable[Operations],
        **about: Any,
    ) -> None:
        super().__init__(redirect_slashes=False, docs_url=None, redoc_url=None, **about)
        self.runtime = runtime
        self._authenticate = authenticate
        self._lines = RequestLines()
        self._spool = body.Spool()
        self._operations: dict[str, dict[str, Servable]] = {}
        self._lost: dict[str, Servable] = {}
        self._open = list(self.routes)  # the OpenAPI document
        self._open_paths = {"/openapi.json"}
        self._slices = list(slices)
        for one in self._slices:
            self.include_router(one.router)
            for method, path, operation in one.table:
                methods = self._operations.setdefault(template(path), {})
                if methods.setdefault(method, operation) is not operation:
                    raise StartError(f"{method} {path} is declared twice")
        self.add_exception_handler(HTTPException, _wrong_method_of_open)
        self._app = reply.shared_with(runtime.settings.cors_origins, self._serve)

    def open(self, router: APIRouter) -> None:
        """Adds routes that are no operations, and open to everybody."""
        before = len(self.routes)
        self.include_router(router)
        self._open.extend(self.routes[before:])
        self._open_paths |= {route.path for route in router.routes if isinstance(route, Route)}

    def show(self, prefix: str, pages: Iterable[tuple[str, str, Servable]], lost: Servable) -> None:
        """Adds pages; `lost` answers for what else is asked for beneath their prefix."""
        for method, path, page in pages:
            self._operations.setdefault(template(path), {})[method] = page
        self._lost[f"{prefix}/"] = lost

    def check(self, permissions: Iterable[str]) -> None:
        """Nothing is open by oversight: raises StartError for a route that declares no permission.

        What is there is either an operation that asks for one of `permissions` or says OPEN, or a
        route added by `open`.
        """
        known = {*permissions, OPEN}
        routers = [one.router for one in self._slices]
        for route in self.routes:
            if route not in self._open and getattr(route, "original_router", None) not in routers:
                raise StartError(f"the route {route} declares no permission")
        for one in self._slices:
            declared = {(method, path): found.permission for method, path, found in one.table}
            for route in one.router.routes:
                for method in getattr(route, "methods", [""]):
                    path = getattr(route, "path", str(route))
                    if declared.get((method, path)) not in known:
                        raise StartError(f"{method} {path} declares no permission")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        call = Call(self.runtime, scope, headers, _request_id(headers))
        place, ids = _place(scope["path"])
        operation = self._operations.get(place, {}).get(
            "GET" if call.method == "HEAD" else call.method
        ) or self._elsewhere(place)
        try:
            _check_once(scope["headers"], headers)
            self._check_host(call, place)
            if operation is not None:
                answer = await self._answer(operation, call, ids, receive)
                status = await _send(answer, call, scope=scope, receive=receive, channel=send)
            elif scope["path"] in self._open_paths:
                status = await self._pass_on(call, scope, receive, send)
            else:
                raise self._missing(place, call.method)
        except Gone:
            return
        except Refusal as refusal:
            told = operation.refused(refusal, call) if operation else _told(refusal, call)
            status = await reply.send(told, call, scope, send)
        self._tell(call, operation, status, seconds=time.perf_counter() - started)

    def _elsewhere(self, place: str) -> Servable | None:
        """What answers for a place that nothing else is at."""
        if place in self._operations:
            return None
        found = (lost for prefix, lost in self._lost.items() if f"{place}/".startswith(prefix))
        return next(found, None)

    def _missing(self, place: str, method: str) -> Refusal:
        if methods := self._operations.get(place):
            return _wrong_method(methods)
        return Refusal(Code.NOT_FOUND, f"There is nothing to {method} at this path.")

    def _check_host(self, call: Call, place: str) -> None:
        """Probes ask by address, whatever the service's name is, and learn nothing that is secret."""
        hosts = self.runtime.settings.allowed_hosts
        if hosts and place not in health.PATHS:
            reply.check_host(hosts, call.header(b"host") or "")

    async def _answer(
        self, operation: Servable, call: Call, ids: list[int], receive: Receive
    ) -> Answer | Stream:
        """An answer. Raises Refusal, or Gone, and nothing else."""
        uploads = isinstance(operation, Operation) and operation.takes_upload
        deadline = asyncio.timeout(UPLOAD_REQUEST_SECONDS_MAX if uploads else REQUEST_SECONDS_MAX)
        try:
            async with deadline:
                await self._admit(call, operation)
                if isinstance(operation, Operation) and operation.takes_upload:
                    media = operation.media_of(call)
                    async with self._spool.taken(receive, call) as upload:
                        return await operation.with_upload(call, ids, upload._replace(media=media))
                given = await body.whole(receive, call) if operation.takes_body else b""
                return await operation(call, ids, given)
        except (Refusal, Gone):
            raise
        except Exception as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                raise _too_late(call) from None
            log.exception(
                "%s %s failed", call.method, call.path, extra={"request_id": call.request_id}
            )
            raise Refusal(
                Code.INTERNAL_ERROR, "Something went wrong here; it has been logged."
            ) from None

    async def _admit(self, call: Call, operation: Servable) -> None:
        if operation.permission == OPEN:
            return
        call.caller = await self._authenticate(call)
        self.runtime.limits.caller(call.caller.name)
        operation.check(call.caller.permissions)

    async def _pass_on(self, call: Call, scope: Scope, receive: Receive, send: Send) -> int:
        """Lets FastAPI answer, with the same headers as on every other answer."""
        status = 500
        scope["request_id"] = call.request_id

        async def stamped(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", call.request_id.encode())]
                message["headers"] = reply.with_guards(headers, scope)
            await send(message)

        await super().__call__(scope, receive, stamped)
        return status

    def _tell(self, call: Call, operation: Servable | None, status: int, *, seconds: float) -> None:
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


async def _send(
    answer: Answer | Stream, call: Call, *, scope: Scope, receive: Receive, channel: Send
) -> int:
    if isinstance(answer, Stream):
        return await stream.send(answer, call, scope=scope, receive=receive, channel=channel)
    return await reply.send(answer, call, scope, channel)


def _told(refusal: Refusal, call: Call) -> Answer:
    return problems.answer(refusal, call.path, call.request_id)


def _place(path: str) -> tuple[str, list[int]]:
    """Splits the ids out of a path: `/orders/12/confirm/` is `/orders/{}/confirm` with [12]; no place
    has a longer path than PATH_CHARS_MAX."""
    if len(path) > PATH_CHARS_MAX:
        return "", []
    ids: list[int] = []
    parts = path.rstrip("/").split("/")
    for index, part in enumerate(parts):
        if part.isascii() and part.isdigit() and part[0] != "0" and int(part) <= wire.ID_MAX:
            ids.append(int(part))
            parts[index] = "{}"
        elif part == "{}":  # as it was sent: no id, and no place has an empty part
            parts[index] = ""
    return "/".join(parts), ids


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    """The client's own id where it is a sane one, else a new one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


def _check_once(given: Sequence[tuple[bytes, bytes]], read: Mapping[bytes, bytes]) -> None:
    """Raises Refusal where a header that must be said once is said twice."""
    if len(given) != len(read):
        names = [name for name, _ in given]
        for name in _SAID_ONCE:
            if names.count(name) > 1:
                raise problems.invalid_parameter(name.decode(), "is given more than once")


def _too_late(call: Call) -> Refusal:
    """`overloaded` promises that nothing was applied, which of a write under way nobody knows."""
    if call.method in {"GET", "HEAD"}:
        return Refusal(Code.OVERLOADED, "This took too long; nothing was read.")
    return Refusal(
        Code.DATABASE_UNAVAILABLE,
        "This took too long, and it is not known whether it was applied: send it again with the"
        " same idempotency key, or look.",
    )


def _wrong_method(methods: Iterable[str]) -> Refusal:
    allowed = sorted(methods)
    return Refusal(
        Code.METHOD_NOT_ALLOWED, f"This path takes {', '.join(allowed)}.", allowed=allowed
    )


async def _wrong_method_of_open(request: Request, error: Exception) -> Response:
    """FastAPI's own 405, as a problem."""
    allowed = str((getattr(error, "headers", None) or {}).get("Allow", ""))
    refusal = _wrong_method(allowed.split(", "))
    answer = problems.answer(refusal, request.scope["path"], request.scope["request_id"])
    return Response(answer.body, answer.status, dict(answer.headers), "application/problem+json")
