"""Corrections by hand: by so many units, or to what was counted."""

import asyncio

import pytest

from tests.builders import Json, Shop, problem
from tests.stock.goods import (
    adjust,
    balances,
    close,
    events,
    open_location,
    pointers,
    receive,
    tamper,
    told,
)

pytestmark = pytest.mark.anyio

LEVEL_MAX = 10**15
REASONS = ("count", "damaged", "lost", "found", "expired", "correction", "other")


def change(product: Json, **members: object) -> Json:
    return {"product_id": product["id"], "reason": "count", **members}


async def refused(shop: Shop, body: Json, code: str, status: int = 409) -> Json:
    """The problem; nothing has changed."""
    before = await shop.everything()
    document = problem(await shop.post("/stock/adjustments", body), status, code)
    assert await shop.everything() == before
    return document


async def test_an_adjustment_by_so_many_units(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    assert told(await adjust(shop, tea, delta=-3)) == ("adjustment", "main", -3, 0, 7)
    assert told(await adjust(shop, tea, delta=5)) == ("adjustment", "main", 5, 0, 12)
    assert await balances(shop, tea) == {"main": (12, 0)}
    assert (await shop.reload(tea))["stock_quantity"] == 12


async def test_an_adjustment_to_what_was_counted(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    assert told(await adjust(shop, tea, counted=4)) == ("adjustment", "main", -6, 0, 4)
    assert told(await adjust(shop, tea, counted=9)) == ("adjustment", "main", 5, 0, 9)
    assert told(await adjust(shop, tea, counted=9)) == ("adjustment", "main", 0, 0, 9)
    assert told(await adjust(shop, tea, counted=0)) == ("adjustment", "main", -9, 0, 0)


async def test_each_location_is_adjusted_for_itself(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    assert told(await adjust(shop, tea, location="annex", delta=2))[1:] == ("annex", 2, 0, 2)
    assert told(await adjust(shop, tea, location="annex", counted=5))[1:] == ("annex", 3, 0, 5)
    assert await balances(shop, tea) == {"main": (10, 0), "annex": (5, 0)}


async def test_a_count_where_nothing_ever_was(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product()
    movement = await adjust(shop, tea, location="annex", counted=3, expected_on_hand=0)
    assert told(movement)[1:] == ("annex", 3, 0, 3)


async def test_a_count_of_what_still_is_as_expected_is_taken(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    movement = await adjust(shop, tea, counted=8, expected_on_hand=10, reason="count")
    assert told(movement) == ("adjustment", "main", -2, 0, 8)


@pytest.mark.parametrize("expected", [0, 9, 11])
async def test_a_count_of_what_has_changed_since_is_refused(shop: Shop, expected: int) -> None:
    tea = await shop.product(stock=10)
    body = change(tea, counted=expected, expected_on_hand=expected)
    assert (await refused(shop, body, "conflict"))["on_hand"] == 10


async def test_of_two_counts_at_once_the_second_has_to_count_again(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    answers = await asyncio.gather(
        *(
            shop.post("/stock/adjustments", change(tea, counted=n, expected_on_hand=10))
            for n in (8, 9)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    left = (await shop.reload(tea))["on_hand"]
    (second,) = [answer for answer in answers if answer.status_code == 409]
    assert problem(second, 409, "conflict")["on_hand"] == left


async def test_what_is_promised_is_never_adjusted_away(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    await shop.confirm(await shop.order((tea, 4)))
    for how in ({"delta": -7}, {"counted": 3}, {"counted": 3, "expected_on_hand": 10}):
        document = await refused(shop, change(tea, **how), "insufficient_stock")
        assert document["shortages"] == [
            {"product_id": tea["id"], "sku": tea["sku"], "requested": 7, "available": 6}
        ]
    assert (await adjust(shop, tea, counted=4))["on_hand_after"] == 4
    assert (await shop.reload(tea))["stock_quantity"] == 0


async def test_what_is_promised_elsewhere_does_not_mind(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=2)
    await receive(shop, tea, 5, location="annex")
    await shop.confirm(await shop.order((tea, 2)))
    assert (await adjust(shop, tea, location="annex", delta=-5))["on_hand_after"] == 0
    body = change(tea, delta=-1)
    (short,) = (await refused(shop, body, "insufficient_stock"))["shortages"]
    assert (short["requested"], short["available"]) == (1, 0)


async def test_more_than_there_is_can_not_be_lost(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=2)
    await refused(shop, change(tea, delta=-3), "insufficient_stock")
    await refused(shop, change(tea, delta=-1, location="annex"), "insufficient_stock")


@pytest.mark.parametrize("reason", REASONS)
async def test_every_reason_is_kept(shop: Shop, reason: str) -> None:
    movement = await adjust(shop, await shop.product(), delta=1, reason=reason)
    assert movement["reason"] == reason
    assert (await shop.movements(kind="adjustment")) == [movement]


async def test_a_note_is_kept_to_the_letter(shop: Shop) -> None:
    note = "Karton naß geworden – 4×; '%s' \\ 🍃" * 20
    movement = await adjust(shop, await shop.product(), delta=-1, reason="damaged", note=note)
    assert movement["note"] == note
    assert (await shop.movements(kind="adjustment")) == [movement]
    longest = await adjust(shop, await shop.product(), delta=1, note="🍃" * 1000)
    assert longest["note"] == "🍃" * 1000


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"delta": 0}, "/delta"),
        ({"delta": 1.5}, "/delta"),
        ({"delta": True}, "/delta"),
        ({"delta": "1"}, "/delta"),
        ({"delta": 1_000_000_001}, "/delta"),
        ({"delta": -1_000_000_001}, "/delta"),
        ({"counted": -1}, "/counted"),
        ({"counted": 1_000_000_001}, "/counted"),
        ({"counted": "1"}, "/counted"),
        ({"counted": 1, "expected_on_hand": -1}, "/expected_on_hand"),
        ({"delta": 1, "counted": 1}, ""),
        ({}, ""),
        ({"delta": None, "counted": None}, ""),
        ({"delta": 1, "expected_on_hand": 10}, ""),
        ({"expected_on_hand": 10}, ""),
        ({"delta": 1, "reason": "fun"}, "/reason"),
        ({"delta": 1, "reason": None}, "/reason"),
        ({"delta": 1, "reason": "Count"}, "/reason"),
        ({"delta": 1, "note": ""}, "/note"),
        ({"delta": 1, "note": "x" * 1001}, "/note"),
        ({"delta": 1, "location": None}, "/location"),
        ({"delta": 1, "reference": "no"}, "/reference"),
    ],
    ids=str,
)
async def test_an_adjustment_that_makes_no_sense_is_refused(
    shared_shop: Shop, members: Json, pointer: str
) -> None:
    body = change(await shared_shop.product(), **members)
    answer = await shared_shop.post("/stock/adjustments", body)
    assert pointers(problem(answer, 422, "validation_error")) == [pointer]


async def test_an_adjustment_needs_a_reason(shared_shop: Shop) -> None:
    body = {"product_id": (await shared_shop.product())["id"], "delta": 1}
    answer = await shared_shop.post("/stock/adjustments", body)
    assert pointers(problem(answer, 422, "validation_error")) == ["/reason"]


async def test_what_is_not_there_can_not_be_adjusted(shop: Shop) -> None:
    await close(shop, await open_location(shop, "shed"))
    tea = await shop.product()
    missing = await refused(shop, change({"id": 999}, delta=1), "product_not_found", 422)
    assert missing["product_ids"] == [999]
    nowhere = change(tea, delta=1, location="nowhere")
    assert pointers(await refused(shop, nowhere, "validation_error", 422)) == ["/location"]
    closed = await refused(shop, change(tea, delta=1, location="shed"), "conflict")
    assert closed["location"] == "shed"


async def test_a_level_holds_so_much_and_no_more(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    await tamper(shop, f"UPDATE stock_levels SET on_hand = {LEVEL_MAX - 1}")
    for how in ({"delta": 2}, {"delta": 1_000_000_000}):
        problem(await shop.post("/stock/adjustments", change(tea, **how)), 409, "conflict")
    assert (await adjust(shop, tea, delta=1))["on_hand_after"] == LEVEL_MAX
    assert (await adjust(shop, tea, counted=7))["on_hand_delta"] == 7 - LEVEL_MAX


async def test_an_adjustment_is_an_event_with_its_reason(shop: Shop) -> None:
    tea = await shop.product(stock=2)
    movement = await adjust(shop, tea, delta=-1, reason="damaged")
    (event,) = await events(shop, "stock.adjusted")
    assert (event["subject_type"], event["subject_id"]) == ("stock", tea["id"])
    assert event["data"] == {
        "reason": "damaged",
        "movements": [
            {"movement_id": movement["id"], "location": "main", "on_hand_delta": -1, "on_hand": 1}
        ],
    }
