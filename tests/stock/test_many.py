"""Many receipts, adjustments or transfers in one call, each for itself."""

from typing import Any

import pytest

from tests.builders import Json, Shop, found, problem
from tests.stock.goods import (
    balances,
    carrying,
    close,
    events,
    open_location,
    pointers,
    results,
    told,
)

pytestmark = pytest.mark.anyio

VERBS = ("receipts", "adjustments", "transfers")


def item(verb: str, product: Json, quantity: Any = 1) -> Json:
    """A body for one that takes, brings or carries so much."""
    if verb == "transfers":
        return carrying(product, quantity)
    if verb == "adjustments":
        return {"product_id": product["id"], "delta": quantity, "reason": "found"}
    return {"product_id": product["id"], "quantity": quantity}


async def many(shop: Shop, verb: str, items: list[Json], **options: Any) -> Json:
    return found(await shop.post(f"/stock/{verb}", items, **options))


async def test_results_come_in_the_order_asked_and_no_refusal_stops_the_others(shop: Shop) -> None:
    await close(shop, await open_location(shop, "shed"))
    tea, mint = await shop.product(stock=1), await shop.product(stock=0)
    answer = await many(
        shop,
        "receipts",
        [
            item("receipts", mint, 3),
            item("receipts", {"id": 999}),
            {**item("receipts", tea), "location": "nowhere"},
            {**item("receipts", tea), "location": "shed"},
            {**item("receipts", tea, 2), "reason": "delivery"},
        ],
    )
    assert results(answer) == [
        (201, None),
        (422, "product_not_found"),
        (422, "validation_error"),
        (409, "conflict"),
        (201, None),
    ]
    first, *_, last = answer["results"]
    assert [told(row) for row in first["movements"]] == [("receipt", "main", 3, 0, 3)]
    assert [told(row) for row in last["movements"]] == [("receipt", "main", 2, 0, 3)]
    assert await shop.movements() == [
        *(await shop.movements(limit=1)),
        *first["movements"],
        *last["movements"],
    ]
    assert [event["subject_id"] for event in await events(shop, "stock.received")] == [
        mint["id"],
        tea["id"],
    ]


async def test_a_refusal_is_a_whole_problem(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=1)
    body = [item("transfers", tea, 2), {**item("transfers", tea), "to_location": "nowhere"}]
    answer = await shop.post("/stock/transfers", body)
    short, nowhere = (row["problem"] for row in found(answer)["results"])
    assert short["title"]
    assert short["detail"].endswith(".")
    assert short["type"] == "urn:leafcraft:problem:insufficient_stock"
    for document in (short, nowhere):
        assert document["instance"] == "/stock/transfers"
        assert document["request_id"] == answer.headers["x-request-id"]
    assert short["shortages"] == [
        {"product_id": tea["id"], "sku": tea["sku"], "requested": 2, "available": 1}
    ]
    assert pointers(nowhere) == ["/1/to_location"]


async def test_each_sees_what_those_before_it_did(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=5)
    answer = await many(shop, "transfers", [item("transfers", tea, 2) for _ in range(4)])
    assert [status for status, _ in results(answer)] == [201, 201, 409, 409]
    (short,) = answer["results"][2]["problem"]["shortages"]
    assert (short["requested"], short["available"]) == (2, 1)
    assert await balances(shop, tea) == {"main": (1, 0), "annex": (4, 0)}

    counts: list[Json] = [
        {"product_id": tea["id"], "counted": 7, "expected_on_hand": 1, "reason": "count"},
        {"product_id": tea["id"], "counted": 8, "expected_on_hand": 1, "reason": "count"},
        {"product_id": tea["id"], "counted": 9, "expected_on_hand": 7, "reason": "count"},
        {"product_id": tea["id"], "delta": -10, "reason": "lost"},
        {"product_id": tea["id"], "delta": -9, "reason": "lost"},
    ]
    answer = await many(shop, "adjustments", counts)
    assert [status for status, _ in results(answer)] == [201, 409, 201, 409, 201]
    assert answer["results"][1]["problem"]["on_hand"] == 7
    assert await balances(shop, tea) == {"main": (0, 0), "annex": (4, 0)}


async def test_the_halves_of_each_transfer_belong_together(shop: Shop) -> None:
    await open_location(shop)
    tea, mint = await shop.product(stock=5), await shop.product(stock=5)
    items = [item("transfers", tea, 1), item("transfers", mint, 2), item("transfers", tea, 3)]
    answer = await many(shop, "transfers", items)
    ledger = {row["id"]: row for row in await shop.movements()}
    for row, asked in zip(answer["results"], items, strict=True):
        out, into = row["movements"]
        assert (out["counterpart"], into["counterpart"]) == (into["id"], out["id"])
        assert (out["on_hand_delta"], into["on_hand_delta"]) == (
            -asked["quantity"],
            asked["quantity"],
        )
        assert {out["product_id"], into["product_id"]} == {asked["product_id"]}
        assert (ledger[out["id"]], ledger[into["id"]]) == (out, into)


async def test_a_list_of_one_is_a_list(shop: Shop) -> None:
    answer = await many(shop, "receipts", [item("receipts", await shop.product())])
    assert results(answer) == [(201, None)]


@pytest.mark.parametrize("verb", VERBS)
async def test_all_of_five_hundred_are_done_and_one_more_is_refused(shop: Shop, verb: str) -> None:
    await open_location(shop)
    tea, mint = await shop.product(stock=500), await shop.product(stock=500)
    items = [item(verb, (tea, mint)[n % 2]) for n in range(500)]
    answer = await many(shop, verb, items)
    assert results(answer) == [(201, None)] * 500
    written = [movement for row in answer["results"] for movement in row["movements"]]
    assert [row["product_id"] for row in written[:: len(written) // 500]] == [
        asked["product_id"] for asked in items
    ]
    assert len({row["id"] for row in written}) == len(written)
    last = (await shop.movements(sort="-id", limit=500))[::-1]
    assert written[-500:] == last
    sums = {"receipts": (750, 0), "adjustments": (750, 0), "transfers": (250, 250)}
    for product in (tea, mint):
        found_ = await balances(shop, product)
        assert (found_["main"][0], found_.get("annex", (0, 0))[0]) == sums[verb]
    before = await shop.everything()
    refused = await shop.post(f"/stock/{verb}", [*items, items[0]])
    assert pointers(problem(refused, 422, "validation_error")) == [""]
    assert await shop.everything() == before


@pytest.mark.parametrize("verb", VERBS)
async def test_an_empty_list_is_refused(shared_shop: Shop, verb: str) -> None:
    refused = await shared_shop.post(f"/stock/{verb}", [])
    assert pointers(problem(refused, 422, "validation_error")) == [""]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("body", [None, 1, "x", True, [[]], [None], {"items": []}], ids=str)
async def test_what_is_neither_one_nor_many_is_refused(
    shared_shop: Shop, verb: str, body: object
) -> None:
    problem(await shared_shop.post(f"/stock/{verb}", body), 422, "validation_error")


@pytest.mark.parametrize(
    ("verb", "wrong", "pointer"),
    [
        ("receipts", {"quantity": 0}, "/1/quantity"),
        ("receipts", {"gift": True}, "/1/gift"),
        ("receipts", {"location": "MAIN"}, "/1/location"),
        ("adjustments", {"delta": 0}, "/1/delta"),
        ("adjustments", {"counted": 5}, "/1"),
        ("adjustments", {"reason": "fun"}, "/1/reason"),
        ("transfers", {"to_location": "main"}, "/1"),
        ("transfers", {"product_id": "1"}, "/1/product_id"),
    ],
    ids=str,
)
async def test_one_that_makes_no_sense_is_pointed_at_and_none_is_done(
    shop: Shop, verb: str, wrong: Json, pointer: str
) -> None:
    await open_location(shop)
    tea = await shop.product()
    good = item(verb, tea)
    before = await shop.everything()
    refused = await shop.post(f"/stock/{verb}", [good, good | wrong, good])
    assert pointers(problem(refused, 422, "validation_error")) == [pointer]
    assert await shop.everything() == before


@pytest.mark.parametrize("verb", VERBS)
async def test_one_key_does_many_once(shop: Shop, verb: str) -> None:
    await open_location(shop)
    tea = await shop.product(stock=5)
    items = [item(verb, tea, 3), item(verb, {"id": 999}), item(verb, tea, 2)]
    key = {"Idempotency-Key": "delivery 17"}
    first = await shop.post(f"/stock/{verb}", items, headers=key)
    assert [status for status, _ in results(found(first))] == [201, 422, 201]
    before = await shop.everything()
    again = await shop.post(f"/stock/{verb}", items, headers=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await shop.post(f"/stock/{verb}", items[:1], headers=key)
    problem(other, 422, "idempotency_key_reused")
    assert await shop.everything() == before
