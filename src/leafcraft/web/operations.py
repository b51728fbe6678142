"""Operations: how a slice declares what programs can ask of it.

An endpoint is written as for FastAPI, and FastAPI documents it. It is served more directly, by
`leafcraft.web.front`, because FastAPI's own machinery costs more than a whole confirmation does.
So an endpoint's parameters are few and plain: the call, ids from the path, and one of
`query`, `body` and `form`, each a pydantic model; or `upload`, a file, with a `query` if need be.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any, NamedTuple, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import KEY_CHARS_MAX, Answer
from leafcraft.web import problems, wire
from leafcraft.web.call import Call, Uploaded
from leafcraft.web.stream import Stream

Endpoint = Callable[..., Awaitable[Answer | Stream]]

QUERY_FIELDS_MAX = 50
QUERIES_KEPT_MAX = 1000
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
    takes: str = "application/json"
    """The media type of its `upload`."""
    streams: str = ""
    """The media type of its answer, where that is a Stream."""


class Operation:
    """One endpoint with one method: binds a call to the endpoint's parameters."""

    def __init__(self, endpoint: Endpoint, name: str, permission: str) -> None:
        self.name = name
        self.permission = permission
        self._endpoint = endpoint
        parameters = inspect.signature(endpoint, eval_str=True).parameters
        self._query = _model(parameters, "query")
        self._body = _model(parameters, "body")
        self._form = _model(parameters, "form")
        self.takes_upload = "upload" in parameters
        self._queries: dict[str, BaseModel] = {}

    @property
    def takes_body(self) -> bool:
        return self._body is not None or self._form is not None

    async def __call__(self, call: Call, ids: Sequence[int], body: bytes) -> Answer | Stream:
        """Raises Refusal `validation_error` for whatever does not fit."""
        if call.query and self._query is None:
            _refuse_unknown(call.query)
        if self._body is not None:
            call.body = _parsed(body)
            return await self._endpoint(
                call, *ids, body=_valid("body", self._body, call.body, call=call)
            )
        if self._form is not None:
            form = _fields(_text(body))
            return await self._endpoint(
                call, *ids, form=_valid("body", self._form, form, call=call)
            )
        if self._query is not None:
            return await self._endpoint(call, *ids, query=self._queried(self._query, call))
        return await self._endpoint(call, *ids)

    async def with_upload(
        self, call: Call, ids: Sequence[int], upload: Uploaded
    ) -> Answer | Stream:
        """The same for a request that brings a file; by its digest a retry is known."""
        if self._query is None:
            if call.query:
                _refuse_unknown(call.query)
            call.body = upload.digest.hex()
            return await self._endpoint(call, *ids, upload=upload)
        query = self._queried(self._query, call)
        call.body = [upload.digest.hex(), query.model_dump(mode="json")]
        return await self._endpoint(call, *ids, upload=upload, query=query)

    def _queried(self, model: type[BaseModel], call: Call) -> BaseModel:
        """The query's parameters. Clients repeat themselves, so the last ones read are kept."""
        known = self._queries.get(call.query)
        if known is None:
            known = _valid("query", model, _fields(call.query), call=call)
            if len(self._queries) >= QUERIES_KEPT_MAX:
                self._queries.clear()
            self._queries[call.query] = known
        return known


class Operations:
    """A slice's operations: `router` for the OpenAPI document, `table` for serving."""

    def __init__(self, prefix: str, tag: str) -> None:
        self.router = APIRouter(prefix=prefix, tags=[tag])
        self.table: list[tuple[str, str, Operation]] = []
        self._prefix = prefix

    def get(self, path: str, promise: Promise) -> Callable[[Endpoint], Endpoint]:
        return self._declare(HTTPMethod.GET, path, promise)

    def post(self, path: str, promise: Promise) -> Callable[[Endpoint], Endpoint]:
        return self._declare(HTTPMethod.POST, path, promise)

    def patch(self, path: str, promise: Promise) -> Callable[[Endpoint], Endpoint]:
        return self._declare(HTTPMethod.PATCH, path, promise)

    def delete(self, path: str, promise: Promise) -> Callable[[Endpoint], Endpoint]:
        return self._declare(HTTPMethod.DELETE, path, promise)

    def _declare(
        self, method: HTTPMethod, path: str, promise: Promise
    ) -> Callable[[Endpoint], Endpoint]:
        def declare(endpoint: Endpoint) -> Endpoint:
            operation = Operation(endpoint, promise.name, promise.permission)
            self.router.add_api_route(
                path,
                endpoint,
                methods=[method],
                operation_id=promise.name,
                status_code=promise.status,
                response_model=promise.answers,
                response_class=_response_class(promise.streams),
                responses=_responses(method, promise, operation),
                openapi_extra=_extra(method, promise, operation),
            )
            self.table.append((method, self._prefix + path, operation))
            return endpoint

        return declare


def template(path: str) -> str:
    """`/orders/{order_id}/confirm/` -> `/orders/{}/confirm`: how a path is looked up."""
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")


def _response_class(media: str) -> type[Response]:
    """What FastAPI reads an answer's media type from."""
    return type("Streamed", (Response,), {"media_type": media}) if media else JSONResponse


def _extra(method: HTTPMethod, promise: Promise, operation: Operation) -> dict[str, Any]:
    extra: dict[str, Any] = {"parameters": _headers(method, promise)}
    if operation.takes_upload:
        content = {promise.takes: {"schema": {"type": "string"}}}
        extra["requestBody"] = {"required": True, "content": content}
    return extra


def _responses(
    method: HTTPMethod, promise: Promise, operation: Operation
) -> dict[int | str, dict[str, Any]]:
    takes_body = operation.takes_body or operation.takes_upload
    found = problems.responses(_refusals(method, promise, takes_body=takes_body))
    if promise.answers_many is not None:
        found[HTTPStatus.OK] = {
            "model": promise.answers_many,
            "description": "One result for each of a list, in its order.",
        }
    if promise.streams:
        found[promise.status] = {"headers": {"Content-Disposition": _DISPOSITION}}
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


def _model(parameters: Mapping[str, inspect.Parameter], name: str) -> type[BaseModel] | None:
    if name not in parameters:
        return None
    annotation = parameters[name].annotation
    found: type[BaseModel] = get_args(annotation)[0] if get_origin(annotation) else annotation
    return found


def _valid(where: str, model: type[BaseModel], found: Any, *, call: Call) -> BaseModel:
    try:
        return model.model_validate(found, context={"currency": call.currency})
    except ValidationError as error:
        raise problems.invalid(where, error, found) from None


def _parsed(body: bytes) -> Any:
    try:
        return wire.parse(body)
    except ValueError as error:
        raise problems.invalid_field("", f"is not JSON: {error}"[:200]) from None


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise problems.invalid_field("", "is not UTF-8") from None


def _fields(encoded: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            encoded, keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX
        )
    except ValueError:
        raise problems.invalid_parameter(
            "", "is not well-formed UTF-8 or has too many fields"
        ) from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise problems.invalid_parameter(name, "is given more than once")
        fields[name] = value
    return fields


def _refuse_unknown(query: str) -> None:
    for name in _fields(query):
        raise problems.invalid_parameter(name, problems.UNKNOWN)
    raise Refusal(Code.VALIDATION_ERROR, "The query is not valid.")
