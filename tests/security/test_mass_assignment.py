"""Bodies that say more than they may, or say it in another type: refused by name, and nothing comes of it.

Everything here is made from the OpenAPI document: a new operation, or a new member, is tried by itself.
"""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.builders import Json, Shop, found, problem
from tests.conftest import KINDS
from tests.security.cast import body_of, everything, furnish, place

pytestmark = pytest.mark.anyio

DOCUMENT: Final[Json] = json.loads((Path(__file__).parents[1] / "web" / "openapi.json").read_text())
INSIDE: Final = (
    *("password_hash", "sessions_since", "digest", "version", "price_minor", "total_minor"),
    *("permissions", "user_id", "is_admin", "locale", "_id", "__proto__", "constructor", "", "id "),
)
"""Members that no answer shows: columns, and what is tried everywhere."""
VALUES: Final[tuple[Any, ...]] = (None, [], {}, True, 1, 10**30, 1.5, "", "text", [None], {"a": 1})

INSTEAD: Final = {"adjust_stock": {"delta"}}
"""Members that are given instead of another that the body has."""

Step = str | int


class Operation(NamedTuple):
    """An operation that takes a JSON body; `listed`: as a list of one."""

    name: str
    method: str
    path: str
    schema: Json
    listed: bool = False

    @property
    def body(self) -> Any:
        """A valid body, different each time."""
        body = body_of(self.name)
        return [body] if self.listed else body

    def __str__(self) -> str:
        return f"{self.name}-list" if self.listed else self.name


class Member(NamedTuple):
    """One place in a body: where it is, and what the document wants there."""

    steps: Sequence[Step]
    schema: Json

    @property
    def pointer(self) -> str:
        return "".join(f"/{step}" for step in self.steps)


def operations() -> list[Operation]:
    """What takes one thing or a list of such things is tried in both ways."""
    found = [
        Operation(operation["operationId"], method, path, content["application/json"]["schema"])
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if "application/json" in (content := operation.get("requestBody", {}).get("content", {}))
    ]
    return [
        *found,
        *(one._replace(listed=True) for one in found if "oneOf" in resolved(one.schema)),
    ]


def shown() -> set[str]:
    """The names of all members of all answers."""
    return {
        name
        for schema in DOCUMENT["components"]["schemas"].values()
        if schema.get("additionalProperties") is not False  # a body
        for name in schema.get("properties", {})
    }


def resolved(schema: Json) -> Json:
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][name] if name else schema


def branch(schema: Json, body: Any) -> Json:
    """What the schema wants of this very body."""
    schema = resolved(schema)
    for one in map(resolved, schema.get("oneOf") or schema.get("anyOf") or ()):
        if is_one(body, {one["type"]}):
            return one
    return schema


def is_free(schema: Json) -> bool:
    """Whether a client may keep there what it likes."""
    return schema.get("type") == "object" and schema.get("additionalProperties") is not False


def objects(schema: Json, body: Any, steps: Sequence[Step] = ()) -> Iterator[Member]:
    """The body itself and every object in it, but for those where everything is welcome."""
    schema = branch(schema, body)
    if is_free(schema):
        return
    if isinstance(body, dict):
        yield Member(steps, schema)
        for name, value in body.items():
            yield from objects(schema["properties"][name], value, (*steps, name))
    elif isinstance(body, list):
        yield from objects(schema["items"], body[0], (*steps, 0))


def members(schema: Json, body: Any, steps: Sequence[Step] = ()) -> Iterator[Member]:
    """The body itself, every member of it, and every item, whatever its type."""
    yield Member(steps, schema)
    schema = branch(schema, body)
    if isinstance(body, dict):
        for name, value in body.items() if "properties" in schema else ():
            yield from members(schema["properties"][name], value, (*steps, name))
    elif isinstance(body, list):
        yield from members(schema["items"], body[0], (*steps, 0))


def types(schema: Json) -> set[str]:
    schema = resolved(schema)
    choice = schema.get("anyOf") or schema.get("oneOf")
    if choice:
        return set[str]().union(*map(types, choice))
    return {schema["type"]}


def is_one(value: Any, kinds: set[str]) -> bool:
    """Whether a value is of one of these JSON types."""
    if isinstance(value, bool):
        return "boolean" in kinds
    fitting = {
        type(None): {"null"},
        int: {"integer", "number"},
        float: {"number"},
        str: {"string"},
        list: {"array"},
        dict: {"object"},
    }
    return bool(fitting[type(value)] & kinds)


def replaced(body: Any, steps: Sequence[Step], value: Any) -> Any:
    """The body with another value at one place."""
    if not steps:
        return value
    changed = deepcopy(body)
    inner = changed
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = value
    return changed


def at(body: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        body = body[step]
    return body


async def pointers(shop: Shop, operation: Operation, body: Any) -> set[str]:
    """What the refusal of a body points at."""
    answer = await shop.client.request(operation.method, place(operation.path), json=body)
    errors = problem(answer, 422, "validation_error")["errors"]
    return {error["pointer"] for error in errors}


ON_BOTH = pytest.mark.parametrize("database_kind", KINDS)
NAMED = pytest.mark.parametrize("operation", operations(), ids=str)


def test_there_is_a_valid_body_for_every_operation_that_takes_one() -> None:
    for operation in operations():
        body = body_of(operation.name)
        assert body is not None, operation.name
        declared = branch(operation.schema, body)["properties"].keys()
        assert body.keys() == declared - INSTEAD.get(operation.name, set()), operation.name


def test_the_names_that_are_tried_are_those_that_matter() -> None:
    names = {"id", "status", "total_amount", "unit_price", "role", "disabled", "created_at"}
    assert names | {"key", "scopes", "actor", "reserved", "on_hand", "archived"} <= shown()
    assert len(operations()) >= 11


@ON_BOTH
@NAMED
async def test_what_a_body_does_not_declare_is_refused_by_name(
    shop: Shop, operation: Operation
) -> None:
    await furnish(shop)
    before = await everything(shop)
    body = operation.body
    for inside in objects(operation.schema, body):
        for name in sorted((shown() | set(INSIDE)) - inside.schema["properties"].keys()):
            for value in (1, "admin", None):
                added = replaced(body, inside.steps, {**at(body, inside.steps), name: value})
                assert f"{inside.pointer}/{name}" in await pointers(shop, operation, added), name
    assert await everything(shop) == before


@NAMED
async def test_a_value_of_another_type_is_refused_where_it_is(
    shop: Shop, operation: Operation
) -> None:
    await furnish(shop)
    before = await everything(shop)
    body = operation.body
    for member in members(operation.schema, body):
        for value in VALUES:
            if not is_one(value, types(member.schema)):
                told = await pointers(shop, operation, replaced(body, member.steps, value))
                assert told == {member.pointer}, value
    assert await everything(shop) == before


@ON_BOTH
@NAMED
async def test_no_value_of_the_right_type_breaks_anything(shop: Shop, operation: Operation) -> None:
    await furnish(shop)
    method, where = operation.method, place(operation.path)
    for member in members(operation.schema, operation.body):
        for value in (*VALUES, -1, 0, 2**63, 1e300, "\x00", "é" * 3000, "' OR 1=1 --"):
            body = replaced(operation.body, member.steps, value)
            answer = await shop.client.request(method, where, json=body)
            assert answer.status_code < 500, (member.pointer, value, answer.text)


async def test_what_is_sent_to_an_operation_that_takes_no_body_is_not_read(shop: Shop) -> None:
    await furnish(shop)
    given = {"price": 0.01, "total_amount": 0, "status": "Fulfilled", "unit_price": 0, "id": 7}
    archived = found(await shop.post("/products/1/archive", given))
    found(await shop.post("/products/1/unarchive", given))
    confirmed = found(await shop.patch("/orders/1/confirm", given))["order"]
    assert (archived["id"], archived["price"]) == (1, 25.99)
    assert (confirmed["id"], confirmed["status"]) == (1, "Confirmed")
    assert confirmed["total_amount"] == 25.99
