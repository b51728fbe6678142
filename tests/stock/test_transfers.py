"""Goods carried from one location to another: what leaves here arrives there."""

import asyncio

import pytest

from tests.builders import Json, Shop, problem
from tests.stock.goods import (
    adjust,
    balances,
    carrying,
    close,
    events,
    open_location,
    pointers,
    receive,
    tamper,
    told,
    transfer,
)

pytestmark = pytest.mark.anyio

LEVEL_MAX = 10**15


async def refused(shop: Shop, body: Json, code: str, status: int = 409) -> Json:
    """The problem; nothing has changed."""
    before = await shop.everything()
    document = problem(await shop.post("/stock/transfers", body), status, code)
    assert await shop.everything() == before
    return document


async def test_what_leaves_here_arrives_there(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    out, into = await transfer(shop, tea, 4)
    assert told(out) == ("transfer_out", "main", -4, 0, 6)
    assert told(into) == ("transfer_in", "annex", 4, 0, 4)
    assert await balances(shop, tea) == {"main": (6, 0), "annex": (4, 0)}
    shown = await shop.reload(tea)
    assert (shown["stock_quantity"], shown["on_hand"]) == (10, 10)


async def test_the_two_halves_know_each_other(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    out, into = await transfer(shop, tea, 4)
    assert (out["counterpart"], into["counterpart"]) == (into["id"], out["id"])
    assert (out["occurred_at"], out["actor"]) == (into["occurred_at"], into["actor"])
    assert await shop.movements(kind="transfer_out") == [out]
    assert await shop.movements(kind="transfer_in") == [into]
    (receipt,) = await shop.movements(kind="receipt")
    assert receipt["counterpart"] is None


async def test_goods_may_go_there_and_back_again(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=3)
    await transfer(shop, tea, 3)
    await transfer(shop, tea, 2, there="annex", here="main")
    assert await balances(shop, tea) == {"main": (2, 0), "annex": (1, 0)}
    moved = [told(row)[:3] for row in await shop.movements(product_id=tea["id"])][1:]
    assert moved == [
        ("transfer_out", "main", -3),
        ("transfer_in", "annex", 3),
        ("transfer_out", "annex", -2),
        ("transfer_in", "main", 2),
    ]


async def test_only_what_is_not_promised_may_leave(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    await shop.confirm(await shop.order((tea, 7)))
    document = await refused(shop, carrying(tea, 4), "insufficient_stock")
    assert document["shortages"] == [
        {"product_id": tea["id"], "sku": tea["sku"], "requested": 4, "available": 3}
    ]
    await transfer(shop, tea, 3)
    assert await balances(shop, tea) == {"main": (7, 7), "annex": (3, 0)}


async def test_what_lies_elsewhere_does_not_count(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=0)
    await receive(shop, tea, 5, location="annex")
    (short,) = (await refused(shop, carrying(tea, 1), "insufficient_stock"))["shortages"]
    assert (short["requested"], short["available"]) == (1, 0)


async def test_nothing_leaves_where_nothing_ever_was(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=5)
    body = carrying(tea, 1, there="annex", here="main")
    await refused(shop, body, "insufficient_stock")
    assert await balances(shop, tea) == {"main": (5, 0)}


async def test_of_two_at_once_one_gets_the_last(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=5)
    answers = await asyncio.gather(
        *(shop.post("/stock/transfers", carrying(tea, 4)) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await balances(shop, tea) == {"main": (1, 0), "annex": (4, 0)}


async def test_what_is_not_there_can_not_be_carried(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product()
    missing = await refused(shop, carrying({"id": 999}, 1), "product_not_found", 422)
    assert missing["product_ids"] == [999]
    nowhere = carrying(tea, 1, here="nowhere")
    assert pointers(await refused(shop, nowhere, "validation_error", 422)) == ["/to_location"]
    nowhere = carrying(tea, 1, there="nowhere")
    assert pointers(await refused(shop, nowhere, "validation_error", 422)) == ["/from_location"]


async def test_nothing_goes_into_a_closed_location_or_comes_from_one(shop: Shop) -> None:
    await close(shop, await open_location(shop))
    tea = await shop.product()
    for places in ({"here": "annex"}, {"there": "annex", "here": "main"}):
        document = await refused(shop, carrying(tea, 1, **places), "conflict")
        assert document["location"] == "annex"


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"to_location": "main"}, ""),
        ({"quantity": 0}, "/quantity"),
        ({"quantity": -1}, "/quantity"),
        ({"quantity": 1.5}, "/quantity"),
        ({"quantity": 1_000_000_001}, "/quantity"),
        ({"from_location": None}, "/from_location"),
        ({"to_location": ""}, "/to_location"),
        ({"to_location": 5}, "/to_location"),
        ({"product_id": 0}, "/product_id"),
        ({"reason": "no"}, "/reason"),
        ({"location": "main"}, "/location"),
    ],
    ids=str,
)
async def test_a_transfer_that_makes_no_sense_is_refused(
    shared_shop: Shop, members: Json, pointer: str
) -> None:
    body = carrying(await shared_shop.product(), 1) | members
    answer = await shared_shop.post("/stock/transfers", body)
    assert pointers(problem(answer, 422, "validation_error")) == [pointer]


@pytest.mark.parametrize("missing", ["product_id", "quantity", "from_location", "to_location"])
async def test_what_is_missing_is_named(shared_shop: Shop, missing: str) -> None:
    body = carrying(await shared_shop.product(), 1)
    del body[missing]
    answer = await shared_shop.post("/stock/transfers", body)
    assert pointers(problem(answer, 422, "validation_error")) == [f"/{missing}"]


async def test_a_level_holds_so_much_and_no_more(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=5)
    await transfer(shop, tea, 1)
    most = f"UPDATE stock_levels SET on_hand = {LEVEL_MAX - 2} WHERE location_id <> 1"
    await tamper(shop, most)
    problem(await shop.post("/stock/transfers", carrying(tea, 3)), 409, "conflict")
    out, into = await transfer(shop, tea, 2)
    assert (out["on_hand_after"], into["on_hand_after"]) == (2, LEVEL_MAX)


async def test_a_transfer_is_one_event_with_both_halves(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=10)
    out, into = await transfer(shop, tea, 4)
    (event,) = await events(shop, "stock.transferred")
    assert (event["subject_type"], event["subject_id"]) == ("stock", tea["id"])
    assert event["data"] == {
        "reason": None,
        "movements": [
            {"movement_id": out["id"], "location": "main", "on_hand_delta": -4, "on_hand": 6},
            {"movement_id": into["id"], "location": "annex", "on_hand_delta": 4, "on_hand": 4},
        ],
    }


async def test_the_ledger_is_filtered_by_the_kinds_and_places_of_what_people_do(shop: Shop) -> None:
    await open_location(shop)
    tea, mint = await shop.product(stock=5), await shop.product(stock=0)
    adjusted = await adjust(shop, tea, delta=-1)
    received = await receive(shop, mint, 2, location="annex")
    out, into = await transfer(shop, tea, 1)
    assert await shop.movements(kind="adjustment") == [adjusted]
    assert await shop.movements(kind="receipt", product_id=mint["id"]) == [received]
    assert await shop.movements(location="annex") == [received, into]
    assert await shop.movements(location="annex", product_id=tea["id"]) == [into]
    assert (await shop.movements(location="main", product_id=tea["id"]))[1:] == [adjusted, out]
