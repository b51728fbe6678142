"""Promises: what an operation promises to programs, and how the OpenAPI document tells it."""

from collections.abc import Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any, NamedTuple

from fastapi import Response
from fastapi.responses import JSONResponse

from leafcraft.errors import Code
from leafcraft.idempotency import KEY_CHARS_MAX
from leafcraft.web import problems

ALWAYS = (
    Code.VALIDATION_ERROR,
    Code.DATABASE_UNAVAILABLE,
    Code.OVERLOADED,
    Code.RATE_LIMITED,
    Code.HOST_NOT_ALLOWED,
)
GUARDED = (Code.NOT_AUTHENTICATED, Code.TOKEN_EXPIRED, Code.TOKEN_REVOKED, Code.FORBIDDEN)
KEYED = {HTTPMethod.POST, HTTPMethod.PATCH}
"""The methods that take an idempotency key; a DELETE is safe to repeat as it is."""
WITH_BODY = (Code.BODY_TOO_LARGE, Code.REQUEST_TIMEOUT)
OPEN = "open"
"""What an operation asks for that anybody may call. There is no default: who forgets says nothing."""

_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the call safe to repeat: a retry gets the first answer again.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_CHARS_MAX,
        "pattern": "^[ -~]+$",
    },
}
_MATCH_HEADER = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` the edit is based on; 412 when it is stale.",
    "schema": {"type": "string"},
}
_NONE_MATCH_HEADER = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` already held; 304 when nothing has changed.",
    "schema": {"type": "string"},
}
_DISPOSITION = {
    "description": "That it is a file, and what it may be called.",
    "schema": {"type": "string"},
}
_VARY = {
    "description": "That it depends on `Accept`.",
    "schema": {"type": "string"},
}


class Promise(NamedTuple):
    """What an operation promises to programs."""

    name: str
    """The operationId: client generators make method names of it, so it never changes."""
    permission: str
    """What a caller needs, or OPEN."""
    answers: Any
    """The model of a success; None where it has no body."""
    status: int = 200
    refuses: Sequence[Code] = ()
    """The codes it may refuse with, beside those that every operation may."""
    edits: bool = False
    """Whether it honours `If-Match`."""
    answers_many: Any = None
    """The model of the 200 that a list in the body gets, where it may be one."""
    takes: Sequence[str] = ()
    """The media types that its `upload` may have."""
    streams: Sequence[str] = ()
    """The media types that its answer may have, where that is a Stream."""
    also: str = ""
    """A media type beside JSON that its answer may have, if `Accept` says so."""


def described(
    method: HTTPMethod, promise: Promise, *, takes_body: bool, takes_upload: bool
) -> dict[str, Any]:
    """What FastAPI is told of a route, so that its document says all of it."""
    return {
        "methods": [method],
        "operation_id": promise.name,
        "status_code": promise.status,
        "response_model": promise.answers,
        "response_class": _response_class(promise.streams),
        "responses": _responses(method, promise, takes_body=takes_body or takes_upload),
        "openapi_extra": _extra(method, promise, takes_upload=takes_upload),
    }


def _response_class(media: Sequence[str]) -> type[Response]:
    """What FastAPI reads an answer's media type from; the first one of it."""
    return type("Streamed", (Response,), {"media_type": media[0]}) if media else JSONResponse


def _files(media: Sequence[str]) -> dict[str, Any]:
    return {one: {"schema": {"type": "string"}} for one in media}


def _extra(method: HTTPMethod, promise: Promise, *, takes_upload: bool) -> dict[str, Any]:
    extra: dict[str, Any] = {"parameters": _headers(method, promise)}
    if takes_upload:
        extra["requestBody"] = {"required": True, "content": _files(promise.takes)}
    return extra


def _responses(
    method: HTTPMethod, promise: Promise, *, takes_body: bool
) -> dict[int | str, dict[str, Any]]:
    found = problems.responses(_refusals(method, promise, takes_body=takes_body))
    if promise.answers_many is not None:
        found[HTTPStatus.OK] = {
            "model": promise.answers_many,
            "description": "One result for each of a list, in its order.",
        }
    if promise.also:
        content = {promise.also: {"schema": {"type": "string"}}}
        found[promise.status] = {"content": content, "headers": {"Vary": _VARY}}
    if promise.streams:
        found[promise.status] = {
            "headers": {"Content-Disposition": _DISPOSITION},
            "content": _files(promise.streams),
        }
    elif method is HTTPMethod.GET:
        found[HTTPStatus.NOT_MODIFIED] = {
            "description": "What `If-None-Match` names is still current."
        }
    return found


def _refusals(method: HTTPMethod, promise: Promise, *, takes_body: bool) -> list[Code]:
    refused = {*ALWAYS, *promise.refuses, *(WITH_BODY if takes_body else ())}
    if promise.permission != OPEN:
        refused.update(GUARDED)
        refused.update([Code.IDEMPOTENCY_KEY_REUSED] if method in KEYED else ())
    return sorted(refused, key=lambda code: code.word)


def _headers(method: HTTPMethod, promise: Promise) -> list[dict[str, Any]]:
    if method is HTTPMethod.GET:
        return [] if promise.streams else [_NONE_MATCH_HEADER]
    if promise.permission == OPEN or method not in KEYED:
        return []
    return [_KEY_HEADER, _MATCH_HEADER] if promise.edits else [_KEY_HEADER]
