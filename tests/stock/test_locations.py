"""Locations: opened, renamed, ranked, closed when nothing lies there, and opened again."""

import asyncio
from typing import Any

import pytest

from tests.builders import Json, Shop, found, problem
from tests.stock.goods import (
    adjust,
    balances,
    broken,
    close,
    events,
    open_location,
    pointers,
    receive,
)

pytestmark = pytest.mark.anyio


async def listed(shop: Shop, **query: Any) -> list[str]:
    answer = await shop.get("/locations/", params=query)
    assert answer.status_code == 200, answer.text
    return [row["code"] for row in answer.json()]


async def edit(shop: Shop, location: Json, **members: Any) -> Json:
    return found(await shop.patch(f"/locations/{location['id']}", members))


async def main_of(shop: Shop) -> Json:
    (main,) = [row for row in (await shop.get("/locations/")).json() if row["code"] == "main"]
    location: Json = main
    return location


async def test_main_is_there_from_the_start(shop: Shop) -> None:
    (main,) = (await shop.get("/locations/")).json()
    assert main.keys() == {"id", "code", "name", "priority", "active"}
    assert (main["id"], main["code"], main["priority"], main["active"]) == (1, "main", 0, True)


async def test_a_new_location_is_open_and_listed_at_once(shop: Shop) -> None:
    assert await listed(shop) == ["main"]  # kept in memory: the new one must make it stale
    annex = await open_location(shop, "annex", name="The annex", priority=3)
    assert annex == {
        "id": annex["id"],
        "code": "annex",
        "name": "The annex",
        "priority": 3,
        "active": True,
    }
    assert (await shop.get("/locations")).json()[1:] == [annex]


async def test_what_is_left_out_is_made_up(shop: Shop) -> None:
    annex = await open_location(shop, "annex")
    assert (annex["name"], annex["priority"]) == ("annex", 0)


@pytest.mark.parametrize("code", ["a", "0", "shelf-7_b", "x" * 64, "9-"])
async def test_a_code_is_made_of_small_letters_digits_and_dashes(shop: Shop, code: str) -> None:
    tea = await shop.product(stock=0)
    assert (await open_location(shop, code))["code"] == code
    assert (await receive(shop, tea, 1, location=code))["location"] == code


@pytest.mark.parametrize(
    "code",
    ["", "A", "Annex", "-a", "_a", "a b", " a", "a ", "a\n", "ä", "a.b", "x" * 65, None, 5, True],
    ids=ascii,
)
async def test_what_is_no_code_is_refused(shared_shop: Shop, code: object) -> None:
    refused = await shared_shop.post("/locations/", {"code": code})
    assert pointers(problem(refused, 422, "validation_error")) == ["/code"]


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 201),
        ("name", "a\x00"),
        ("name", 5),
        ("priority", -1),
        ("priority", 1_000_001),
        ("priority", 1.5),
        ("priority", True),
        ("priority", "1"),
        ("priority", None),
        ("active", False),
        ("id", 7),
    ],
    ids=str,
)
async def test_what_a_location_can_not_be_is_refused(
    shared_shop: Shop, member: str, wrong: object
) -> None:
    refused = await shared_shop.post("/locations/", {"code": "annex", member: wrong})
    assert pointers(problem(refused, 422, "validation_error")) == [f"/{member}"]
    assert await listed(shared_shop) == ["main"]


async def test_a_location_needs_a_code(shared_shop: Shop) -> None:
    refused = await shared_shop.post("/locations/", {"name": "Annex"})
    assert pointers(problem(refused, 422, "validation_error")) == ["/code"]


async def test_a_code_is_taken_once(shop: Shop) -> None:
    first = await open_location(shop, "annex", name="First")
    for code in ("annex", "main"):
        refused = await shop.post("/locations/", {"code": code, "name": "Second"})
        assert problem(refused, 409, "conflict")["location"] == code
    assert (await shop.get("/locations/")).json()[1:] == [first]
    assert len(await events(shop, "location.created")) == 1


async def test_of_two_at_once_one_gets_the_code(shop: Shop) -> None:
    answers = await asyncio.gather(
        *(shop.post("/locations/", {"code": "annex", "name": name}) for name in ("one", "two"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await listed(shop) == ["main", "annex"]


async def test_a_closed_location_keeps_its_code(shop: Shop) -> None:
    await close(shop, await open_location(shop))
    problem(await shop.post("/locations/", {"code": "annex"}), 409, "conflict")


async def test_an_edit_changes_what_it_names_and_nothing_else(shop: Shop) -> None:
    annex = await open_location(shop, "annex", name="Annex", priority=3)
    assert await edit(shop, annex, name=" The annex ") == {**annex, "name": "The annex"}
    assert await edit(shop, annex, priority=1_000_000) == {
        **annex,
        "name": "The annex",
        "priority": 1_000_000,
    }
    both = await edit(shop, annex, name="Annex", priority=0)
    assert both == {**annex, "priority": 0}
    assert (await shop.get("/locations/")).json()[1:] == [both]


async def test_an_edit_that_changes_nothing_is_no_event(shop: Shop) -> None:
    annex = await open_location(shop, "annex", priority=3)
    assert await edit(shop, annex) == annex
    assert await edit(shop, annex, name="annex", priority=3, active=True) == annex
    assert await events(shop, "location.edited") == []


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("name", None),
        ("name", ""),
        ("priority", None),
        ("priority", -1),
        ("active", None),
        ("active", 0),
        ("active", "false"),
        ("code", "other"),
    ],
    ids=str,
)
async def test_what_can_not_be_edited_is_refused(
    shared_shop: Shop, member: str, wrong: object
) -> None:
    before = await main_of(shared_shop)
    refused = await shared_shop.patch("/locations/1", {member: wrong})
    assert pointers(problem(refused, 422, "validation_error")) == [f"/{member}"]
    assert await main_of(shared_shop) == before


async def test_a_location_that_is_not_there_can_not_be_edited(shared_shop: Shop) -> None:
    problem(await shared_shop.patch("/locations/999999", {"priority": 1}), 404, "not_found")


async def test_an_empty_location_is_closed_and_opened_again(shop: Shop) -> None:
    annex, tea = await open_location(shop), await shop.product()
    closed = await close(shop, annex)
    assert closed == {**annex, "active": False}
    body = {"product_id": tea["id"], "quantity": 1, "location": "annex"}
    problem(await shop.post("/stock/receipts", body), 409, "conflict")
    assert await edit(shop, annex, active=True) == annex
    found(await shop.post("/stock/receipts", body), 201)


async def test_a_location_with_stock_stays_open_until_it_is_empty(shop: Shop) -> None:
    annex, tea = await open_location(shop), await shop.product(stock=0)
    await receive(shop, tea, 2, location="annex")
    for _ in range(2):
        refused = await shop.patch(f"/locations/{annex['id']}", {"active": False, "name": "Gone"})
        problem(refused, 409, "conflict")
        assert (await shop.get("/locations/")).json()[1:] == [annex]
        await adjust(shop, tea, location="annex", delta=-1)
    assert (await close(shop, annex))["active"] is False
    assert await balances(shop, tea) == {"main": (0, 0), "annex": (0, 0)}


async def test_stock_that_is_promised_keeps_its_location_open(shop: Shop) -> None:
    annex, tea = await open_location(shop), await shop.product(stock=0)
    await receive(shop, tea, 2, location="annex")
    await shop.confirm(await shop.order((tea, 2)))
    problem(await shop.patch(f"/locations/{annex['id']}", {"active": False}), 409, "conflict")


async def test_main_is_never_closed(shop: Shop) -> None:
    before = await main_of(shop)
    problem(await shop.patch("/locations/1", {"active": False}), 409, "conflict")
    assert await main_of(shop) == before
    assert await events(shop, "location.edited") == []


async def test_main_has_a_name_and_a_priority_like_any_other(shop: Shop) -> None:
    before = await main_of(shop)
    try:
        changed = await edit(shop, before, name="The shop", priority=7)
        assert changed == {**before, "name": "The shop", "priority": 7}
        assert await main_of(shop) == changed
    finally:
        await edit(shop, before, name=before["name"], priority=before["priority"])


async def test_locations_are_sorted_and_read_a_page_at_a_time(shop: Shop) -> None:
    for code, priority in (("b", 2), ("c", 1), ("a", 2)):
        await open_location(shop, code, priority=priority)
    assert await listed(shop) == ["main", "b", "c", "a"]
    assert await listed(shop, sort="-id") == ["a", "c", "b", "main"]
    assert await listed(shop, sort="priority") == ["main", "c", "b", "a"]
    assert await listed(shop, sort="-code") == ["main", "c", "b", "a"]
    pages, path = [], "/locations/?limit=2&sort=priority"
    while path:
        answer = await shop.get(path)
        pages.append([row["code"] for row in answer.json()])
        path = answer.links.get("next", {}).get("url", "")
    assert pages == [["main", "c"], ["b", "a"]]


async def test_what_can_be_sold_is_the_sum_over_all_locations(shop: Shop) -> None:
    await open_location(shop)
    tea = await shop.product(stock=3)
    await receive(shop, tea, 4, location="annex")
    await shop.confirm(await shop.order((tea, 5)))
    shown = await shop.reload(tea)
    assert (shown["stock_quantity"], shown["on_hand"], shown["reserved"]) == (2, 7, 5)
    assert (await shop.get("/products/")).json() == [shown]
    assert await balances(shop, tea) == {"main": (3, 3), "annex": (4, 2)}


async def test_what_happens_to_a_location_is_an_event(shop: Shop) -> None:
    annex = await open_location(shop, "annex", name="Annex", priority=3)
    await edit(shop, annex, name="The annex", priority=3)
    await edit(shop, annex, priority=4, active=False)
    (created,) = await events(shop, "location.created")
    assert created["data"] == annex
    renamed, closed = await events(shop, "location.edited")
    assert renamed["data"] == {"name": ["Annex", "The annex"]}
    assert closed["data"] == {"priority": [3, 4], "active": [True, False]}
    for event in (created, renamed, closed):
        assert (event["subject_type"], event["subject_id"]) == ("location", annex["id"])
        assert event["actor"] == "user:1"


async def test_goods_on_their_way_and_a_closing_door_never_both_succeed(shop: Shop) -> None:
    tea = await shop.product()
    for number in range(6):
        place = await open_location(shop, f"bay-{number}")
        goods = {"product_id": tea["id"], "quantity": 1, "location": place["code"]}
        closing = shop.patch(f"/locations/{place['id']}", {"active": False})
        coming = shop.post("/stock/receipts", goods)
        both = [closing, coming] if number % 2 else [coming, closing]
        answers = await asyncio.gather(*both)
        assert sum(answer.status_code == 409 for answer in answers) == 1
    assert await broken(shop) == {}
