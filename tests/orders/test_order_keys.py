"""Idempotency keys: whatever is done to an order a second time with the same key is not done again."""

from typing import Any

import pytest

from tests.builders import Clock, Json, Shop, problem
from tests.orders.acting import all_there_is, confirmed, items, sent
from tests.orders.holding import assert_sound

pytestmark = pytest.mark.anyio

VERBS = [
    ("PATCH", "", {"items": 3}, 200),
    ("PATCH", "", {"items": 99}, 409),
    ("PATCH", "", {"note": "x", "payment_status": "paid"}, 200),
    ("PATCH", "", {"on_hold_reason": "fraud?"}, 200),
    ("POST", "/fulfillments", {}, 201),
    ("POST", "/fulfillments", {"items": 2, "carrier": "DHL"}, 201),
    ("POST", "/fulfillments", {"items": 99}, 409),
    ("POST", "/fulfillments/1/undo", None, 200),
    ("PATCH", "/fulfillments/1", {"carrier": "UPS"}, 200),
    ("POST", "/cancellations", {"items": 1}, 200),
    ("POST", "/cancellations", {"items": 99}, 409),
    ("POST", "/cancel", None, 200),
    ("POST", "/returns", {"items": 1, "disposition": "restock"}, 201),
    ("POST", "/returns", {"items": 1, "disposition": "write_off"}, 201),
    ("POST", "/returns", {"items": 2, "disposition": "restock"}, 409),
    ("POST", "/notes", {"text": "called"}, 201),
]


def body_of(tea: Json, body: Any) -> Any:
    """With so many teas, where a number stands for them."""
    if body and isinstance(body.get("items"), int):
        return {**body, "items": items((tea, body["items"]))}
    return body


@pytest.mark.parametrize(("method", "path", "body", "status"), VERBS, ids=str)
async def test_the_first_answer_is_given_again_and_nothing_is_done(
    still: Shop, clock: Clock, method: str, path: str, body: Any, status: int
) -> None:
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 4))
    await sent(still, order, (tea, 1))
    place, asked = f"/orders/{order['id']}{path}", body_of(tea, body)
    key = {"idempotency-key": "one"}
    first = await still.client.request(method, place, json=asked, headers=key)
    assert first.status_code == status, first.text
    before = await all_there_is(still)
    clock.advance(seconds=60)
    again = await still.client.request(method, place, json=asked, headers=key)
    assert (again.status_code, again.content) == (status, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert await all_there_is(still) == before
    other = await still.post(f"/orders/{order['id']}/notes", {"text": "other"}, headers=key)
    problem(other, 422, "idempotency_key_reused")
    await assert_sound(still, clock)


@pytest.mark.parametrize("verb", ["confirm", "fulfill", "cancel"])
async def test_a_bulk_call_is_answered_again_and_not_done_again(
    still: Shop, clock: Clock, verb: str
) -> None:
    tea = await still.product(stock=9)
    orders = [await still.order((tea, 2)), await confirmed(still, (tea, 3))]
    body, key = {"order_ids": [one["id"] for one in orders]}, {"idempotency-key": "one"}
    first = await still.post(f"/orders/{verb}", body, headers=key)
    before = await all_there_is(still)
    again = await still.post(f"/orders/{verb}", body, headers=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert await all_there_is(still) == before
    await assert_sound(still, clock)
