"""Products as files: what is right is applied, and what is wrong is told by its place and changes nothing."""

import asyncio

import pytest

from leafcraft.exchange import imports
from leafcraft.exchange.imports import ROWS_PER_CHUNK
from leafcraft.exchange.rules import BAD_SHOWN_MAX
from tests.builders import Shop, found, open_shop, problem
from tests.conftest import MakeSettings
from tests.exchange.sheets import bring, brought, facts, numbered, refused, sheet, taken

pytestmark = pytest.mark.anyio

PRICED = ("sku", "name", "price")
NEW = "is needed: there is no product with this sku yet"


async def test_rows_become_products(shop: Shop) -> None:
    kettle_row = ("kettle", '"Kettle, ""iron"""', 499.9, "TRUE")
    content = sheet((*PRICED, "archived"), ("GT-1", "Tea", 25.99, ""), kettle_row)
    assert await brought(shop, "products", content) == {"rows": 2, "created": 2}
    tea, kettle = (await shop.get("/products/")).json()
    assert (tea["sku"], tea["name"], tea["price"], tea["archived"]) == ("GT-1", "Tea", 25.99, False)
    assert (kettle["name"], kettle["archived"]) == ('Kettle, "iron"', True)
    assert (tea["on_hand"], await shop.movements()) == (0, [])
    told = await facts(shop)
    assert [fact for fact, _ in told[-4:]] == [
        *("product.created", "product.created", "product.archived", "products.imported")
    ]
    counts = {"rows": 2, "created": 2, "updated": 0, "unchanged": 0, "refused": 0}
    assert told[-1][1] == counts


async def test_a_dry_run_tells_the_same_and_changes_nothing(shop: Shop) -> None:
    await shop.product("Tea", sku="tea", price=1)
    await shop.product("Mint", sku="mint", price=1)
    content = sheet(PRICED, ("tea", "Tea", 1), ("mint", "Mint", 2), ("new", "New", 3))
    before, noted = await shop.everything(), await facts(shop)
    wanted = {"rows": 3, "created": 1, "updated": 1, "unchanged": 1}
    assert await brought(shop, "products", content, dry_run=True) == wanted
    assert (await shop.everything(), await facts(shop)) == (before, noted)
    assert await brought(shop, "products", content) == wanted
    assert await shop.everything() != before


async def test_what_is_absent_or_empty_stays_as_it_is(shop: Shop) -> None:
    tea = await shop.product("Tea", sku="tea", price=1)
    assert await brought(shop, "products", sheet(("sku",), ("tea",))) == {"rows": 1, "unchanged": 1}
    content = sheet((*PRICED, "archived"), ("tea", "", 2, ""))
    assert await brought(shop, "products", content) == {"rows": 1, "updated": 1}
    edited = await shop.reload(tea)
    assert (edited["name"], edited["price"], edited["archived"]) == ("Tea", 2, False)


async def test_reorder_points_come_with_their_products(shop: Shop) -> None:
    header = (*PRICED, "reorder_point", "reorder_quantity")
    content = sheet(header, ("tea", "Tea", 1, 5, 12), ("mint", "Mint", 1, "", ""))
    assert await brought(shop, "products", content) == {"rows": 2, "created": 2}
    changed = sheet(header, ("tea", "", "", 6, ""), ("mint", "", "", "", 10))
    wanted = {"rows": 2, "updated": 2}
    assert await brought(shop, "products", changed, dry_run=True) == wanted
    assert await brought(shop, "products", changed) == wanted
    assert await brought(shop, "products", changed) == {"rows": 2, "unchanged": 2}
    shown = [(one["reorder_point"], one["reorder_quantity"]) for one in await products(shop)]
    assert shown == [(6, 12), (None, 10)]


@pytest.mark.parametrize(
    ("column", "word", "detail"),
    [
        ("reorder_point", "x", "must be a whole number"),
        ("reorder_point", "1.0", "must be a whole number"),
        ("reorder_point", "9" * 19, "must be a whole number"),
        ("reorder_point", "-1", "must be 0 or more"),
        ("reorder_quantity", "0", "must be 1 or more"),
        ("reorder_quantity", "1000000001", "must be 1000000000 or less"),
    ],
)
async def test_a_reorder_point_that_can_be_none_is_refused(
    shared_shop: Shop, column: str, word: str, detail: str
) -> None:
    content = sheet((*PRICED, column), ("a", "A", 1, word))
    assert await refused(shared_shop, "products", content) == [(2, column, detail)]


async def test_a_sku_is_known_in_any_spelling_and_keeps_its_own(shop: Shop) -> None:
    tea = await shop.product("Tea", sku="Café-1", price=1)
    content = sheet(PRICED, ("CAFÉ-1", "Tea", 1), ("cafe\u0301-1", "Tea", 2))
    assert await brought(shop, "products", content) == {"rows": 2, "updated": 1, "unchanged": 1}
    edited = await shop.reload(tea)
    assert (edited["sku"], edited["price"]) == ("Café-1", 2)


async def test_rows_of_one_sku_are_applied_in_their_order(shop: Shop) -> None:
    content = sheet(
        (*PRICED, "archived"),
        *(("a", "A", 1, "true"), ("b", "B", 1, ""), ("A", "A", 2, "false"), ("a", "A", 1, "")),
        *(("b", "B", 1, ""), ("b", "B", 3, ""), ("B", "B", 3, "")),
    )
    told = await brought(shop, "products", content)
    assert told == {"rows": 7, "created": 2, "updated": 3, "unchanged": 2}
    shown = [(one["sku"], one["price"], one["archived"]) for one in await products(shop)]
    assert shown == [("a", 1, False), ("b", 3, False)]


async def products(shop: Shop) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = (await shop.get("/products/")).json()
    return rows


async def test_the_same_file_again_changes_nothing_and_leaves_no_trace(shop: Shop) -> None:
    content = numbered(ROWS_PER_CHUNK + 50)
    count = {"rows": ROWS_PER_CHUNK + 50}
    assert await brought(shop, "products", content) == {**count, "created": count["rows"]}
    before, noted = await shop.everything(), await facts(shop)
    assert await brought(shop, "products", content) == {**count, "unchanged": count["rows"]}
    assert await shop.everything() == before
    more = (await shop.get("/events/", params={"limit": 2})).json()
    assert [event["type"] for event in more][:1] == ["products.imported"]
    assert more[1]["type"] == "products.imported"
    assert len(await facts(shop)) == len(noted) + 1


async def test_what_is_exported_is_imported_again_without_a_change(shop: Shop) -> None:
    await shop.product('Tea, "green"', sku="=1+1", price=499.9)
    await shop.product("  é漢字  ", sku="-x;y", price=0)
    watched = {"reorder_point": 0, "reorder_quantity": 12}
    archived = await shop.product("O'Leaf", sku="a,b", price=10, **watched)
    found(await shop.post(f"/products/{archived['id']}/archive"))
    answer = await shop.get("/exports/products")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="products.csv"'
    rows = await taken(shop, "products")
    assert [row["name"] for row in rows] == ['Tea, "green"', "é漢字", "O'Leaf"]
    assert [row["reorder_point"] for row in rows] == ["", "", "0"]
    before = await shop.everything()
    assert await brought(shop, "products", answer.content, dry_run=True) == {
        "rows": 3,
        "unchanged": 3,
    }
    assert await brought(shop, "products", answer.content) == {"rows": 3, "unchanged": 3}
    assert await shop.everything() == before


@pytest.mark.parametrize("rows", [0, 1, 499, 500, 501, 1203])
async def test_an_export_has_every_row_once(shop: Shop, rows: int) -> None:
    await brought(shop, "products", numbered(rows))
    shown = await taken(shop, "products")
    assert [row["sku"] for row in shown] == [f"leaf-{n}" for n in range(rows)]
    assert all(row["price"] == "12.5" and row["archived"] == "false" for row in shown)


WRONG = [
    (("", "A", 1), "sku", "must not be empty"),
    (("x" * 65, "A", 1), "sku", "must have at most 64 characters"),
    (('"a\nb"', "A", 1), "sku", "must not contain the character U+000A"),
    (("a", "x" * 201, 1), "name", "must have at most 200 characters"),
    (("a", "a\tb", 1), "name", "must not contain the character U+0009"),
    (("a", "", 1), "name", NEW),
    (("a", "A", ""), "price", NEW),
    *(
        (("a", "A", price), "price", "must be a number such as 25.99")
        for price in ("x", "1e3", "NaN", "Infinity", "1_0", "$1", "\uff11", ".5", "5.", "+1", "1 0")
    ),
    (("a", "A", '"1,5"'), "price", "must be a number such as 25.99"),
    (("a", "A", -1), "price", "must be zero or more"),
    (("a", "A", 1.555), "price", "must have at most 2 decimals (USD)"),
    (("a", "A", 10**15), "price", "must be at most 9999999999999.99"),
    (("a", "A", 1, "perhaps"), "", "has 4 cells, and the header 3"),
    (("a", "A"), "", "has 2 cells, and the header 3"),
]


@pytest.mark.parametrize(("row", "column", "detail"), WRONG, ids=lambda value: ascii(value)[:24])
async def test_a_row_that_is_wrong_is_told_with_its_line_and_column(
    shared_shop: Shop, row: tuple[object, ...], column: str, detail: str
) -> None:
    content = sheet(PRICED, ("good-one", "Good", 1), row, ("good-two", "Good", 2))
    assert await refused(shared_shop, "products", content) == [(3, column, detail)]


@pytest.mark.parametrize("word", ["1", "yes", "x"])
async def test_archived_is_true_or_false(shared_shop: Shop, word: str) -> None:
    content = sheet((*PRICED, "archived"), ("a", "A", 1, word))
    told = await refused(shared_shop, "products", content)
    assert told == [(2, "archived", "must be true or false")]


async def test_all_that_is_wrong_is_told_in_the_order_of_the_lines(shop: Shop) -> None:
    content = sheet(PRICED, ("a", "", ""), ("b", "B", "x"), ("", "B", "x"), ("c", "C", 1, 1))
    assert await refused(shop, "products", content) == [
        *((2, "name", NEW), (2, "price", NEW), (3, "price", "must be a number such as 25.99")),
        *((4, "sku", "must not be empty"), (4, "price", "must be a number such as 25.99")),
        (5, "", "has 4 cells, and the header 3"),
    ]
    told = problem(
        await bring(shop, "products", content + b"\xff,\xff,1\n"), 422, "validation_error"
    )
    assert (told["rows"], told["errors_total"]) == (5, 8)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", [(1, "", "the file is empty")]),
        (b"name,price\n", [(1, "sku", "the column is missing")]),
        (b"sku,sku\n", [(1, "sku", "the column is there twice")]),
        (b"sku\n\xff\n", [(2, "sku", "is not UTF-8")]),
        (b"sku\n\x00\n", [(2, "sku", "must not contain the character U+0000")]),
        (b'sku\n"a', [(2, "", "is no CSV: unexpected end of data")]),
    ],
)
async def test_a_file_that_is_none_is_refused(
    shared_shop: Shop, content: bytes, told: list[tuple[int, str, str]]
) -> None:
    assert await refused(shared_shop, "products", content) == told


async def test_of_many_bad_rows_the_first_ones_are_told_and_how_many_there_are(shop: Shop) -> None:
    content = numbered(BAD_SHOWN_MAX + 500, price="x") + b"good,Good,1\n"
    told = problem(await bring(shop, "products", content), 422, "validation_error")
    assert (told["rows"], told["errors_total"]) == (BAD_SHOWN_MAX + 501, BAD_SHOWN_MAX + 500)
    assert [bad["line"] for bad in told["errors"]] == list(range(2, BAD_SHOWN_MAX + 2))
    assert await products(shop) == []


async def test_a_bad_row_far_behind_keeps_the_first_one_out(shop: Shop) -> None:
    content = numbered(ROWS_PER_CHUNK * 3) + b"last,,\n"
    assert [line for line, *_ in await refused(shop, "products", content)] == [602, 602]


@pytest.mark.parametrize("rows", [-1, 0, 1])
async def test_a_chunk_ends_where_another_begins(shop: Shop, rows: int) -> None:
    content = numbered(ROWS_PER_CHUNK + rows)
    again = content + content.partition(b"\r\n")[2].replace(b"12.5", b"13")
    total = ROWS_PER_CHUNK + rows
    assert await brought(shop, "products", content) == {"rows": total, "created": total}
    told = await brought(shop, "products", again)
    assert told == {"rows": 2 * total, "unchanged": total, "updated": total}
    assert {row["price"] for row in await taken(shop, "products")} == {"13.0"}


async def test_prices_are_of_the_shops_currency(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings(currency="JPY")) as shop:
        content = sheet(PRICED, ("a", "A", 12.5))
        assert [c for _, c, _ in await refused(shop, "products", content)] == ["price"]
        await brought(shop, "products", sheet(PRICED, ("a", "A", 1250)))
        assert (await taken(shop, "products"))[0]["price"] == "1250"


# ── keys ─────────────────────────────────────────────────────────────────────


async def test_a_retry_with_its_key_gets_the_first_answer_and_does_nothing(shop: Shop) -> None:
    content = numbered(3)
    first = await bring(shop, "products", content, key="spring")
    tea = (await products(shop))[0]
    found(await shop.patch(f"/products/{tea['id']}", {"price": 99}))
    again = await bring(shop, "products", content, key="spring", dry_run=False)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert (await products(shop))[0]["price"] == 99


async def test_a_key_belongs_to_one_file_and_nothing_of_another_is_applied(shop: Shop) -> None:
    found(await bring(shop, "products", numbered(3), key="spring"))
    before = await shop.everything()
    for content, dry_run in ((numbered(4), False), (numbered(3), True)):
        answer = await bring(shop, "products", content, key="spring", dry_run=dry_run)
        problem(answer, 422, "idempotency_key_reused")
    assert await shop.everything() == before


async def test_a_file_that_was_refused_keeps_no_key(shop: Shop) -> None:
    problem(await bring(shop, "products", b"sku\na\n", key="k"), 422, "validation_error")
    found(await bring(shop, "products", numbered(1), key="k", dry_run=True))
    told = found(await bring(shop, "products", numbered(1), key="k"))
    assert told["created"] == 1


async def test_a_key_that_can_be_none_is_refused_before_anything_is_applied(shop: Shop) -> None:
    problem(await bring(shop, "products", numbered(1), key="x" * 256), 422, "validation_error")
    assert await products(shop) == []


async def test_two_imports_of_one_file_at_once_are_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "ROWS_PER_CHUNK", 7)
    told = await asyncio.gather(
        *(bring(shop, "products", numbered(50), key=key) for key in ("a", "a", "b"))
    )
    assert [answer.status_code for answer in told] == [200, 200, 200]
    assert len(await products(shop)) == 50
    assert told[0].content == told[1].content
    created = [found(answer)["created"] for answer in (told[0], told[2])]
    assert sum(created) <= 50
