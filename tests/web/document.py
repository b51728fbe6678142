"""Reads the OpenAPI document as a strict client would: an answer that it does not describe is wrong."""

from collections.abc import Iterator
from typing import Any

from httpx2 import Response

from tests.builders import Json

_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def operation_of(document: Json, method: str, path: str) -> Json:
    """The operation that a path belongs to; the most literal template wins."""
    matches = [place for place in document["paths"] if _fits(place, path)]
    place = min(matches, key=lambda template: template.count("{"))
    operation: Json = document["paths"][place][method.lower()]
    return operation


def _fits(template: str, path: str) -> bool:
    parts, wanted = template.strip("/").split("/"), path.strip("/").split("/")
    return len(parts) == len(wanted) and all(
        one == other or one.startswith("{") for one, other in zip(parts, wanted, strict=True)
    )


def undescribed(document: Json, answer: Response) -> list[str]:
    """Everything in an answer that the document does not foresee."""
    request = answer.request
    operation = operation_of(document, request.method, request.url.path)
    described = operation["responses"].get(str(answer.status_code))
    if described is None:
        return [f"{operation['operationId']}: status {answer.status_code}"]
    if "content" not in described:
        return [f"{operation['operationId']}: a body"] if answer.content else []
    content = described["content"].get(answer.headers["content-type"])
    if content is None:
        return [f"{operation['operationId']}: content type {answer.headers['content-type']}"]
    is_json = answer.headers["content-type"].endswith(("/json", "+json"))
    shown = answer.json() if is_json else answer.text
    return list(_mismatches(document, content["schema"], shown, ""))


def _mismatches(document: Json, schema: Json, value: Any, place: str) -> Iterator[str]:
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"][name] if name else schema
    if "anyOf" in schema:
        tries = [list(_mismatches(document, one, value, place)) for one in schema["anyOf"]]
        yield from min(tries, key=len)
    elif "type" not in schema:
        return
    elif not _is(schema["type"], value) or value not in schema.get("enum", [value]):
        yield f"{place}: {value!r} is no {schema['type']} of {schema.get('enum', 'any kind')}"
    elif schema["type"] == "array":
        for number, item in enumerate(value):
            yield from _mismatches(document, schema["items"], item, f"{place}/{number}")
    elif schema["type"] == "object":
        open_ended = name == "Problem" or schema.get("additionalProperties", False)
        yield from _members(document, schema, value, place=place, strict=not open_ended)


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _members(
    document: Json, schema: Json, value: Json, *, place: str, strict: bool
) -> Iterator[str]:
    known = schema.get("properties", {})
    missing = set(schema.get("required", ())) - value.keys()
    yield from (f"{place}/{name}: missing" for name in missing)
    if strict:
        yield from (f"{place}/{name}: not described" for name in value.keys() - known.keys())
    for name in known.keys() & value.keys():
        yield from _mismatches(document, known[name], value[name], f"{place}/{name}")
