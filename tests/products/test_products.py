"""Products: created, edited, archived and unarchived, and always shown with the stock they have now."""

import pytest

from tests.builders import Json, Shop, found, problem, wanted

pytestmark = pytest.mark.anyio


async def test_a_new_product_is_shown_with_its_opening_stock(shop: Shop) -> None:
    answer = await shop.post("/products/", {"name": "Tea", "stock_quantity": 10, "price": 25.99})
    product = found(answer, 201)
    told = {"id": 1, "sku": "tea", "name": "Tea", "price": 25.99, "archived": False}
    assert told.items() <= product.items()
    assert stock(product) == (10, 10, 0)
    assert product["created_at"] == product["updated_at"]
    assert product["created_at"].endswith("Z")
    assert answer.headers["location"] == "/products/1"
    assert found(await shop.get("/products/1")) == product


def stock(product: Json) -> tuple[int, int, int]:
    """What can be sold, what is there, what is promised."""
    return product["stock_quantity"], product["on_hand"], product["reserved"]


async def test_without_an_opening_stock_there_is_none(shop: Shop) -> None:
    product = found(await shop.post("/products/", {"name": "Tea", "price": 1}), 201)
    assert stock(product) == (0, 0, 0)


async def test_stock_is_shown_right_after_each_confirmation_and_cancellation(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    order = await shop.order((tea, 4))
    assert stock(await shop.reload(tea)) == (10, 10, 0)
    await shop.confirm(order)
    assert stock(await shop.reload(tea)) == (6, 10, 4)
    await shop.confirm(await shop.order((tea, 6)))
    assert stock(await shop.reload(tea)) == (0, 10, 10)
    await shop.cancel(order)
    assert stock(await shop.reload(tea)) == (4, 10, 6)
    listed = (await shop.get("/products/")).json()
    assert stock(listed[0]) == (4, 10, 6)


@pytest.mark.parametrize(
    "name",
    [
        "Çay",
        "緑茶",
        "شاي أخضر",
        "चाय",
        "👩🏽‍🌾 Farmer's 🍃🫖",
        "e\u0301 is not é",
        "a\u200bzero\u200bwidth",
        "\u202eright to left",
        "'; DROP TABLE products; --",
        "<script>alert(1)</script>",
        "100% _pure_ \\ %s %d {0}",
        "x" * 200,
        "🍃" * 200,
    ],
    ids=lambda name: ascii(name[:12]),
)
async def test_a_name_is_kept_to_the_letter(shared_shop: Shop, name: str) -> None:
    created = found(await shared_shop.post("/products/", {"name": name, "price": 1}), 201)
    assert created["name"] == name
    assert (await shared_shop.reload(created))["name"] == name
    found_by_name = await shared_shop.get("/products/", params={"q": name})
    assert created["id"] in [row["id"] for row in found_by_name.json()]


async def test_a_name_is_trimmed(shop: Shop) -> None:
    assert (await shop.product("  Tea \u3000"))["name"] == "Tea"


@pytest.mark.parametrize("name", ["x" * 201, "", "   ", None, 5, True, ["Tea"], {"a": 1}], ids=str)
async def test_a_name_that_is_none_is_refused(shared_shop: Shop, name: object) -> None:
    answer = await shared_shop.post("/products/", {"name": name, "price": 1})
    body = problem(answer, 422, "validation_error")
    assert [error["pointer"] for error in body["errors"]] == ["/name"]


async def test_what_is_missing_is_named(shared_shop: Shop) -> None:
    body = problem(await shared_shop.post("/products/", {}), 422, "validation_error")
    assert {error["pointer"] for error in body["errors"]} == {"/name", "/price"}


async def test_an_edit_changes_what_it_names_and_nothing_else(shop: Shop) -> None:
    tea = await shop.product("Tea", price=1, stock=7)
    edited = found(await shop.patch(f"/products/{tea['id']}", {"price": 2.5}))
    assert edited == {**tea, "price": 2.5, "updated_at": edited["updated_at"]}
    assert edited["updated_at"] > tea["updated_at"]
    renamed = found(await shop.patch(f"/products/{tea['id']}", {"name": "Leaf", "sku": "L-1"}))
    assert (renamed["name"], renamed["sku"], renamed["price"]) == ("Leaf", "L-1", 2.5)
    assert await shop.reload(tea) == renamed


@pytest.mark.parametrize("body", [{}, {"price": 1}, {"name": "Tea", "sku": "tea"}], ids=str)
async def test_an_edit_that_changes_nothing_leaves_everything_as_it_was(
    shop: Shop, body: Json
) -> None:
    tea = await shop.product("Tea", price=1)
    tag = (await shop.get("/products/1")).headers["etag"]
    assert found(await shop.patch("/products/1", body)) == tea
    assert (await shop.get("/products/1")).headers["etag"] == tag


@pytest.mark.parametrize(
    "body",
    [
        {"stock_quantity": 99},
        {"on_hand": 99},
        {"id": 2},
        {"archived": True},
        {"name": None},
        {"price": None},
        {"sku": None},
        {"name": ""},
        {"price": "1"},
        {"price": 1.001},
        {"sku": ""},
    ],
    ids=str,
)
async def test_what_can_not_be_edited_is_refused(shared_shop: Shop, body: Json) -> None:
    tea = await shared_shop.product()
    problem(await shared_shop.patch(f"/products/{tea['id']}", body), 422, "validation_error")
    assert await shared_shop.reload(tea) == tea


@pytest.mark.parametrize("verb", ["", "/archive", "/unarchive"])
async def test_a_product_that_is_not_there_can_not_be_changed(shared_shop: Shop, verb: str) -> None:
    call = shared_shop.post if verb else shared_shop.patch
    body = None if verb else {"price": 1}
    problem(await call(f"/products/999{verb}", body), 404, "not_found")


async def test_an_archived_product_can_not_be_ordered_until_it_is_unarchived(shop: Shop) -> None:
    tea, mint = await shop.product(), await shop.product()
    archived = found(await shop.post(f"/products/{tea['id']}/archive"))
    assert archived["archived"] is True
    refused = await shop.post("/orders/", wanted((mint, 1), (tea, 1)))
    assert problem(refused, 422, "product_archived")["product_ids"] == [tea["id"]]
    assert (await shop.get("/orders/")).json() == []
    assert found(await shop.post(f"/products/{tea['id']}/unarchive"))["archived"] is False
    await shop.order((tea, 1))


async def test_archiving_twice_is_archiving_once(shop: Shop) -> None:
    tea = await shop.product()
    first = await shop.post(f"/products/{tea['id']}/archive")
    assert (await shop.post(f"/products/{tea['id']}/archive")).content == first.content


async def test_an_order_placed_before_the_product_was_archived_still_lives(shop: Shop) -> None:
    tea = await shop.product(stock=5)
    order = await shop.order((tea, 2))
    await shop.post(f"/products/{tea['id']}/archive")
    assert (await shop.confirm(order))["status"] == "Confirmed"
    assert (await shop.cancel(order))["status"] == "Cancelled"


async def test_old_orders_keep_the_price_they_were_placed_at(shop: Shop) -> None:
    tea = await shop.product(price=1.5)
    old = await shop.order((tea, 2))
    found(await shop.patch(f"/products/{tea['id']}", {"price": 9.99}))
    new = await shop.order((tea, 2))
    assert (old["total_amount"], new["total_amount"]) == (3.0, 19.98)
    kept = await shop.confirm(old)
    assert (kept["total_amount"], kept["items"][0]["unit_price"]) == (3.0, 1.5)
