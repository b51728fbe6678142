"""Lists: pages by keyset, so that no row comes twice and none is missed while others write."""

import base64
import json
import re

import pytest
from httpx2 import URL, Response

from tests.builders import ADDRESS, Json, Shop, problem

pytestmark = pytest.mark.anyio


def next_page(answer: Response) -> str | None:
    """The address in the Link header, as it stands."""
    link = answer.headers.get("link")
    if link is None:
        return None
    match = re.fullmatch(r'<([^>]+)>; rel="next"', link)
    assert match, link
    return match[1]


async def walk(shop: Shop, path: str) -> list[Json]:
    """All rows, page after page, following the links alone."""
    rows: list[Json] = []
    place: str | None = path
    while place is not None:
        answer = await shop.get(place)
        assert answer.status_code == 200, answer.text
        rows += answer.json()
        place = next_page(answer)
    return rows


async def fill(shop: Shop, count: int) -> list[Json]:
    return [await shop.product(f"Leaf {n:02}", stock=n % 3) for n in range(count)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_pages_of_any_size_together_are_the_whole_list(shop: Shop, limit: int) -> None:
    products = await fill(shop, 7)
    rows = await walk(shop, f"/products/?limit={limit}")
    assert [row["id"] for row in rows] == [product["id"] for product in products]


async def test_the_last_page_has_no_link(shop: Shop) -> None:
    await fill(shop, 2)
    assert next_page(await shop.get("/products/?limit=2")) is None
    assert next_page(await shop.get("/products/?limit=1")) is not None


async def test_the_link_is_a_whole_address_that_keeps_filters_and_order(shop: Shop) -> None:
    await fill(shop, 5)
    link = next_page(await shop.get("/products/?in_stock=true&sort=-name&limit=1"))
    assert link is not None
    assert link.startswith(f"{ADDRESS}/products/?")
    kept = {name: value.lower() for name, value in URL(link).params.items() if name != "cursor"}
    assert kept == {"in_stock": "true", "sort": "-name", "limit": "1"}
    assert [row["name"] for row in await walk(shop, link)] == ["Leaf 02", "Leaf 01"]


async def test_the_link_of_a_list_without_the_slash_can_be_followed(shop: Shop) -> None:
    await fill(shop, 3)
    assert len(await walk(shop, "/products?limit=1")) == 3


@pytest.mark.parametrize(
    ("path", "sorts"),
    [
        ("/products/", ["id", "-id", "created_at", "-created_at", "name", "-name"]),
        ("/orders/", ["id", "-id", "created_at", "-created_at"]),
        ("/stock/movements", ["id", "-id", "occurred_at", "-occurred_at"]),
        ("/stock/levels", ["product_id", "-product_id"]),
    ],
)
async def test_every_order_goes_through_every_row_once(
    shop: Shop, path: str, sorts: list[str]
) -> None:
    for product in await fill(shop, 5):
        await shop.order((product, 1))
    whole = (await shop.get(path)).json()
    for sort in sorts:
        rows = await walk(shop, f"{path}?limit=2&sort={sort}")
        column = sort.removeprefix("-")
        values = [row[column] for row in rows]
        assert values == sorted(values, reverse=sort.startswith("-"))
        assert sorted(map(str, rows)) == sorted(map(str, whole))


async def test_rows_written_meanwhile_repeat_and_hide_nothing(shop: Shop) -> None:
    before = await fill(shop, 6)
    rows: list[Json] = []
    place: str | None = "/products/?limit=2&sort=-id"
    while place is not None:
        answer = await shop.get(place)
        rows += answer.json()
        place = next_page(answer)
        await shop.product()
    assert [row["id"] for row in rows] == [product["id"] for product in reversed(before)]


async def test_rows_with_equal_names_are_told_apart_by_their_ids(shop: Shop) -> None:
    for n in range(5):
        await shop.product("Same", sku=f"same-{n}")
    rows = await walk(shop, "/products/?limit=2&sort=name")
    assert [row["sku"] for row in rows] == [f"same-{n}" for n in range(5)]


async def cursor_of(shop: Shop, query: str) -> str:
    link = next_page(await shop.get(query))
    assert link is not None
    return link.rpartition("cursor=")[2]


@pytest.mark.parametrize(
    "other",
    [
        "/orders/?limit=1",
        "/products/?limit=1&sort=-id",
        "/products/?limit=1&in_stock=true",
        "/stock/movements?limit=1",
        "/products/?limit=1&q=leaf",
    ],
)
async def test_a_cursor_of_another_list_is_refused(shop: Shop, other: str) -> None:
    for product in await fill(shop, 3):
        await shop.order((product, 1))
    cursor = await cursor_of(shop, "/products/?limit=1")
    body = problem(await shop.get(f"{other}&cursor={cursor}"), 422, "validation_error")
    assert [error["parameter"] for error in body["errors"]] == ["cursor"]


async def test_a_cursor_fits_its_list_with_another_page_size(shop: Shop) -> None:
    await fill(shop, 4)
    cursor = await cursor_of(shop, "/products/?limit=1")
    answer = await shop.get(f"/products/?limit=500&cursor={cursor}")
    assert [row["name"] for row in answer.json()] == ["Leaf 01", "Leaf 02", "Leaf 03"]


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "garbage", ["", "x", "!!!!", "%00", "é", "A" * 1024, encoded([]), encoded(["a", 1, 2]), "e30"]
)
async def test_a_garbage_cursor_is_refused(shared_shop: Shop, garbage: str) -> None:
    answer = await shared_shop.get("/products/", params={"cursor": garbage})
    problem(answer, 422, "validation_error")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("zzz", 1),
        (1, "x"),
        (None, 1),
        (1.5, 1),
        ([1], 1),
        (2**63, 1),
        (1, 2**63),
        (10**19, -1),
        (True, 1),
        (1, True),
    ],
)
async def test_a_forged_cursor_breaks_nothing(
    shared_shop: Shop, value: object, key: object
) -> None:
    for _ in range(2):
        await shared_shop.product()
    true_one = await cursor_of(shared_shop, "/products/?limit=1")
    kind = json.loads(base64.urlsafe_b64decode(true_one + "=" * (-len(true_one) % 4)))[0]
    answer = await shared_shop.get(f"/products/?limit=1&cursor={encoded([kind, value, key])}")
    assert answer.status_code in {200, 422}


@pytest.mark.parametrize("limit", ["0", "-1", "501", "abc", "1.5", "", "1e2", "9" * 5000, "true"])
async def test_a_limit_outside_its_bounds_is_refused(shared_shop: Shop, limit: str) -> None:
    problem(await shared_shop.get(f"/products/?limit={limit}"), 422, "validation_error")


@pytest.mark.parametrize("sort", ["price", "--id", "id,name", "", "password_hash", "id desc"])
async def test_an_order_that_is_not_offered_is_refused(shared_shop: Shop, sort: str) -> None:
    answer = await shared_shop.get("/products/", params={"sort": sort})
    problem(answer, 422, "validation_error")


async def test_a_host_that_is_none_gets_a_link_without_one(shop: Shop) -> None:
    await fill(shop, 2)
    answer = await shop.get("/products/?limit=1", headers={"host": 'evil.test/"><script>'})
    link = next_page(answer)
    assert link is not None
    assert link.startswith("/products/?")
