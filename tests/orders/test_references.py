"""The merchant's own number: unique, so that a storefront that asks twice has one order."""

import asyncio
from collections import Counter

import pytest

from tests.builders import Clock, Json, Shop, found, problem, wanted
from tests.orders.acting import all_there_is, edit, reorder
from tests.orders.holding import assert_sound, ids, stock

pytestmark = pytest.mark.anyio


def named(product: Json, reference: str | None, **members: object) -> Json:
    return {**wanted((product, 1)), "reference": reference, **members}


async def test_a_retry_without_a_key_is_told_of_the_order_there_is(still: Shop) -> None:
    """Whatever has become of the product meanwhile."""
    tea = await still.product()
    order = found(await still.post("/orders/", named(tea, "A-1")), 201)
    found(await still.post(f"/products/{tea['id']}/archive"))
    before = await all_there_is(still)
    for body in (named(tea, "A-1"), named(tea, " A-1 "), named({"id": 99}, "A-1")):
        refusal = problem(await still.post("/orders/", body), 409, "reference_taken")
        assert (refusal["order_id"], refusal["reference"]) == (order["id"], "A-1")
    assert await all_there_is(still) == before


async def test_a_retry_with_its_key_is_answered_with_the_order(still: Shop) -> None:
    tea, key = await still.product(), {"Idempotency-Key": "A-1"}
    first = await still.post("/orders/", named(tea, "A-1"), headers=key)
    again = await still.post("/orders/", named(tea, "A-1"), headers=key)
    assert (again.status_code, again.content) == (201, first.content)


async def test_many_who_ask_at_once_place_one_order_and_are_told_of_it(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=99)
    answers = await asyncio.gather(
        *(still.post("/orders/", named(tea, "A-1", hold_minutes=5)) for _ in range(12))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 11}
    (made,) = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    refused = [problem(one, 409, "reference_taken") for one in answers if one.status_code == 409]
    assert {one["order_id"] for one in refused} == {made}
    assert await stock(still, tea) == (99, 1, 98)
    await assert_sound(still, clock)


async def test_a_reference_twice_in_one_bulk_call_is_one_order(still: Shop, clock: Clock) -> None:
    """One that is refused for another reason leaves it to the next."""
    tea = await still.product(stock=2)
    bodies = [
        named(tea, "A", hold_minutes=5, items=wanted((tea, 3))["items"]),
        named(tea, "A", hold_minutes=5),
        named(tea, "A"),
        named({"id": 99}, "B"),
        named(tea, "B"),
        named(tea, None),
        named(tea, None),
    ]
    results = found(await still.post("/orders/bulk", {"orders": bodies}))["results"]
    codes = [(one["status_code"], one.get("problem", {}).get("code")) for one in results]
    assert codes == [
        (409, "insufficient_stock"),
        (201, None),
        (409, "reference_taken"),
        (422, "product_not_found"),
        *3 * [(201, None)],
    ]
    assert results[2]["problem"]["order_id"] == results[1]["order"]["id"]
    await assert_sound(still, clock)


async def test_an_edit_can_not_take_what_another_order_has(still: Shop, clock: Clock) -> None:
    tea = await still.product()
    first = found(await still.post("/orders/", named(tea, "A")), 201)
    second = found(await still.post("/orders/", named(tea, "B")), 201)
    before = await all_there_is(still)
    refusal = problem(await edit(still, second, reference="A", note="x"), 409, "reference_taken")
    assert refusal["order_id"] == first["id"]
    assert await all_there_is(still) == before
    assert found(await edit(still, first, reference="A")) == first
    await assert_sound(still, clock)


async def test_a_reference_that_was_given_up_is_free(still: Shop, clock: Clock) -> None:
    tea = await still.product()
    first = found(await still.post("/orders/", named(tea, "A")), 201)
    second = found(await still.post("/orders/", named(tea, None)), 201)
    assert found(await edit(still, first, reference="B"))["reference"] == "B"
    assert found(await edit(still, second, reference="A"))["reference"] == "A"
    assert found(await edit(still, first, reference=None))["reference"] is None
    assert await ids(still, "/orders/?reference=A") == [second["id"]]
    assert await ids(still, "/orders/?reference=B") == []
    await assert_sound(still, clock)


async def test_many_orders_that_take_one_reference_at_once_are_one_order(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product()
    orders = [await still.order((tea, 1)) for _ in range(6)]
    answers = await asyncio.gather(*(edit(still, one, reference="A") for one in orders))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    (owner,) = await ids(still, "/orders/?reference=A")
    refused = [problem(one, 409, "reference_taken") for one in answers if one.status_code == 409]
    assert {one["order_id"] for one in refused} == {owner}
    await assert_sound(still, clock)


async def test_an_order_placed_while_another_takes_its_reference_is_the_one_or_the_other(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product()
    order = await still.order((tea, 1))
    answers = await asyncio.gather(
        edit(still, order, reference="A"),
        still.post("/orders/", named(tea, "A")),
        edit(still, order, reference="A"),
        still.post("/orders/", named(tea, "A")),
    )
    assert len(await ids(still, "/orders/?reference=A")) == 1
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    await assert_sound(still, clock)


async def test_references_that_look_alike_are_not_the_same(still: Shop) -> None:
    tea = await still.product()
    alike = ["ab", "AB", "äb", "a b", "a  b", "ß", "ss"]
    for reference in alike:
        found(await still.post("/orders/", named(tea, reference)), 201)
    for n, reference in enumerate(alike, start=1):
        answer = await still.get("/orders/", params={"reference": reference})
        assert [one["id"] for one in answer.json()] == [n]


async def test_a_cancelled_order_keeps_its_reference(still: Shop) -> None:
    tea = await still.product()
    order = found(await still.post("/orders/", named(tea, "A")), 201)
    await still.cancel(order)
    problem(await still.post("/orders/", named(tea, "A")), 409, "reference_taken")
    problem(await reorder(still, order, (tea, 2)), 409, "order_not_editable")


@pytest.mark.parametrize("reference", ["", " ", "x" * 65, "a\nb", "a\u0000b", 1, True, []])
async def test_what_is_no_reference_is_refused(shared_shop: Shop, reference: object) -> None:
    body = {**wanted(({"id": 1}, 1)), "reference": reference}
    problem(await shared_shop.post("/orders/", body), 422, "validation_error")
