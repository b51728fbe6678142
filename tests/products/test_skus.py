"""A sku is one code on every database, however it is spelled."""

import pytest

from tests.builders import Shop, found, problem

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "sku"),
    [
        ("Green Tea Premium", "green-tea-premium"),
        ("  Earl   Grey!! ", "earl-grey"),
        ("Tee & Kräuter", "tee-kräuter"),
        ("緑茶", "緑茶"),
        ("Pu-Erh_2019", "pu-erh-2019"),
        ("\uff26\uff35\uff2c\uff2c Width", "full-width"),
        ("Straße", "strasse"),
    ],
)
async def test_a_sku_is_made_from_the_name(shop: Shop, name: str, sku: str) -> None:
    assert (await shop.product(name))["sku"] == sku


@pytest.mark.parametrize("name", ["🍃🫖", "!!!", "x" * 200, "ﷺ" * 60])
async def test_a_name_without_letters_or_too_long_makes_a_sku_all_the_same(
    shop: Shop, name: str
) -> None:
    sku = (await shop.product(name))["sku"]
    assert 1 <= len(sku) <= 64
    problem(await shop.post("/products/", {"name": name, "price": 1}), 409, "sku_taken")


async def test_two_long_names_with_the_same_beginning_get_two_skus(shop: Shop) -> None:
    first, second = await shop.product("x" * 199 + "a"), await shop.product("x" * 199 + "b")
    assert first["sku"] != second["sku"]


async def test_a_product_created_twice_by_accident_is_refused(shop: Shop) -> None:
    await shop.product("Tea")
    before = await shop.everything()
    answer = await shop.post("/products/", {"name": "Tea", "price": 2, "stock_quantity": 5})
    assert problem(answer, 409, "sku_taken")["sku"] == "tea"
    assert await shop.everything() == before


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("GT-001", "gt-001"),
        ("straße", "STRASSE"),
        ("ÉTÉ", "été"),
        ("ﬁne", "FINE"),
        ("Å", "A\u030a"),
        ("Ω", "ω"),
        ("\uff11\uff12", "12"),
    ],
)
async def test_one_code_in_two_spellings_is_taken(shop: Shop, first: str, second: str) -> None:
    kept = await shop.product(sku=first)
    assert kept["sku"] == first
    answer = await shop.post("/products/", {"name": "Other", "price": 1, "sku": second})
    problem(answer, 409, "sku_taken")
    other = await shop.product()
    answer = await shop.patch(f"/products/{other['id']}", {"sku": second})
    problem(answer, 409, "sku_taken")
    listed = await shop.get("/products/", params={"sku": second})
    assert [row["id"] for row in listed.json()] == [kept["id"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [("ete", "été"), ("a", "ä"), ("n", "ñ"), ("o", "ø"), ("i", "\u0131"), ("a", "a.")],
)
async def test_two_codes_that_look_alike_are_two(shop: Shop, first: str, second: str) -> None:
    one, two = await shop.product(sku=first), await shop.product(sku=second)
    for sku, product in ((first, one), (second, two)):
        listed = await shop.get("/products/", params={"sku": sku})
        assert [row["id"] for row in listed.json()] == [product["id"]]


async def test_a_product_may_spell_its_own_sku_anew(shop: Shop) -> None:
    tea = await shop.product(sku="gt-1")
    assert found(await shop.patch(f"/products/{tea['id']}", {"sku": "GT-1"}))["sku"] == "GT-1"


async def test_a_sku_that_was_given_up_is_free_again(shop: Shop) -> None:
    tea = await shop.product(sku="gt-1")
    found(await shop.patch(f"/products/{tea['id']}", {"sku": "gt-2"}))
    assert (await shop.product(sku="GT-1"))["sku"] == "GT-1"


async def test_an_archived_product_keeps_its_sku(shop: Shop) -> None:
    tea = await shop.product("Tea")
    found(await shop.post(f"/products/{tea['id']}/archive"))
    problem(await shop.post("/products/", {"name": "Tea", "price": 1}), 409, "sku_taken")


@pytest.mark.parametrize("sku", ["", " ", "x" * 65, "ﷺ" * 64, 5, True, ["a"], "a\u0000"], ids=ascii)
async def test_what_is_no_sku_is_refused(shared_shop: Shop, sku: object) -> None:
    answer = await shared_shop.post("/products/", {"name": "Tea", "price": 1, "sku": sku})
    body = problem(answer, 422, "validation_error")
    assert [error["pointer"] for error in body["errors"]] == ["/sku"]
