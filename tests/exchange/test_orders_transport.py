"""Files of orders on the wire: what they are is said, who may bring and take them, and what a retry gets."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from leafcraft.accounts.rules import Role
from leafcraft.errors import Code, Refusal
from leafcraft.exchange import exports, imports
from tests.builders import Shop, add, another, found, problem, signed_in
from tests.exchange.sheets import CSV, JSONL, bring, brought, documents, facts, orders
from tests.exchange.test_orders import EACH_WAY, Write, as_documents, as_rows, shelves
from tests.exchange.test_transport import crowd, fail, signed
from tests.security import raw

pytestmark = pytest.mark.anyio

PLACE = "/imports/orders"
ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
ONE = [("A-1", "tea", 1)]


@ON_SQLITE
@pytest.mark.parametrize(
    ("media", "content"),
    [
        ("text/csv", as_rows(ONE)),
        ("Text/CSV; charset=utf-8; header=present", as_rows(ONE)),
        ("application/x-ndjson", as_documents(ONE)),
        ("APPLICATION/X-NDJSON ;charset=UTF-8", as_documents(ONE)),
    ],
)
async def test_what_a_file_is_its_content_type_says(shop: Shop, media: str, content: bytes) -> None:
    await shelves(shop)
    assert found(await bring(shop, "orders", content, media=media))["created"] == 1


@ON_SQLITE
@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/json", "application/x-www-form-urlencoded", "csv"]
)
async def test_a_file_that_does_not_say_what_it_is_is_refused_before_it_is_read(
    shop: Shop, media: str
) -> None:
    parts = endless()
    headers = signed(shop, *([(b"Content-Type", media.encode())] if media else []))
    answer = await raw.ask(shop.app, PLACE, headers, method="POST", parts=parts)
    assert answer.status == 422
    assert b"must be text/csv or application/x-ndjson" in answer.body
    assert b'"parameter":"Content-Type"' in answer.body
    assert await anext(parts) == b"first", "nothing of it was read"


async def endless() -> AsyncIterator[bytes]:
    yield b"first"
    while True:
        yield b"x"


@ON_SQLITE
async def test_where_there_is_no_choice_nobody_has_to_say(shop: Shop) -> None:
    content = b"sku,name,price\ntea,Tea,1\n"
    told = await shop.client.post("/imports/products", content=content)
    assert found(told)["created"] == 1


@ON_SQLITE
async def test_one_format_taken_for_the_other_is_refused(shop: Shop) -> None:
    await shelves(shop)
    for content, media in ((as_rows(ONE), JSONL), (as_documents(ONE), CSV)):
        problem(await bring(shop, "orders", content, media=media), 422, "validation_error")
    assert await orders(shop) == []


@ON_SQLITE
async def test_an_export_is_csv_or_json_lines_and_nothing_else(shop: Shop) -> None:
    for query in ("format=xml", "format=", "format=CSV", "limit=1", "format=csv&format=jsonl"):
        problem(await shop.get(f"/exports/orders?{query}"), 422, "validation_error")
    for query, media in (("", "text/csv; charset=utf-8"), ("?format=jsonl", JSONL)):
        answer = await raw.ask(shop.app, f"/exports/orders{query}", signed(shop), method="HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.all("content-type") == [media]
    assert (await shop.get("/exports/orders?format=jsonl")).content == b""


@pytest.mark.parametrize("role", Role)
async def test_who_may_place_orders_may_import_them_and_who_may_see_them_may_export_them(
    shop: Shop, role: Role
) -> None:
    await shelves(shop)
    await add(shop.settings, "some@example.com", role)
    token = found(await shop.sign_in("some@example.com"))["access_token"]
    async with another(shop, token) as somebody:
        answer = await bring(somebody, "orders", as_rows(ONE))
        if role is Role.VIEWER:
            problem(answer, 403, "forbidden")
        else:
            assert found(answer)["created"] == 1
        assert (await somebody.get("/exports/orders")).status_code == 200
    assert len(await orders(shop)) == (role is not Role.VIEWER)


@pytest.mark.parametrize(
    ("scope", "may"),
    [("orders:write", (200, 403)), ("orders:read", (403, 200)), ("products:write", (403, 403))],
)
@ON_SQLITE
async def test_a_key_may_what_its_scope_says(shop: Shop, scope: str, may: tuple[int, int]) -> None:
    await shelves(shop)
    key = found(await shop.post("/api-keys/", {"name": "till", "scopes": [scope]}), 201)["key"]
    async with another(shop) as machine:
        machine.client.headers.update(signed_in(key))
        told = (await bring(machine, "orders", as_rows(ONE)), await machine.get("/exports/orders"))
    assert tuple(answer.status_code for answer in told) == may


@EACH_WAY
async def test_a_retry_with_its_key_gets_the_first_answer(shop: Shop, write: Write) -> None:
    await shelves(shop)
    first = await bring(shop, "orders", write(ONE), key="spring")
    noted = await facts(shop)
    again = await bring(shop, "orders", write(ONE), key="spring")
    assert found(first)["created"] == 1
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert await facts(shop) == noted


@ON_SQLITE
async def test_the_same_bytes_said_to_be_something_else_are_another_request(shop: Shop) -> None:
    found(await bring(shop, "orders", b"\n", key="k", media=JSONL))
    problem(await bring(shop, "orders", b"\n", key="k", media=CSV), 422, "idempotency_key_reused")


@EACH_WAY
async def test_an_import_that_stops_says_how_far_it_came_and_the_same_file_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    monkeypatch.setattr(imports, "PATIENCE_SECONDS_MAX", 0)
    monkeypatch.setattr(imports, "ROWS_PER_CHUNK", 6)
    await shelves(shop)
    content = write([(f"A-{n}", "tea", m) for n in range(10) for m in (1, 2)])
    with monkeypatch.context() as patch:
        crowd(patch, Refusal(Code.DATABASE_UNAVAILABLE, "Gone."), after=1, times=9)
        told = problem(await bring(shop, "orders", content, key="k"), 503, "database_unavailable")
    assert told["line"] == (6 if write is as_rows else 3)
    assert [one["reference"] for one in await orders(shop)] == ["A-0", "A-1", "A-2"]
    told = found(await bring(shop, "orders", content, key="k"))
    assert (told["created"], told["unchanged"]) == (7, 3)
    shown = [(one["reference"], len(one["items"])) for one in await orders(shop)]
    assert shown == [(f"A-{n}", 2) for n in range(10)]


@ON_SQLITE
@pytest.mark.parametrize("query", ["", "?format=jsonl"])
async def test_an_export_of_orders_that_can_not_begin_is_a_problem(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    fail(monkeypatch, after=0)
    problem(await shop.get(f"/exports/orders{query}"), 503, "database_unavailable")


@ON_SQLITE
@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("products", b"sku,name,price\n" + b"\n" * 2_000_000),
        ("orders", b"reference,sku,quantity\n" + b"A,tea,1\n" * 200_000),
        ("orders", b'{"reference":"A"}\n' + b" \n" * 2_000_000),
    ],
    ids=["blank rows", "one order", "blank lines"],
)
async def test_nobody_waits_while_a_long_file_is_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, what: str, content: bytes
) -> None:
    """However little there is to do for it in the database: it is read in a thread of its own."""
    threads = set()
    read = imports._chunks

    def watched(*given: Any) -> Iterator[Any]:
        chunks = read(*given)
        while chunk := next(chunks, None):
            threads.add(threading.current_thread())
            yield chunk
        threads.add(threading.current_thread())

    monkeypatch.setattr(imports, "_chunks", watched)
    answer = await bring(shop, what, content, dry_run=True)
    assert answer.status_code in {200, 422}
    assert threads
    assert threading.main_thread() not in threads


@ON_SQLITE
async def test_an_export_holds_no_connection_while_its_client_does_not_read(shop: Shop) -> None:
    await shelves(shop)
    await brought(
        shop, "orders", documents({"reference": "A", "items": [{"sku": "tea", "quantity": 1}]})
    )
    runtime = shop.app.runtime  # type: ignore[attr-defined]
    waiting = [
        exports.parts(runtime, sheet) for sheet in exports.ORDERS.values() for _ in range(15)
    ]
    for parts in waiting:
        assert await anext(parts)
    assert len(await orders(shop)) == 1
    for parts in waiting:
        await parts.aclose()
