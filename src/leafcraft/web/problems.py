"""Every refusal as an RFC 9457 problem document; the one table from kinds to HTTP statuses."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NotRequired

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from leafcraft.errors import Code, Kind, Refusal
from leafcraft.idempotency import Answer
from leafcraft.web import wire

STATUS = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.WRONG_METHOD: 405,
    Kind.TOO_SLOW: 408,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.TOO_LARGE: 413,
    Kind.MISDIRECTED: 421,
    Kind.INVALID: 422,
    Kind.TOO_MANY: 429,
    Kind.HEAD_TOO_LARGE: 431,
    Kind.BROKEN: 500,
    Kind.BUSY: 503,
}
RETRY_AFTER_SECONDS = "1"
REPORTED_ERRORS_MAX = 100


class FieldError(TypedDict):
    """What is wrong with one part of a request."""

    detail: str
    pointer: NotRequired[Annotated[str, Field(description="RFC 6901 pointer into the body")]]
    parameter: NotRequired[Annotated[str, Field(description="the query or path parameter")]]
    line: NotRequired[Annotated[int, Field(description="where the row of a file begins")]]
    column: NotRequired[
        Annotated[str, Field(description="which of its cells or members; empty: all of it")]
    ]


class Problem(TypedDict):
    """An RFC 9457 problem; `code` is stable, and more members may say what was wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: NotRequired[list[FieldError]]


def answer(refusal: Refusal, instance: str, request_id: str) -> Answer:
    """The refusal, ready to be sent."""
    status = STATUS[refusal.code.kind]
    body = wire.dump(document(refusal, instance, request_id))
    return Answer(status, body, headers=headers(refusal))


def document(refusal: Refusal, instance: str, request_id: str) -> dict[str, Any]:
    code = refusal.code
    return {
        "type": f"urn:leafcraft:problem:{code.word}",
        "title": code.title,
        "status": STATUS[code.kind],
        "detail": refusal.detail,
        "instance": instance,
        "code": code.word,
        "request_id": request_id,
        **refusal.members,
    }


def headers(refusal: Refusal) -> tuple[tuple[str, str], ...]:
    """What else is sent with the refusal."""
    if refusal.code.kind is Kind.UNAUTHENTICATED:
        return (("www-authenticate", "Bearer"),)
    if refusal.code.kind is Kind.WRONG_METHOD:
        return (("allow", ", ".join(refusal.members.get("allowed", ()))),)
    if refusal.code.kind is Kind.TOO_SLOW:
        return (("connection", "close"),)  # what is still to come of the request is not waited for
    if refusal.code.kind in {Kind.BUSY, Kind.TOO_MANY}:
        return (("retry-after", str(refusal.members.get("retry_after", RETRY_AFTER_SECONDS))),)
    return ()


def invalid(where: str, error: ValidationError, given: Any) -> Refusal:
    """A `validation_error` from pydantic's list; `where` is `body` or `query`, `given` what was there."""
    found = error.errors(include_url=False, include_input=False)
    # Of what is left out or a value, only the value's half has something to say.
    told = [one for one in found if one["type"] != "none_required"] or found
    errors = [_field_error(where, one, given) for one in told][:REPORTED_ERRORS_MAX]
    return Refusal(Code.VALIDATION_ERROR, f"The {where} is not valid.", errors=errors)


def invalid_parameter(name: str, detail: str) -> Refusal:
    error = {"parameter": name, "detail": detail}
    return Refusal(Code.VALIDATION_ERROR, "The request is not valid.", errors=[error])


def invalid_field(pointer: str, detail: str) -> Refusal:
    error = {"pointer": pointer, "detail": detail}
    return Refusal(Code.VALIDATION_ERROR, "The body is not valid.", errors=[error])


UNKNOWN = "is not known here"
EMPTY = "must not be empty"
_NO_INTEGER, _NO_OBJECT = "must be a whole number", "must be an object"
_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": _NO_OBJECT,
    "enum": "must be {expected}",
    "extra_forbidden": UNKNOWN,
    "greater_than_equal": "must be {ge} or more",
    "int_from_float": _NO_INTEGER,
    "int_parsing": _NO_INTEGER,
    "int_type": _NO_INTEGER,
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_attributes_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be text",
    "string_unicode": "must be text that UTF-8 can hold",
}
"""What pydantic finds, by its kind, in words that need no programmer."""


def told(error: ErrorDetails) -> str:
    """What is wrong, in words."""
    context = error.get("ctx", {})
    if context.get("min_length") == 1:
        return EMPTY
    kind = error["type"]
    if kind == "too_long" and context.get("field_type") == "Value":
        kind = "string_too_long"
    if kind in _WORDS:
        return _WORDS[kind].format(**context)
    return error["msg"].removeprefix("Value error, ")


def _field_error(where: str, error: ErrorDetails, given: Any) -> Mapping[str, str]:
    """Without what was sent: a password must not come back in a problem."""
    detail = told(error)
    if where == "query":
        return {"parameter": ".".join(map(str, _place(error, given))), "detail": detail}
    return {"pointer": pointer(error, given), "detail": detail}


def pointer(error: ErrorDetails, given: Any) -> str:
    """Where in the document the error is, by RFC 6901."""
    return "".join(f"/{_escape(part)}" for part in _place(error, given))


def _place(error: ErrorDetails, given: Any) -> list[int | str]:
    """Where in the document the error is. pydantic also names the branches of its own types, which
    are nowhere in it."""
    place: list[int | str] = []
    last = len(error["loc"]) - 1
    for number, part in enumerate(error["loc"]):
        try:
            given = given[part]
        except (LookupError, TypeError):
            if number == last and error["type"] == "missing":
                place.append(part)
        else:
            place.append(part)
    return place


def _escape(part: int | str) -> str:
    escaped = str(part).replace("~", "~0").replace("/", "~1")
    return escaped.encode("utf-8", "replace").decode()


def responses(codes: Iterable[Code]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI side: each status with the codes it can mean."""
    by_status: dict[int | str, list[Code]] = {}
    for code in codes:
        by_status.setdefault(STATUS[code.kind], []).append(code)
    return {
        status: {
            "description": " · ".join(f"`{code.word}`: {code.title}" for code in meant),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status, meant in sorted(by_status.items(), key=lambda item: int(item[0]))
    }
