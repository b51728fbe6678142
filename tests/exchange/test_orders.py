"""Orders as files: each is placed once, by its reference, whichever of the two formats brought it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from leafcraft.db import Reader, Source
from leafcraft.errors import Code, Refusal
from leafcraft.exchange import exports, imports, order_sheets
from leafcraft.exchange import orders as given_orders
from leafcraft.exchange.formats import Format
from leafcraft.exchange.imports import ROWS_PER_CHUNK
from leafcraft.orders.rules import LINES_MAX
from leafcraft.web.front import Front
from tests.builders import Json, Shop, found, problem
from tests.exchange.sheets import (
    JSONL,
    bring,
    brought,
    documents,
    facts,
    orders,
    refused,
    sheet,
    taken,
)
from tests.exchange.test_transport import crowd

pytestmark = pytest.mark.anyio

NEEDED = ("reference", "sku", "quantity")
Given = Sequence[tuple[str, str, Any]]
Write = Callable[[Given], bytes]


def as_rows(given: Given) -> bytes:
    """(reference, sku, quantity) lines as CSV."""
    return sheet(NEEDED, *given)


def as_documents(given: Given) -> bytes:
    """The same as JSON Lines: lines that follow each other with one reference are one order."""
    made: list[Json] = []
    for reference, sku, quantity in given:
        if not made or made[-1]["reference"] != reference:
            made.append({"reference": reference, "items": []})
        made[-1]["items"].append({"sku": sku, "quantity": quantity})
    return documents(*made)


EACH_WAY = pytest.mark.parametrize("write", [as_rows, as_documents])
ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


async def shelves(shop: Shop) -> None:
    await shop.product("Tea", sku="tea", price=2.5, stock=10)
    await shop.product("Kettle", sku="Kettle-1", price=499.9, stock=5)


@EACH_WAY
async def test_orders_are_placed_pending_at_the_prices_of_now(shop: Shop, write: Write) -> None:
    await shelves(shop)
    content = write([("A-1", "tea", 2), ("A-1", "KETTLE-1", 3), ("A-2", "tea", 1)])
    assert await brought(shop, "orders", content) == {"rows": 2, "created": 2}
    first, second = await orders(shop)
    assert [first[name] for name in ("reference", "status", "total_amount", "expires_at")] == [
        *("A-1", "Pending", 1504.7, None)
    ]
    shown = [(i["line"], i["product_id"], i["quantity"], i["unit_price"]) for i in first["items"]]
    assert shown == [(1, 1, 2, 2.5), (2, 2, 3, 499.9)]
    assert (second["reference"], second["total_amount"]) == ("A-2", 2.5)
    assert {row["reserved"] for row in (await shop.get("/stock/levels")).json()} == {0}
    told = await facts(shop)
    assert [fact for fact, _ in told[-3:]] == ["order.created", "order.created", "orders.imported"]
    counts = {"rows": 2, "created": 2, "updated": 0, "unchanged": 0, "refused": 0}
    assert told[-1][1] == counts


async def test_a_row_tells_who_ordered_and_a_note(shop: Shop) -> None:
    await shelves(shop)
    header = (*NEEDED, "customer_name", "customer_email", "customer_phone", "note")
    content = sheet(
        header,
        ("A-1", "tea", 1, "Ann Ó", "Ann@Example.com", "+1 555", '"Two\nlines, ""please"""'),
        ("A-1", "Kettle-1", 1, "", "Ann@Example.com", "", ""),
        ("A-2", "tea", 1, "", "", "", ""),
    )
    assert await brought(shop, "orders", content) == {"rows": 2, "created": 2}
    ann, nobody = await orders(shop)
    assert ann["customer"] == {"name": "Ann Ó", "email": "Ann@Example.com", "phone": "+1 555"}
    assert ann["note"] == 'Two\nlines, "please"'
    assert (nobody["customer"], nobody["note"]) == (None, None)
    by_mail = await shop.get("/orders/", params={"customer_email": "ann@example.COM"})
    assert [one["id"] for one in by_mail.json()] == [ann["id"]]


async def test_a_document_has_a_customer_as_free_as_the_api_takes_it(shop: Shop) -> None:
    await shelves(shop)
    customer = {"name": "Ann", "company": "Leaf", "vat": [1.50, {"x": None}], "metadata": {"a": 1}}
    order = {"reference": "A-1", "items": [{"product_id": 1, "quantity": 1}], "note": "a\nb"}
    content = documents({**order, "customer": customer})
    assert await brought(shop, "orders", content) == {"rows": 1, "created": 1}
    (shown,) = await orders(shop)
    assert (shown["customer"], shown["note"]) == (customer, "a\nb")


@EACH_WAY
async def test_a_dry_run_tells_the_same_and_changes_nothing(shop: Shop, write: Write) -> None:
    await shelves(shop)
    await brought(shop, "orders", write([("A-1", "tea", 1)]))
    content = write([("A-1", "tea", 1), ("A-2", "tea", 1)])
    before, noted = await shop.everything(), await facts(shop)
    told = {"rows": 2, "created": 1, "unchanged": 1}
    assert await brought(shop, "orders", content, dry_run=True) == told
    assert (await shop.everything(), await facts(shop)) == (before, noted)
    assert await brought(shop, "orders", content) == told


@EACH_WAY
async def test_an_order_that_is_there_stays_as_it_is_whatever_has_become_of_it(
    shop: Shop, write: Write
) -> None:
    await shelves(shop)
    content = write([("A-1", "tea", 2), ("A-2", "tea", 1), ("A-2", "Kettle-1", 1)])
    await brought(shop, "orders", content)
    first, second = await orders(shop)
    await shop.confirm(first)
    await shop.cancel(second)
    found(await shop.patch("/products/1", {"price": 3, "sku": "green-tea"}))
    found(await shop.post("/products/2/archive"))
    before, noted = await shop.everything(), await facts(shop)
    assert await brought(shop, "orders", content) == {"rows": 2, "unchanged": 2}
    assert await shop.everything() == before
    assert [fact for fact, _ in (await facts(shop))[len(noted) :]] == ["orders.imported"]


async def sold(shop: Shop) -> None:
    """Orders in several states, with all that can be said about them."""
    await shelves(shop)
    customer = {"name": "Ann", "email": "ann@example.com", "phone": "1", "more": {"x": [1.25]}}
    items = [{"product_id": 2, "quantity": 1}, {"product_id": 1, "quantity": 3}]
    told = {"reference": "=1+1", "customer": customer, "note": 'a\r\nb, "c"'}
    found(await shop.post("/orders/", {"items": items, **told}), 201)
    found(await shop.post("/orders/", {"items": items[1:], "reference": "é漢字"}), 201)
    found(await shop.post("/orders/", {"items": items, "reference": "A-3", "hold_minutes": 5}), 201)
    await shop.confirm({"id": 1})
    sent = {"items": [{"product_id": 1, "quantity": 2}]}
    found(await shop.post("/orders/1/fulfillments", sent), 201)
    await shop.cancel({"id": 2})
    found(await shop.patch("/orders/1", {"payment_status": "paid", "on_hold_reason": "rain"}))


@pytest.mark.parametrize("way", Format)
async def test_what_is_exported_is_imported_again_without_a_change(shop: Shop, way: Format) -> None:
    await sold(shop)
    answer = await shop.get(f"/exports/orders?format={way}")
    name = f'attachment; filename="orders.{way}"'
    assert answer.headers["content-disposition"] == name
    before = await shop.everything()
    assert await brought(shop, "orders", answer.content) == {"rows": 3, "unchanged": 3}
    assert await shop.everything() == before


async def test_a_document_shows_an_order_as_the_api_does_and_the_skus(shop: Shop) -> None:
    await sold(shop)
    answer = await shop.get("/exports/orders?format=jsonl")
    assert answer.headers["content-type"] == JSONL
    shown = [json.loads(line) for line in answer.content.splitlines()]
    assert [[item.pop("sku") for item in one["items"]] for one in shown] == [
        *(["Kettle-1", "tea"], ["tea"], ["Kettle-1", "tea"])
    ]
    bare = await orders(shop)
    for one in bare:
        for item in one["items"]:
            item.pop("sku", None)
    assert shown == bare
    assert b'"unit_price":499.9,' in answer.content


async def test_a_row_shows_a_line_with_its_order(shop: Shop) -> None:
    await sold(shop)
    answer = await shop.get("/exports/orders")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = await taken(shop, "orders")
    shown = [
        (row["id"], row["line"], row["sku"], row["quantity"], row["reference"]) for row in rows
    ]
    assert shown == [
        ("1", "1", "Kettle-1", "1", "=1+1"),
        ("1", "2", "tea", "3", "=1+1"),
        ("2", "1", "tea", "3", "é漢字"),
        ("3", "1", "Kettle-1", "1", "A-3"),
        ("3", "2", "tea", "3", "A-3"),
    ]
    first, _, third, *_ = rows
    tea = rows[1]
    order = (await orders(shop))[0]
    assert {name: tea[name] for name in ("customer_name", "customer_email", "note")} == {
        "customer_name": "Ann", "customer_email": "ann@example.com", "note": 'a\r\nb, "c"',
    }  # fmt: skip
    assert (tea["status"], tea["fulfilled"], tea["unit_price"]) == ("Confirmed", "2", "2.5")
    assert (tea["payment_status"], tea["on_hold_reason"]) == ("paid", "rain")
    assert (tea["total_amount"], tea["currency"], first["fulfilled"]) == ("507.4", "USD", "0")
    assert (tea["created_at"], tea["confirmed_at"]) == (order["created_at"], order["confirmed_at"])
    assert (third["status"], third["cancelled"], third["customer_name"]) == ("Cancelled", "3", "")


@pytest.mark.parametrize("way", Format)
async def test_of_what_an_export_shows_an_import_takes_only_what_was_ordered(
    shop: Shop, way: Format
) -> None:
    """As in another shop: other ids, other prices, and nothing of it sent or paid."""
    await sold(shop)
    content = (await shop.get(f"/exports/orders?format={way}")).content
    for old, new in ((b"=1+1", b"B-1"), ("é漢字".encode(), b"B-2"), (b"A-3", b"B-3")):
        content = content.replace(old, new)
    content = content.replace(b'"product_id":1,', b'"product_id":77,')
    found(await shop.patch("/products/1", {"price": 3}))
    assert await brought(shop, "orders", content) == {"rows": 3, "created": 3}
    *_, first, second, third = await orders(shop)
    assert [one["status"] for one in (first, second, third)] == ["Pending"] * 3
    assert [one["payment_status"] for one in (first, second, third)] == ["unpaid"] * 3
    assert (first["total_amount"], second["total_amount"]) == (508.9, 9)
    assert (first["on_hold"], third["expires_at"], second["cancelled_at"]) == (False, None, None)
    shown = [(i["line"], i["product_id"], i["quantity"], i["fulfilled"]) for i in first["items"]]
    assert shown == [(1, 2, 1, 0), (2, 1, 3, 0)]
    assert first["note"] == 'a\r\nb, "c"'
    assert first["customer"]["email"] == "ann@example.com"
    if way is Format.JSONL:
        assert first["customer"] == (await orders(shop))[0]["customer"]


async def test_an_order_without_a_reference_goes_out_and_does_not_come_in(shop: Shop) -> None:
    await shelves(shop)
    await shop.order(({"id": 1}, 1))
    await shop.order(({"id": 1}, 1))
    rows = (await shop.get("/exports/orders")).content
    assert await refused(shop, "orders", rows) == [
        (2, "reference", "must not be empty"),
        (3, "reference", "must not be empty"),
    ]
    told = await refused(shop, "orders", (await shop.get("/exports/orders?format=jsonl")).content)
    assert [(line, column) for line, column, _ in told] == [(1, "/reference"), (2, "/reference")]


# ── chunks and pages ─────────────────────────────────────────────────────────


@EACH_WAY
@pytest.mark.parametrize("lines", [ROWS_PER_CHUNK + 1, LINES_MAX])
async def test_an_order_of_many_lines_is_never_torn(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, write: Write, lines: int
) -> None:
    """It begins in one chunk and would end in another; the one it is in is applied as a whole."""
    monkeypatch.setattr(imports, "PATIENCE_SECONDS_MAX", 0)
    await shelves(shop)
    given = [(f"A-{n}", "tea", 1) for n in range(ROWS_PER_CHUNK - 1)]
    given += [("LONG", "tea", n + 1) for n in range(lines)]
    given += [("LAST", "tea", 1)]
    content = write(given)
    with monkeypatch.context() as patch:
        crowd(patch, Refusal(Code.OVERLOADED, "Too many."), after=1, times=9)
        told = problem(await bring(shop, "orders", content), 503, "database_unavailable")
    at = ROWS_PER_CHUNK + (1 if write is as_rows else 0)
    assert told["line"] == at
    *_, last = await orders(shop)
    assert (last["reference"], len(last["items"])) == ("LONG", lines)
    assert [item["quantity"] for item in last["items"]] == list(range(1, lines + 1))
    told = await brought(shop, "orders", content)
    assert told == {"rows": ROWS_PER_CHUNK + 1, "created": 1, "unchanged": ROWS_PER_CHUNK}


@ON_SQLITE
async def test_a_file_of_long_documents_is_worked_on_a_few_at_a_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few they are: what one transaction takes is bounded by bytes, too."""
    monkeypatch.setattr(imports, "CHUNK_BYTES_MAX", 5000)
    await shelves(shop)
    done: list[int] = []
    written = imports._written

    async def counted(writer: Any, kind: Any, command: Any) -> Any:
        done.append(len(command.lines))
        return await written(writer, kind, command)

    monkeypatch.setattr(imports, "_written", counted)
    item = {"items": [{"sku": "tea", "quantity": 1}], "note": "x" * 900}
    content = documents(*({"reference": f"A-{n}", **item} for n in range(30)))
    assert (await brought(shop, "orders", content))["created"] == 30
    assert len(done) > 4
    assert max(done) <= 6


@EACH_WAY
async def test_two_imports_of_one_file_at_once_are_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    monkeypatch.setattr(imports, "ROWS_PER_CHUNK", 7)
    await shelves(shop)
    content = write([(f"A-{n}", "tea", 1) for n in range(40)])
    told = await asyncio.gather(*(bring(shop, "orders", content) for _ in range(3)))
    assert sum(found(answer)["created"] for answer in told) == 40
    assert sum(found(answer)["unchanged"] for answer in told) == 80
    assert [one["reference"] for one in await orders(shop)] == [f"A-{n}" for n in range(40)]


async def test_an_order_that_is_overtaken_is_refused_by_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check and the work somebody archives a product, and places one of the orders."""
    await shelves(shop)
    apply = imports.apply

    async def overtaken(*words: Any, **options: Any) -> Any:
        found(await shop.post("/products/2/archive"))
        body = {"items": [{"product_id": 1, "quantity": 9}], "reference": "A-3"}
        found(await shop.post("/orders/", body), 201)
        return await apply(*words, **options)

    monkeypatch.setattr(imports, "apply", overtaken)
    given = [("A-1", "tea", 1), ("A-2", "tea", 1), ("A-2", "Kettle-1", 1), ("A-3", "tea", 1)]
    told = found(await bring(shop, "orders", as_rows([*given, ("A-4", "tea", 1)])))
    assert [told[name] for name in ("rows", "created", "unchanged")] == [4, 2, 1]
    assert told["refused"] == [{"line": 4, "column": "sku", "detail": "the product is archived"}]
    shown = [(one["reference"], one["items"][0]["quantity"]) for one in await orders(shop)]
    assert shown == [("A-3", 9), ("A-1", 1), ("A-4", 1)]


async def test_an_order_that_another_process_has_just_placed_is_unchanged(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its import looks which references are taken, and the other one commits before it places its own."""
    await shelves(shop)
    found(await bring(shop, "orders", as_rows([("A-1", "tea", 1)])))
    look = given_orders._known

    async def early(source: Source, given: Any) -> Any:
        return await look(source, [one._replace(reference="of nobody") for one in given])

    monkeypatch.setattr(given_orders, "_known", early)
    told = await brought(shop, "orders", as_rows([("A-1", "tea", 1), ("A-2", "tea", 1)]))
    assert told == {"rows": 2, "created": 1, "unchanged": 1}
    assert [one["reference"] for one in await orders(shop)] == ["A-1", "A-2"]


LINES = [[1], [500], [501], [1] * 499, [1] * 500, [1] * 501, [300, 300, 1, 500, 2], [499, 2, 499]]


@ON_SQLITE
@pytest.mark.parametrize("lengths", [[], *LINES], ids=lambda value: str(value)[:20])
async def test_an_export_has_every_order_once_and_whole(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, lengths: list[int]
) -> None:
    monkeypatch.setattr(order_sheets, "LINES_PER_PAGE", 500)
    await shelves(shop)
    items = [
        (f"A-{n}", "tea", 1) for n, length in enumerate(lengths) for _ in range(min(length, 500))
    ]
    await brought(shop, "orders", as_rows(items))
    rows = await taken(shop, "orders")
    assert [(row["reference"], row["sku"], int(row["quantity"])) for row in rows] == items
    shown = (await shop.get("/exports/orders?format=jsonl")).content.splitlines()
    assert [len(json.loads(line)["items"]) for line in shown] == [min(n, 500) for n in lengths]


async def test_what_changes_while_orders_are_exported_repeats_and_hides_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an order is shown as it was at one moment, however many lines it has."""
    monkeypatch.setattr(order_sheets, "LINES_PER_PAGE", 6)
    await shelves(shop)
    given = [(f"A-{n}", "tea", 1) for n in range(5) for _ in range(4)]
    await brought(shop, "orders", as_rows(given))
    app = shop.app
    assert isinstance(app, Front)
    parts = exports.parts(app.runtime, exports.ORDERS[Format.JSONL])
    content = [await anext(parts)]
    for number in (1, 3):
        await shop.cancel({"id": number})
    await brought(shop, "orders", as_rows([("NEW", "tea", 1)]))
    content += [part async for part in parts]
    assert len(content) > 2
    shown = [json.loads(line) for line in b"".join(content).splitlines()]
    assert [one["reference"] for one in shown] == [*(f"A-{n}" for n in range(5)), "NEW"]
    assert [len(one["items"]) for one in shown] == [4] * 5 + [1]
    assert (shown[0]["status"], shown[2]["status"]) == ("Pending", "Cancelled")
    assert {item["cancelled"] for item in shown[2]["items"]} == {1}


READS = "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%%'"


@pytest.mark.parametrize("database_kind", ["mariadb"])
async def test_the_database_reads_no_more_for_a_page_of_orders_than_is_on_it(shop: Shop) -> None:
    await shelves(shop)
    given = [(f"A-{n}", "tea", 1) for n in range(1500) for _ in range(2)]
    await brought(shop, "orders", as_rows(given))
    app = shop.app
    assert isinstance(app, Front)
    currency = app.runtime.currency

    async def load(reader: Reader) -> tuple[int, int]:
        async def reads() -> int:
            return sum(int(count) for _, count in await reader.fetch(READS))

        before = await reads()
        shown, _ = await order_sheets.rows(reader, currency, (100, 100))
        return len(shown), await reads() - before

    shown, read = await app.runtime.database.read(load)
    assert shown == order_sheets.LINES_PER_PAGE
    assert (
        read < 5 * shown
    )  # where its order is, its order, the line itself; and what it costs to ask
