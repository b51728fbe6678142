"""Who ordered: a free object, given back as it came, and bounded in every direction."""

import json
from typing import Any

import pytest
from httpx2 import Response

from tests.builders import Clock, Json, Shop, found, problem, wanted
from tests.orders.acting import confirmed, edit, story, timeline
from tests.orders.holding import assert_sound

pytestmark = pytest.mark.anyio

CHARS_MAX = 16 * 1024
DEPTH_MAX = 8


async def place(shop: Shop, customer: str) -> Response:
    """Asks for an order of a customer that is given as JSON text."""
    product = await shop.product()
    items = json.dumps(wanted((product, 1))["items"])
    body = f'{{"items": {items}, "customer": {customer}}}'
    typed = {"content-type": "application/json"}
    return await shop.client.post("/orders/", content=body, headers=typed)


def customer_of(answer: Response) -> str:
    """The customer as it stands in the answer, to the letter."""
    _, _, rest = answer.text.partition('"customer":')
    return rest.partition(',"note":')[0]


FREE = [
    "{}",
    '{"name":null}',
    '{"name":"Zoë 🍵","company":"Ærø & Søn","email":"Zoe@Example.COM","phone":"+44 (0)20"}',
    '{"vip":true,"since":1843,"score":-0.125,"tags":[],"nothing":null,"":""}',
    '{"metadata":{"weight":1.50,"tiny":1E-400,"large":1.7E+308,"long":0.1234567890123456789}}',
    '{"id":9223372036854775807,"low":-9223372036854775807}',
    '{"addresses":[{"lines":["1 High St\\nLondon\\tW1"]}],"more":[[1,[2]],{"a":[{"b":[]}]}]}',
    '{"addresses":{"billing":{"zip":"0001"}}}',
    '{"model_config":1,"document":2,"__class__":"x","model_fields_set":[],"self":3,"copy":4}',
]


@pytest.mark.parametrize("customer", FREE)
async def test_a_customer_is_given_back_as_it_came(
    still: Shop, clock: Clock, customer: str
) -> None:
    made = await place(still, customer)
    assert made.status_code == 201, made.text
    assert customer_of(made) == customer
    order = made.json()
    assert customer_of(await still.get(f"/orders/{order['id']}")) == customer
    assert customer_of(await still.get("/orders/")) == customer
    await assert_sound(still, clock)


def deep(levels: int, shape: str) -> str:
    """Of so many levels in all, the innermost of them empty."""
    inner = levels - 1
    if shape == "lists":
        return '{"a":' + "[" * inner + "]" * inner + "}"
    return '{"a":' * inner + "{}" + "}" * inner


@pytest.mark.parametrize("shape", ["lists", "objects"])
async def test_a_customer_may_be_nested_so_deep(shared_shop: Shop, shape: str) -> None:
    fits = deep(DEPTH_MAX, shape)
    answer = await place(shared_shop, fits)
    assert answer.status_code == 201, answer.text
    assert customer_of(answer) == fits
    problem(await place(shared_shop, deep(DEPTH_MAX + 1, shape)), 422, "validation_error")


@pytest.mark.parametrize("shape", ["lists", "objects"])
async def test_a_customer_nested_beyond_all_measure_is_refused(
    shared_shop: Shop, shape: str
) -> None:
    answer = await place(shared_shop, deep(20_000, shape))
    assert answer.status_code in {413, 422}, answer.text


def wide(chars: int) -> str:
    return json.dumps({"a": "x" * chars})


async def test_a_customer_may_be_so_large(shared_shop: Shop) -> None:
    fits = await place(shared_shop, wide(CHARS_MAX - 10))
    assert fits.status_code == 201, fits.text
    problem(await place(shared_shop, wide(CHARS_MAX)), 422, "validation_error")
    many = json.dumps({str(n): n for n in range(CHARS_MAX // 4)})
    problem(await place(shared_shop, many), 422, "validation_error")


@pytest.mark.parametrize(
    "customer",
    [
        '{"n":9223372036854775808}',
        '{"n":-9223372036854775809}',
        '{"n":1e400}',
        '{"n":-1e400}',
        '{"n":[{"m":1e999999999999}]}',
        '{"n":' + "9" * 5000 + "}",
        '{"n":NaN}',
        '{"n":Infinity}',
        '{"n":"\\ud800"}',
        '{"\\udfff":1}',
        '{"metadata":{"a":["\\ud800"]}}',
        '{"n":"a\\u0000b"}',
        '{"a\\u0000b":1}',
        '{"n":"\\u001b[31m"}',
        '{"name":"a\\nb"}',
        '{"name":1}',
        '{"name":"' + "x" * 201 + '"}',
        '{"phone":"' + "1" * 65 + '"}',
        '{"email":"nobody"}',
        '{"email":"a b@example.com"}',
        '{"email":["a@example.com"]}',
        "[]",
        '"Ada"',
        "1",
        "true",
    ],
    ids=lambda customer: customer[:30],
)
async def test_what_can_not_be_kept_is_refused(shared_shop: Shop, customer: str) -> None:
    answer = await place(shared_shop, customer)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["code"] in {"validation_error", "malformed_request"}


async def test_a_customer_is_exchanged_as_a_whole_and_taken_away(still: Shop, clock: Clock) -> None:
    order = await confirmed(still, (await still.product(), 1))
    ada: Json = {"name": "Ada", "email": "ada@example.com", "vip": True}
    assert found(await edit(still, order, customer=ada))["customer"] == ada
    assert found(await edit(still, order, note="x"))["customer"] == ada
    bob: Json = {"name": "Bob"}
    assert found(await edit(still, order, customer=bob))["customer"] == bob
    assert found(await edit(still, order, customer=None))["customer"] is None
    told = [one["data"].get("customer") for one in await timeline(still, order)]
    assert [pair for pair in told if pair] == [[None, ada], [ada, bob], [bob, None]]
    await assert_sound(still, clock)


async def test_the_same_customer_again_is_no_change(still: Shop) -> None:
    order = await confirmed(still, (await still.product(), 1))
    ada: Json = {"name": "Ada", "weight": 1.5}
    edited = found(await edit(still, order, customer=ada))
    assert found(await edit(still, order, customer=ada)) == edited
    assert await story(still, order) == ["created", "confirmed", "edited"]


async def test_the_largest_customers_can_be_exchanged(still: Shop, clock: Clock) -> None:
    """The timeline tells of both."""
    order = await confirmed(still, (await still.product(), 1))
    for letter in "xy":
        large: Any = {"a": letter * (CHARS_MAX - 10)}
        assert found(await edit(still, order, customer=large))["customer"] == large
    assert len((await timeline(still, order))[-1]["data"]["customer"]) == 2
    await assert_sound(still, clock)
