"""From an answer to what goes over the connection: status, headers, body, or 304."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.web.call import Call
from leafcraft.web.media import JSON

Headers = Sequence[tuple[bytes, bytes]]

HSTS_SECONDS = 365 * 24 * 3600
PREFLIGHT_SECONDS = 600

GUARDS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""What a browser is told with every answer: this is data, and nobody's frame, script or picture."""
GUARDS_BEHIND_TLS: Headers = (
    *GUARDS,
    (b"strict-transport-security", f"max-age={HSTS_SECONDS}".encode()),
)

_NAME = re.compile(r"((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]{2,45}\])(?::[0-9]{0,5})?")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?")


SHARED: Mapping[str, Any] = {
    "allow_methods": "GET POST PATCH DELETE".split(),
    "allow_headers": "Authorization Content-Type Idempotency-Key If-Match If-None-Match X-Request-ID".split(),
    "expose_headers": "ETag Idempotent-Replayed Link Location Retry-After X-Request-ID".split(),
    "max_age": PREFLIGHT_SECONDS,
}
"""What a page of a listed origin may send and read."""


def guards(scope: Scope) -> Headers:
    return GUARDS_BEHIND_TLS if scope["scheme"] == "https" else GUARDS


def with_guards(headers: Sequence[tuple[bytes, bytes]], scope: Scope) -> Headers:
    """The headers, and of the guards what is missing: a page may bring a policy of its own."""
    given = {name.lower() for name, _ in headers}
    return [*headers, *(guard for guard in guards(scope) if guard[0] not in given)]


def shared_with(origins: Sequence[str], app: ASGIApp) -> ASGIApp:
    """The app, readable by scripts of these origins; by those of no other, and never with cookies."""
    if not origins:
        return app
    shared = CORSMiddleware(app, allow_origins=origins, **SHARED)

    async def guarded(scope: Scope, receive: Receive, channel: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":  # a preflight's answer is not the app's
                message["headers"] = with_guards(message["headers"], scope)
            await channel(message)

        await shared(scope, receive, stamped)

    return guarded


def check_host(hosts: Sequence[str], given: str) -> None:
    """Raises Refusal `host_not_allowed` for a Host header that names none of the hosts."""
    found = _NAME.fullmatch(given.lower())
    name = found[1] if found else ""
    for host in hosts:
        if name == host or (host.startswith("*.") and name.endswith(host[1:])):
            return
    raise Refusal(Code.HOST_NOT_ALLOWED, "The Host header names no host of this service.")


async def send(answer: Answer, call: Call, scope: Scope, channel: Send) -> int:
    """Sends the answer, or 304 where the client has it already; the status that went out."""
    headers = _about_all(answer, call, scope)
    if call.media:
        headers.append((b"vary", b"accept"))
    if answer.etag:
        headers.append((b"etag", answer.etag.encode()))
    if call.method in {"GET", "HEAD"}:
        headers.extend(_about_reading(answer, call, scope))
        if answer.etag and _has_it(call.header(b"if-none-match"), answer.etag):
            await _respond(channel, HTTPStatus.NOT_MODIFIED, headers=headers, body=b"")
            return HTTPStatus.NOT_MODIFIED
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    if answer.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    if answer.status != HTTPStatus.NO_CONTENT:
        headers.extend(_about_body(answer))
    body = b"" if call.method == "HEAD" else answer.body
    await _respond(channel, answer.status, headers=headers, body=body)
    return answer.status


def _about_all(answer: Answer, call: Call, scope: Scope) -> list[tuple[bytes, bytes]]:
    request_id = (b"x-request-id", call.request_id.encode())
    if not answer.headers:
        return [request_id, *guards(scope)]
    own = [(name.encode(), value.encode()) for name, value in answer.headers]
    return [*with_guards(own, scope), request_id]


def _about_reading(answer: Answer, call: Call, scope: Scope) -> Headers:
    found = [] if answer.headers else [(b"cache-control", b"private, no-cache")]
    if answer.next_query:
        found.append((b"link", _next_link(answer.next_query, call, scope).encode()))
    return found


def _about_body(answer: Answer) -> Headers:
    found = [
        (b"content-type", _media(answer).encode()),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    if answer.filename:
        found.append((b"content-disposition", attachment(answer.filename)))
    return found


def _media(answer: Answer) -> str:
    return answer.media or ("application/problem+json" if answer.status >= 400 else JSON)


def attachment(filename: str) -> bytes:
    """The `Content-Disposition` of a file."""
    return f'attachment; filename="{filename}"'.encode()


async def _respond(channel: Send, status: int, *, headers: Headers, body: bytes) -> None:
    await channel({"type": "http.response.start", "status": status, "headers": headers})
    await channel({"type": "http.response.body", "body": body})


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
