"""`leafcraft verify` names whatever does not add up in the books of stock."""

import pytest

from tests.builders import Json, Shop, found
from tests.stock.goods import (
    adjust,
    broken,
    close,
    open_location,
    receive,
    reverse,
    tamper,
    transfer,
)

pytestmark = pytest.mark.anyio

MOMENTS = "every level's movements are in the order of their moments"
CLOSED = "no closed location holds stock"
LOW = "every product at or below its reorder point is marked low"
ENDS = "no hold ends earlier than its level says"
LINKS = "transfers have two halves, reversals undo exactly"
LEDGER = "every stock level equals the sum of its movements"
BALANCES = "the balances after each movement follow from the one before"


@pytest.fixture
async def books(shop: Shop) -> Shop:
    """A shop in which everything has happened that stock knows of."""
    annex, shed = await open_location(shop), await open_location(shop, "shed")
    await close(shop, shed)
    for point in (2, 5, None):
        tea = await shop.product(stock=10, reorder_point=point, reorder_quantity=4)
        await transfer(shop, tea, 3)
        (await reverse(shop, (await transfer(shop, tea, 1, there="annex", here="main"))[1]))
        await reverse(shop, await adjust(shop, tea, delta=-1))
        await receive(shop, tea, 1, location=annex["code"])
        await shop.confirm(await shop.order((tea, 8)))
    return shop


async def test_books_that_add_up_are_in_order(books: Shop) -> None:
    assert await broken(books) == {}


async def named(shop: Shop, claim: str, *statements: str) -> list[str]:
    """What `verify` says about the claim once the books have been tampered with."""
    await tamper(shop, *statements)
    found_ = await broken(shop)
    assert claim in found_, found_
    return list(found_[claim])


@pytest.mark.parametrize("late", [1, -1])
async def test_a_level_that_does_not_know_its_last_moment(books: Shop, late: int) -> None:
    where = "WHERE product_id = 2 AND location_id = 1"
    (said,) = await named(
        books, MOMENTS, f"UPDATE stock_levels SET moved_at = moved_at + {late} {where}"
    )
    assert said.startswith("product 2 at location 1: movement ")


async def test_a_movement_before_the_one_before_it(books: Shop) -> None:
    (last,) = await books.movements(product_id=1, location="main", sort="-id", limit=1)
    (said,) = await named(
        books,
        MOMENTS,
        f"UPDATE stock_movements SET occurred_at = 5 WHERE id = {last['id']}",
        "UPDATE stock_levels SET moved_at = 5 WHERE product_id = 1 AND location_id = 1",
    )
    assert said.startswith("product 1 at location 1: movement ")
    assert list(await broken(books)) == [MOMENTS]


async def test_stock_in_a_closed_location(books: Shop) -> None:
    said = await named(books, CLOSED, "UPDATE locations SET active = 0 WHERE code = 'annex'")
    assert said == [f"location annex is closed, with 4 of product {n}" for n in (1, 2, 3)]
    assert list(await broken(books)) == [CLOSED]


async def test_products_that_are_low_and_not_marked(books: Shop) -> None:
    low = "UPDATE reorder_points SET low = 0 WHERE product_id = 2"
    (said,) = await named(books, LOW, low)
    assert said == "product 2: 3 available, reorder point 5, marked low: False"
    assert list(await broken(books)) == [LOW]


async def test_products_that_are_marked_and_not_low(books: Shop) -> None:
    said = await named(books, LOW, "UPDATE reorder_points SET low = 1 WHERE product_id <> 2")
    assert said[0] == "product 1: 3 available, reorder point 2, marked low: True"
    assert said[1].startswith("product 3: 3 available, reorder point None")
    assert len(said) == 2


async def test_a_reorder_point_nobody_has_looked_at_since(books: Shop) -> None:
    (said,) = await named(books, LOW, "UPDATE reorder_points SET point = 3 WHERE product_id = 1")
    assert said == "product 1: 3 available, reorder point 3, marked low: False"
    await tamper(books, "UPDATE reorder_points SET point = 2 WHERE product_id = 1")
    assert await broken(books) == {}


async def test_a_hold_that_ends_before_its_level_expects_it(books: Shop) -> None:
    (said, *more) = await named(
        books,
        ENDS,
        "UPDATE reservations SET expires_at = 7000 WHERE product_id = 1 AND location_id = 1",
        "UPDATE stock_levels SET held_until = 7001 WHERE product_id = 1",
    )
    assert said == "product 1 at location 1: held until 7001, but a hold ends at 7000"
    assert more == []


async def test_a_level_may_expect_the_end_of_a_hold_too_early(books: Shop) -> None:
    await tamper(books, "UPDATE stock_levels SET held_until = 7000")
    assert ENDS not in await broken(books)


async def link_of(shop: Shop, kind: str, link: str) -> Json:
    """The last movement of this kind with this link."""
    rows = await shop.movements(kind=kind, sort="-id")
    movement: Json = next(row for row in rows if row[link] is not None)
    return movement


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        ("transfer_out", "counterpart"),
        ("transfer_in", "counterpart"),
        ("adjustment", "reverses"),
        ("adjustment", "reversed_by"),
        ("transfer_in", "reverses"),
    ],
)
async def test_a_link_that_has_no_other_end(books: Shop, kind: str, link: str) -> None:
    row = await link_of(books, kind, link)
    one, other = row["id"], row[link]
    where = f"WHERE movement_id = {one} AND link = '{link}'"
    said = await named(books, LINKS, f"DELETE FROM movement_links {where}")
    back = {"reverses": "reversed_by", "reversed_by": "reverses"}.get(link, link)
    assert said == [f"movement {other} and {one} ({back}) don't match"]


async def test_a_link_to_a_movement_that_is_not_there(books: Shop) -> None:
    row = await link_of(books, "transfer_out", "counterpart")
    where = f"WHERE movement_id = {row['id']} AND link = 'counterpart'"
    said = await named(books, LINKS, f"UPDATE movement_links SET other_id = 999 {where}")
    assert f"movement {row['id']} and 999 (counterpart) don't match" in said


async def test_a_link_of_another_kind(books: Shop) -> None:
    await named(
        books,
        LINKS,
        "UPDATE movement_links SET link = 'reverses' WHERE link = 'counterpart' AND movement_id = 2",
    )


async def test_halves_of_another_size(books: Shop) -> None:
    row = await link_of(books, "transfer_in", "counterpart")
    sql = f"UPDATE stock_movements SET on_hand_delta = on_hand_delta + 1 WHERE id = {row['id']}"
    said = await named(books, LINKS, sql)
    assert f"movement {row['id']} and {row['counterpart']} (counterpart) don't match" in said


async def test_halves_of_other_products(books: Shop) -> None:
    row = await link_of(books, "transfer_in", "counterpart")
    sql = f"UPDATE stock_movements SET product_id = 1 WHERE id = {row['id']}"
    assert len(await named(books, LINKS, sql)) >= 2


async def test_a_half_that_leaves_where_it_should_arrive(books: Shop) -> None:
    (out,) = await books.movements(kind="transfer_out", product_id=3, limit=1)
    sql = "UPDATE stock_movements SET on_hand_delta = -on_hand_delta WHERE id IN ({id}, {counterpart})"
    said = await named(books, LINKS, sql.format(**out))
    assert sorted(said) == sorted(
        f"movement {one} and {other} (counterpart) don't match"
        for one, other in ((out["id"], out["counterpart"]), (out["counterpart"], out["id"]))
    )


async def test_a_reversal_that_undoes_too_little(books: Shop) -> None:
    row = await link_of(books, "adjustment", "reverses")
    sql = f"UPDATE stock_movements SET on_hand_delta = on_hand_delta - 1 WHERE id = {row['id']}"
    said = await named(books, LINKS, sql)
    assert f"movement {row['id']} and {row['reverses']} (reverses) don't match" in said


async def test_a_movement_that_was_rewritten(books: Shop) -> None:
    (out,) = await books.movements(kind="transfer_out", product_id=3, limit=1)
    sql = f"UPDATE stock_movements SET on_hand_delta = -9 WHERE id = {out['id']}"
    (said,) = await named(books, LEDGER, sql)
    assert said.startswith("product 3 at location 1: level on hand ")
    assert {BALANCES, LINKS, LEDGER} == set(await broken(books))


async def test_of_much_that_is_broken_only_some_is_told(shop: Shop) -> None:
    for _ in range(25):
        await shop.product(stock=1, reorder_point=0)
    said = await named(shop, LOW, "UPDATE reorder_points SET low = 1")
    assert len(said) == 20
    assert found(await shop.get("/products/1"))["reorder_point"] == 0
