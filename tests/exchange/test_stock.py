"""Counted stock as files: a level becomes what was counted, where it differs, and nothing else moves."""

import asyncio
from typing import Any

import pytest

from leafcraft.db import Reader
from leafcraft.exchange import exports, imports
from leafcraft.exchange.imports import ROWS_PER_CHUNK
from leafcraft.web.front import Front
from tests.builders import Json, Shop, found, problem, wanted
from tests.exchange.sheets import bring, brought, facts, numbered, refused, sheet, taken

pytestmark = pytest.mark.anyio

COUNTED = ("sku", "on_hand")
PLACED = ("sku", "location", "on_hand")


async def shelves(shop: Shop) -> None:
    """Tea in two places, mint in one, of which 4 are promised."""
    found(await shop.post("/locations/", {"code": "cellar", "name": "Cellar"}), 201)
    tea = await shop.product("Tea", sku="tea", stock=10)
    mint = await shop.product("Mint", sku="mint", stock=10)
    body = {"product_id": tea["id"], "quantity": 5, "location": "cellar"}
    found(await shop.post("/stock/receipts", body), 201)
    await shop.confirm(await shop.order((mint, 4)))


async def levels(shop: Shop) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (row["sku"], row["location"]): (int(row["on_hand"]), int(row["reserved"]))
        for row in await taken(shop, "stock")
    }


async def test_a_level_becomes_what_was_counted_by_an_adjustment(shop: Shop) -> None:
    await shelves(shop)
    content = sheet(PLACED, ("TEA", "", 8), ("tea", "cellar", 6), ("mint", "main", 10))
    told = {"rows": 3, "updated": 2, "unchanged": 1}
    before, moved = await shop.everything(), await shop.movements(limit=500)
    assert await brought(shop, "stock", content, dry_run=True) == told
    assert await shop.everything() == before
    assert await brought(shop, "stock", content) == told
    assert await levels(shop) == {
        ("tea", "main"): (8, 0),
        ("tea", "cellar"): (6, 0),
        ("mint", "main"): (10, 4),
    }
    news = (await shop.movements(limit=500))[len(moved) :]
    shown = [(one["kind"], one["reason"], one["on_hand_delta"], one["actor"]) for one in news]
    assert shown == [("adjustment", "count", -2, "user:1"), ("adjustment", "count", 1, "user:1")]
    assert [fact for fact, _ in (await facts(shop))[-3:]] == [
        *("stock.adjusted", "stock.adjusted", "stock.imported")
    ]


async def test_the_same_count_again_moves_nothing(shop: Shop) -> None:
    await shelves(shop)
    content = sheet(COUNTED, ("tea", 7), ("mint", 5))
    await brought(shop, "stock", content)
    before, noted = await shop.everything(), await facts(shop)
    assert await brought(shop, "stock", content) == {"rows": 2, "unchanged": 2}
    assert await shop.everything() == before
    assert [fact for fact, _ in (await facts(shop))[len(noted) :]] == ["stock.imported"]


async def test_what_is_exported_can_be_counted_on_and_imported(shop: Shop) -> None:
    await shelves(shop)
    answer = await shop.get("/exports/stock")
    assert answer.text.splitlines() == [
        "sku,location,on_hand,reserved,available",
        *("tea,main,10,0,10", "tea,cellar,5,0,5", "mint,main,10,4,6"),
    ]
    assert await brought(shop, "stock", answer.content) == {"rows": 3, "unchanged": 3}
    edited = answer.content.replace(b"mint,main,10,", b"mint,main,4,")
    assert await brought(shop, "stock", edited) == {"rows": 3, "updated": 1, "unchanged": 2}
    assert (await levels(shop))["mint", "main"] == (4, 4)


async def test_what_was_not_counted_stays_as_it_is(shop: Shop) -> None:
    await shelves(shop)
    content = sheet(PLACED, ("tea", "", ""), ("mint", "main", 9))
    assert await brought(shop, "stock", content) == {"rows": 2, "updated": 1, "unchanged": 1}


async def test_a_product_is_counted_where_it_has_never_been(shop: Shop) -> None:
    await shelves(shop)
    nothing = sheet(PLACED, ("mint", "cellar", 0))
    assert await brought(shop, "stock", nothing) == {"rows": 1, "unchanged": 1}
    assert ("mint", "cellar") not in await levels(shop)
    content = sheet(PLACED, ("mint", "cellar", 3))
    assert await brought(shop, "stock", content) == {"rows": 1, "updated": 1}
    assert (await levels(shop))["mint", "cellar"] == (3, 0)


async def test_rows_of_one_level_are_applied_in_their_order(shop: Shop) -> None:
    await shelves(shop)
    content = sheet(COUNTED, ("tea", 1), ("mint", 8), ("TEA", 2), ("tea", 2), ("tea", 1))
    assert await brought(shop, "stock", content) == {"rows": 5, "updated": 4, "unchanged": 1}
    assert (await levels(shop))["tea", "main"] == (1, 0)


WRONG: list[tuple[tuple[Any, ...], str, str]] = [
    (("kettle", "", 1), "sku", "there is no product with this sku"),
    (("tea", "attic", 1), "location", "there is no location with this code"),
    (("tea", "Cellar", 1), "location", "there is no location with this code"),
    (("", "", 1), "sku", "must not be empty"),
    (("tea", "x" * 65, 1), "location", "must have at most 64 characters"),
    (("tea", "", -1), "on_hand", "must be 0 or more"),
    (("tea", "", "1.5"), "on_hand", "must be a whole number"),
    (("tea", "", "many"), "on_hand", "must be a whole number"),
    (("tea", "", 10**15 + 1), "on_hand", "must be 1000000000000000 or less"),
    (("mint", "", 3), "on_hand", "4 are promised to orders"),
    (("tea", ""), "", "has 2 cells, and the header 3"),
]


async def test_a_row_that_is_wrong_is_told_with_its_line_and_column(shop: Shop) -> None:
    await shelves(shop)
    for row, column, detail in WRONG:
        content = sheet(PLACED, ("tea", "", 1), row, ("mint", "", 5))
        assert await refused(shop, "stock", content) == [(3, column, detail)], row
    both = sheet(PLACED, ("kettle", "attic", 1))
    assert [column for _, column, _ in await refused(shop, "stock", both)] == ["sku", "location"]
    header = sheet(("sku", "location"), ("tea", "main"))
    assert await refused(shop, "stock", header) == [(1, "on_hand", "the column is missing")]


async def test_a_location_that_is_closed_keeps_what_it_has(shop: Shop) -> None:
    await shelves(shop)
    places = (await shop.get("/locations/")).json()
    cellar = next(place for place in places if place["code"] == "cellar")
    await brought(shop, "stock", sheet(PLACED, ("tea", "cellar", 0)))
    found(await shop.patch(f"/locations/{cellar['id']}", {"active": False}))
    same = (await shop.get("/exports/stock")).content
    assert await brought(shop, "stock", same) == {"rows": 3, "unchanged": 3}
    told = await refused(shop, "stock", sheet(PLACED, ("tea", "cellar", 6)))
    assert told == [(2, "location", "the location is not active")]


async def test_a_row_that_is_overtaken_is_refused_by_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check and the work somebody confirms an order."""
    await shelves(shop)
    tea = next(one for one in (await shop.get("/products/")).json() if one["sku"] == "tea")
    apply = imports.apply

    async def overtaken(*words: Any, **options: Any) -> Any:
        await shop.confirm(await shop.order((tea, 9)))
        return await apply(*words, **options)

    monkeypatch.setattr(imports, "apply", overtaken)
    content = sheet(COUNTED, ("mint", 5), ("tea", 2), ("mint", 6))
    told = found(await bring(shop, "stock", content))
    assert (told["rows"], told["updated"]) == (3, 2)
    ((line, column),) = [(bad["line"], bad["column"]) for bad in told["refused"]]
    assert (line, column) == (3, "on_hand")
    assert (await levels(shop))["mint", "main"] == (6, 4)
    assert (await levels(shop))["tea", "main"] == (10, 9)


async def test_counts_go_on_beside_orders_and_everything_adds_up(shop: Shop) -> None:
    skus = [f"leaf-{n}" for n in range(ROWS_PER_CHUNK + 20)]
    await brought(shop, "products", numbered(len(skus)))
    first = await brought(shop, "stock", sheet(COUNTED, *((sku, 50) for sku in skus)))
    assert first == {"rows": len(skus), "updated": len(skus)}
    tea = {"id": 1}

    async def sell() -> None:
        for _ in range(5):
            order = found(await shop.post("/orders/", wanted((tea, 1))), 201)
            await shop.patch(f"/orders/{order['id']}/confirm")

    content = sheet(COUNTED, *((sku, 40) for sku in skus))
    counting = asyncio.create_task(bring(shop, "stock", content))
    await asyncio.gather(*(sell() for _ in range(4)))
    assert found(await counting)["updated"] == len(skus)
    assert (await levels(shop))["leaf-0", "main"] == (40, 20)


async def test_the_whole_ledger_is_exported(shop: Shop) -> None:
    await shelves(shop)
    body = {"product_id": 1, "counted": 7, "reason": "lost", "note": 'the "blue" tin, I think'}
    found(await shop.post("/stock/adjustments", body), 201)
    rows = await taken(shop, "movements")
    shown: list[Json] = await shop.movements(limit=500)
    skus = {1: "tea", 2: "mint"}
    assert rows == [
        {
            "id": str(one["id"]),
            "occurred_at": one["occurred_at"],
            "sku": skus[one["product_id"]],
            **{
                name: "" if one[name] is None else str(one[name])
                for name in (
                    *("location", "kind", "on_hand_delta", "reserved_delta", "on_hand_after"),
                    *("reserved_after", "order_id", "reason", "reference", "note", "actor"),
                )
            },
        }
        for one in shown
    ]
    assert rows[-1]["note"] == body["note"]


@pytest.mark.parametrize("count", [499, 500, 501])
async def test_exports_of_stock_have_every_row_once(shop: Shop, count: int) -> None:
    await brought(shop, "products", numbered(count))
    await brought(shop, "stock", sheet(COUNTED, *((f"leaf-{n}", n + 1) for n in range(count))))
    rows = await taken(shop, "stock")
    assert [(row["sku"], row["available"]) for row in rows] == [
        (f"leaf-{n}", str(n + 1)) for n in range(count)
    ]
    assert len({row["id"] for row in await taken(shop, "movements")}) == count


READS = "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%%'"


@pytest.mark.parametrize("database_kind", ["mariadb"])
@pytest.mark.parametrize("sheet_of", [exports.STOCK, exports.MOVEMENTS], ids=lambda one: one.name)
async def test_the_database_reads_no_more_for_a_page_than_is_on_it(
    shop: Shop, sheet_of: exports.Sheet
) -> None:
    rows = exports.ROWS_PER_PAGE * 6
    await brought(shop, "products", numbered(rows))
    await brought(shop, "stock", sheet(COUNTED, *((f"leaf-{n}", 5) for n in range(rows))))
    app = shop.app
    assert isinstance(app, Front)
    currency = app.runtime.currency

    async def load(reader: Reader) -> tuple[int, int]:
        async def reads() -> int:
            return sum(int(count) for _, count in await reader.fetch(READS))

        before = await reads()
        found, _ = await sheet_of.page(reader, currency, (10, 1))
        return len(found), await reads() - before

    shown, read = await app.runtime.database.read(load)
    assert shown == exports.ROWS_PER_PAGE
    assert read < 5 * shown  # the row, its location, its product; and what it costs to ask


async def test_a_retry_with_its_key_counts_once(shop: Shop) -> None:
    await shelves(shop)
    content = sheet(COUNTED, ("tea", 3))
    first = await bring(shop, "stock", content, key="count")
    await brought(shop, "stock", sheet(COUNTED, ("tea", 5)))
    again = await bring(shop, "stock", content, key="count")
    assert (first.content, again.headers["idempotent-replayed"]) == (again.content, "true")
    assert (await levels(shop))["tea", "main"] == (5, 0)
    answer = await bring(shop, "products", content, key="count")
    problem(answer, 422, "idempotency_key_reused")
