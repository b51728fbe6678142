"""Operations: how a slice declares what programs can ask of it.

An endpoint is written as for FastAPI, and FastAPI documents it. It is served more directly, by
`leafcraft.web.front`, because FastAPI's own machinery costs more than a whole confirmation does.
So an endpoint's parameters are few and plain: the call, ids from the path, and one of
`query`, `body` and `form`, each a pydantic model; or `upload`, a file, with a `query` if need be.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from http import HTTPMethod
from typing import Any, NamedTuple, Protocol, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.web import media, problems, wire
from leafcraft.web.call import Call, Uploaded
from leafcraft.web.promises import OPEN, Promise, described
from leafcraft.web.stream import Stream

__all__ = ["OPEN", "Catalog", "Declared", "Operation", "Operations", "Promise", "template"]


class Servable(Protocol):
    """What the front can serve: an operation, or a page."""

    name: str
    permission: str

    @property
    def takes_body(self) -> bool: ...

    def check(self, permissions: Collection[str]) -> None:
        """Raises Refusal `forbidden`."""

    async def __call__(self, call: Call, ids: Sequence[int], body: bytes, /) -> Answer | Stream: ...

    def refused(self, refusal: Refusal, call: Call) -> Answer:
        """What is told of a refusal that was raised."""


Endpoint = Callable[..., Awaitable[Answer | Stream]]

QUERY_FIELDS_MAX = 50
QUERIES_KEPT_MAX = 1000


class Operation:
    """One endpoint with one method: binds a call to the endpoint's parameters."""

    def __init__(self, endpoint: Endpoint, promise: Promise) -> None:
        self.name = promise.name
        self.permission = promise.permission
        self._takes = promise.takes
        self._offers = (media.JSON, promise.also) if promise.also else ()
        self._endpoint = endpoint
        parameters = inspect.signature(endpoint, eval_str=True).parameters
        self._query = _model(parameters, "query")
        self._body = _model(parameters, "body")
        self._form = _model(parameters, "form")
        self.takes_upload = "upload" in parameters
        self._queries: dict[str, BaseModel] = {}

    def check(self, permissions: Collection[str]) -> None:
        """Raises Refusal `forbidden` for a caller who has no permission to this."""
        if self.permission != OPEN and self.permission not in permissions:
            raise Refusal(Code.FORBIDDEN, f"This needs the permission {self.permission}.")

    @property
    def takes_body(self) -> bool:
        return self._body is not None or self._form is not None

    async def __call__(self, call: Call, ids: Sequence[int], body: bytes) -> Answer | Stream:
        """Raises Refusal `validation_error` for whatever does not fit."""
        if self._offers:
            call.media = media.chosen(call.header(b"accept"), self._offers)
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

    def refused(self, refusal: Refusal, call: Call) -> Answer:
        return problems.answer(refusal, call.path, call.request_id)

    def media_of(self, call: Call) -> str:
        """What a file is. Its Content-Type is asked where there is a choice, and only there: a file
        taken for another would be told to be full of mistakes. Raises Refusal `validation_error`.
        """
        if len(self._takes) == 1:
            return self._takes[0]
        said = (call.header(b"content-type") or "").partition(";")[0].strip().lower()
        if said not in self._takes:
            raise problems.invalid_parameter("Content-Type", f"must be {' or '.join(self._takes)}")
        return said

    async def with_upload(
        self, call: Call, ids: Sequence[int], upload: Uploaded
    ) -> Answer | Stream:
        """The same for a request that brings a file; by its digest a retry is known, and by what the
        file is said to be."""
        said = [upload.media] if len(self._takes) > 1 else []
        if self._query is None:
            if call.query:
                _refuse_unknown(call.query)
            call.body = [upload.digest.hex(), *said]
            return await self._endpoint(call, *ids, upload=upload)
        query = self._queried(self._query, call)
        call.body = [upload.digest.hex(), query.model_dump(mode="json"), *said]
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
            operation = Operation(endpoint, promise)
            takes = {"takes_body": operation.takes_body, "takes_upload": operation.takes_upload}
            self.router.add_api_route(path, endpoint, **described(method, promise, **takes))
            self.table.append((method, self._prefix + path, operation))
            return endpoint

        return declare


class Declared(NamedTuple):
    """An operation, and where it is."""

    method: str
    path: str
    """With `{}` for each id."""
    operation: Operation


Catalog = Mapping[str, Declared]
"""All operations by their names."""


def catalog(slices: Iterable[Operations]) -> Catalog:
    return {
        operation.name: Declared(method, template(path), operation)
        for one in slices
        for method, path, operation in one.table
    }


def template(path: str) -> str:
    """`/orders/{order_id}/confirm/` -> `/orders/{}/confirm`: how a path is looked up."""
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")


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
