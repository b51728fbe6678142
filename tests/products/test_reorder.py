"""Reorder points: set at creation or later, cleared by null, and versioned with the product."""

import pytest

from tests.builders import Json, Shop, found, problem

pytestmark = pytest.mark.anyio

QUANTITY_MAX = 1_000_000_000


def reorder(product: Json) -> tuple[int | None, int | None]:
    return product["reorder_point"], product["reorder_quantity"]


async def edit(shop: Shop, product: Json, **members: object) -> Json:
    return found(await shop.patch(f"/products/{product['id']}", members))


async def edits(shop: Shop) -> list[Json]:
    """What each edit of a product changed, the oldest first."""
    answer = await shop.get("/events/", params={"type": "product.edited", "sort": "id"})
    return [row["data"] for row in answer.json()]


async def test_a_product_has_no_reorder_point_unless_it_is_given_one(shop: Shop) -> None:
    tea = await shop.product()
    assert reorder(tea) == reorder(await shop.reload(tea)) == (None, None)


@pytest.mark.parametrize(
    ("point", "quantity"), [(5, 12), (0, 1), (None, 12), (5, None), (QUANTITY_MAX, QUANTITY_MAX)]
)
async def test_a_product_is_created_with_a_reorder_point(
    shop: Shop, point: int | None, quantity: int | None
) -> None:
    tea = await shop.product(reorder_point=point, reorder_quantity=quantity)
    assert reorder(tea) == (point, quantity)
    assert await shop.reload(tea) == tea
    assert (await shop.get("/products/")).json() == [tea]


async def test_of_many_products_each_has_its_own(shop: Shop) -> None:
    points = [3, None, 7]
    products = [await shop.product(reorder_point=point, reorder_quantity=2) for point in points]
    assert [reorder(await shop.reload(one))[0] for one in products] == points
    await edit(shop, products[1], reorder_point=5)
    assert [reorder(await shop.reload(one))[0] for one in products] == [3, 5, 7]


async def test_an_edit_sets_one_and_leaves_the_other(shop: Shop) -> None:
    tea = await shop.product("Tea")
    assert reorder(await edit(shop, tea, reorder_point=5)) == (5, None)
    assert reorder(await edit(shop, tea, reorder_quantity=12)) == (5, 12)
    assert reorder(await edit(shop, tea, reorder_point=0)) == (0, 12)
    renamed = await edit(shop, tea, name="Leaf")
    assert (renamed["name"], reorder(renamed)) == ("Leaf", (0, 12))
    assert await shop.reload(tea) == renamed


async def test_null_clears_it(shop: Shop) -> None:
    tea = await shop.product(reorder_point=5, reorder_quantity=12)
    assert reorder(await edit(shop, tea, reorder_point=None)) == (None, 12)
    assert reorder(await edit(shop, tea, reorder_quantity=None)) == (None, None)
    assert reorder(await shop.reload(tea)) == (None, None)
    assert reorder(await edit(shop, tea, reorder_point=1, reorder_quantity=2)) == (1, 2)


@pytest.mark.parametrize(
    "body",
    [
        {"reorder_point": 5},
        {"reorder_quantity": 12},
        {"reorder_point": 5, "reorder_quantity": 12, "name": "Tea"},
        {},
    ],
    ids=str,
)
async def test_an_edit_that_changes_nothing_leaves_everything_as_it_was(
    shop: Shop, body: Json
) -> None:
    tea = await shop.product("Tea", reorder_point=5, reorder_quantity=12)
    tag = (await shop.get("/products/1")).headers["etag"]
    assert await edit(shop, tea, **body) == tea
    assert (await shop.get("/products/1")).headers["etag"] == tag
    assert await edits(shop) == []


async def test_an_edit_of_the_reorder_point_is_a_new_version(shop: Shop) -> None:
    tea = await shop.product(reorder_point=5)
    path = f"/products/{tea['id']}"
    tag = (await shop.get(path)).headers["etag"]
    first = await shop.patch(path, {"reorder_point": 6}, headers={"If-Match": tag})
    assert found(first)["updated_at"] > tea["updated_at"]
    assert first.headers["etag"] != tag
    stale = await shop.patch(path, {"reorder_point": 7}, headers={"If-Match": tag})
    problem(stale, 412, "precondition_failed")
    assert reorder(await shop.reload(tea)) == (6, None)
    newest = {"If-Match": first.headers["etag"]}
    assert reorder(found(await shop.patch(path, {"reorder_point": 7}, headers=newest)))[0] == 7


async def test_an_edit_tells_what_was_and_what_is(shop: Shop) -> None:
    tea = await shop.product("Tea", price=1, reorder_point=5)
    await edit(shop, tea, reorder_point=6)
    await edit(shop, tea, reorder_point=None, reorder_quantity=12)
    await edit(shop, tea, price=2, reorder_quantity=12)
    assert await edits(shop) == [
        {"reorder_point": [5, 6]},
        {"reorder_point": [6, None], "reorder_quantity": [None, 12]},
        {"price_minor": [100, 200]},
    ]


async def test_archiving_keeps_the_reorder_point(shop: Shop) -> None:
    tea = await shop.product(reorder_point=5, reorder_quantity=12)
    archived = found(await shop.post(f"/products/{tea['id']}/archive"))
    assert reorder(archived) == (5, 12)
    assert reorder(await edit(shop, tea, reorder_point=7)) == (7, 12)
    assert reorder(found(await shop.post(f"/products/{tea['id']}/unarchive"))) == (7, 12)
    assert await edits(shop) == [{"reorder_point": [5, 7]}]


async def test_a_refused_edit_leaves_it_as_it_was(shop: Shop) -> None:
    tea = await shop.product(reorder_point=5)
    other = await shop.product(sku="taken")
    body = {"reorder_point": 6, "sku": other["sku"]}
    problem(await shop.patch(f"/products/{tea['id']}", body), 409, "sku_taken")
    assert await shop.reload(tea) == tea
    problem(await shop.patch("/products/999", {"reorder_point": 6}), 404, "not_found")


@pytest.mark.parametrize("member", ["reorder_point", "reorder_quantity"])
@pytest.mark.parametrize("wrong", [-1, 1.5, 1.0, True, "1", [], QUANTITY_MAX + 1], ids=str)
async def test_what_is_no_number_of_units_is_refused(
    shared_shop: Shop, member: str, wrong: object
) -> None:
    tea = await shared_shop.product()
    body = {"name": "Another", "price": 1, member: wrong}
    for answer in (
        await shared_shop.post("/products/", body),
        await shared_shop.patch(f"/products/{tea['id']}", {member: wrong}),
    ):
        errors = problem(answer, 422, "validation_error")["errors"]
        assert [error["pointer"] for error in errors] == [f"/{member}"]


async def test_a_lot_has_at_least_one_unit(shared_shop: Shop) -> None:
    tea = await shared_shop.product()
    answer = await shared_shop.patch(f"/products/{tea['id']}", {"reorder_quantity": 0})
    problem(answer, 422, "validation_error")
