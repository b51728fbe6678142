"""With an idempotency key nothing is moved, opened or edited twice."""

import pytest

from tests.builders import Json, Shop, found, problem
from tests.stock.goods import carrying, events, open_location

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "once"}


def bodies(product: Json) -> dict[str, Json]:
    """One of each kind that changes something."""
    return {
        "receipts": {"product_id": product["id"], "quantity": 2},
        "adjustments": {"product_id": product["id"], "delta": -2, "reason": "lost"},
        "transfers": carrying(product, 2),
    }


@pytest.mark.parametrize("verb", ["receipts", "adjustments", "transfers"])
async def test_a_retry_gets_the_first_answer_and_moves_nothing(shop: Shop, verb: str) -> None:
    await open_location(shop)
    tea = await shop.product(stock=5)
    body = bodies(tea)[verb]
    first = await shop.post(f"/stock/{verb}", body, headers=KEY)
    found(first, 201)
    before = await shop.everything()
    again = await shop.post(f"/stock/{verb}", body, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await shop.post(f"/stock/{verb}", [body], headers=KEY)
    problem(other, 422, "idempotency_key_reused")
    assert await shop.everything() == before


@pytest.mark.parametrize("verb", ["adjustments", "transfers"])
async def test_a_refusal_for_want_of_stock_stays_the_answer_to_its_key(
    shop: Shop, verb: str
) -> None:
    await open_location(shop)
    tea = await shop.product(stock=1)
    body = bodies(tea)[verb]
    refused = await shop.post(f"/stock/{verb}", body, headers=KEY)
    problem(refused, 409, "insufficient_stock")
    found(await shop.post("/stock/receipts", {"product_id": tea["id"], "quantity": 1}), 201)
    again = await shop.post(f"/stock/{verb}", body, headers=KEY)
    assert again.content == refused.content
    found(await shop.post(f"/stock/{verb}", body, headers={"Idempotency-Key": "anew"}), 201)


async def test_what_the_caller_can_mend_is_tried_again(shop: Shop) -> None:
    body = {"product_id": 1, "quantity": 2, "location": "annex"}
    refused = await shop.post("/stock/receipts", body, headers=KEY)
    problem(refused, 422, "validation_error")
    await open_location(shop)
    refused = await shop.post("/stock/receipts", body, headers=KEY)
    problem(refused, 422, "product_not_found")
    assert (await shop.product())["id"] == 1
    found(await shop.post("/stock/receipts", body, headers=KEY), 201)


async def test_a_location_is_opened_and_edited_once(shop: Shop) -> None:
    first, again = [
        await shop.post("/locations/", {"code": "annex"}, headers=KEY) for _ in range(2)
    ]
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    path, key = f"/locations/{first.json()['id']}", {"Idempotency-Key": "edit"}
    first = await shop.patch(path, {"name": "The annex"}, headers=key)
    found(await shop.patch(path, {"name": "Something else"}))
    again = await shop.patch(path, {"name": "The annex"}, headers=key)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert (await shop.get("/locations/")).json()[1]["name"] == "Something else"
    assert len(await events(shop, "location.edited")) == 2
