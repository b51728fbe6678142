"""What no order can be, in a file: told by its line and its column, and then nothing of the file is applied."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from leafcraft.exchange import earlier, json_lines, order_documents, order_rows
from leafcraft.exchange.json_lines import LINE_BYTES_MAX
from leafcraft.exchange.orders import GivenOrder
from leafcraft.exchange.rows import Wrong
from leafcraft.money import currency
from leafcraft.orders.rules import LINES_MAX
from tests.builders import Json, Shop, found, problem
from tests.exchange.sheets import JSONL, bring, brought, documents, orders, refused, sheet
from tests.exchange.test_orders import as_documents, as_rows, shelves

pytestmark = pytest.mark.anyio

WHOLE = (
    *("reference", "sku", "quantity"),
    *("customer_name", "customer_email", "customer_phone", "note"),
)
NO_SKU = "there is no product with this sku"
ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


@pytest.fixture
async def stocked(shared_shop: Shop) -> Shop:
    """A shop that nothing in this file changes, once it has its shelves and a product that is archived."""
    if not (await shared_shop.get("/products/")).json():
        await shelves(shared_shop)
        gone = await shared_shop.product("Gone", sku="gone", stock=0)
        dear = await shared_shop.product("Dear", sku="dear", stock=0, price=9999999999999)
        found(await shared_shop.post(f"/products/{gone['id']}/archive"))
        assert dear["id"] == 4
    return shared_shop


ROWS: list[tuple[tuple[Any, ...], str, str]] = [
    (("", "tea", 1, "", "", "", ""), "reference", "must not be empty"),
    (("x" * 65, "tea", 1, "", "", "", ""), "reference", "must have at most 64 characters"),
    (('"a\nb"', "tea", 1, "", "", "", ""), "reference", "must not contain the character U+000A"),
    (("B", "", 1, "", "", "", ""), "sku", "must not be empty"),
    (("B", "nothing", 1, "", "", "", ""), "sku", NO_SKU),
    (("B", "gone", 1, "", "", "", ""), "sku", "the product is archived"),
    (("B", "tea", "", "", "", "", ""), "quantity", "must not be empty"),
    *(
        (("B", "tea", word, "", "", "", ""), "quantity", "must be a whole number")
        for word in ("x", "1.0", "1e3", "+1", "\uff11", "9" * 19)
    ),
    (("B", "tea", 0, "", "", "", ""), "quantity", "must be 1 or more"),
    (("B", "tea", -1, "", "", "", ""), "quantity", "must be 1 or more"),
    (
        ("B", "tea", 10**9 + 1, "", "", "", ""),
        "quantity",
        "must be 1000000000 or less",
    ),
    (
        ("B", "tea", 1, "x" * 201, "", "", ""),
        "customer_name",
        "must have at most 200 characters",
    ),
    (("B", "tea", 1, "", "nobody", "", ""), "customer_email", "not an e-mail address"),
    (("B", "tea", 1, "", "", "5" * 65, ""), "customer_phone", "must have at most 64 characters"),
    (("B", "tea", 1, "", "", "", "x" * 1001), "note", "must have at most 1000 characters"),
    (("B", "tea", 1, "", "", "", "\x07"), "note", "must not contain the character U+0007"),
    (("B", "dear", 10**6, "", "", "", ""), "", "the order's total is too large"),
    (("B", "tea", 1), "", "has 3 cells, and the header 7"),
    (("B", "tea", 1, '"a"b', "", "", ""), "", "is no CSV: ',' expected after '\"'"),
]


@pytest.mark.parametrize(("row", "column", "detail"), ROWS, ids=lambda value: ascii(value)[:40])
async def test_a_row_that_is_wrong_is_told_with_its_line_and_column(
    stocked: Shop, row: tuple[object, ...], column: str, detail: str
) -> None:
    good = ("tea", 1, "", "", "", "")
    content = sheet(WHOLE, ("A", *good), row, ("C", *good))
    assert await refused(stocked, "orders", content) == [(3, column, detail)]


def order(**members: Any) -> Json:
    return {"reference": "B", "items": [{"sku": "tea", "quantity": 1}], **members}


def item(**members: Any) -> Json:
    return order(items=[{"sku": "tea", "quantity": 1}, {"sku": "tea", "quantity": 1, **members}])


DOCUMENTS: list[tuple[Any, str, str]] = [
    (order(reference=None), "/reference", "must be text"),
    (
        order(reference=""),
        "/reference",
        "must not be empty",
    ),
    (order(reference=7), "/reference", "must be text"),
    ({"items": [{"sku": "tea", "quantity": 1}]}, "/reference", "is missing"),
    ({"reference": "B"}, "/items", "is missing"),
    (order(items=[]), "/items", "must not be empty"),
    (order(items={}), "/items", "must be a list"),
    (order(items=[7]), "/items/0", "must be a JSON object"),
    (item(sku="nothing"), "/items/1/sku", NO_SKU),
    (item(sku="gone"), "/items/1/sku", "the product is archived"),
    (item(sku=None), "/items/1", "needs a sku or a product_id"),
    (item(sku=None, product_id=99), "/items/1/product_id", "there is no product with this id"),
    (item(sku=None, product_id="1"), "/items/1/product_id", "must be a whole number"),
    (item(quantity=True), "/items/1/quantity", "must be a whole number"),
    (item(quantity="1"), "/items/1/quantity", "must be a whole number"),
    (item(quantity=0), "/items/1/quantity", "must be 1 or more"),
    (item(colour="red"), "/items/1/colour", "is not known here"),
    (order(hold_minutes=5), "/hold_minutes", "is not known here"),
    (order(note="\x00"), "/note", "must not contain the character U+0000"),
    (order(customer={"email": "x"}), "/customer/email", "not an e-mail address"),
    (order(customer=[]), "/customer", "must be an object"),
    (
        order(customer={"a": "x" * 20_000}),
        "/customer",
        "must have at most 16384 characters as JSON",
    ),
    (order(items=[{"sku": "dear", "quantity": 10**6}]), "", "the order's total is too large"),
    ({f"m{n}": n for n in range(100)}, "", "must have at most 64 members"),
    ([], "", "must be a JSON object"),
    ("x", "", "must be a JSON object"),
    (
        order(**{"\ud800": 1}),
        "",
        "must be text that UTF-8 can hold",
    ),
    (None, "", "must be a JSON object"),
]


@pytest.mark.parametrize(
    ("document", "column", "detail"), DOCUMENTS, ids=lambda value: ascii(value)[:40]
)
async def test_a_document_that_is_wrong_is_told_with_its_line_and_member(
    stocked: Shop, document: Any, column: str, detail: str
) -> None:
    content = documents(order(reference="A"), document, order(reference="C"))
    assert await refused(stocked, "orders", content) == [(2, column, detail)]


LINES: list[tuple[bytes, str]] = [
    (b"{", "is not JSON: Expecting property name enclosed in double quotes (character 2)"),
    (b"nothing", "is not JSON: Expecting value (character 1)"),
    (b"{} {}", "is not JSON: Extra data (character 4)"),
    (b'{"a":NaN}', "is not JSON: NaN is not JSON"),
    (b'{"a":1e999999999999999999999}', "is not JSON: a number is out of every range"),
    (b"[" * 200_000, "is not JSON: nested too deeply"),
    (b'{"\xff":1}', "is not UTF-8"),
    (b"\x00", "is not JSON: Expecting value (character 1)"),
    (b" " * (LINE_BYTES_MAX + 1), f"is longer than {LINE_BYTES_MAX} bytes"),
]


@pytest.mark.parametrize(("line", "detail"), LINES, ids=lambda value: ascii(value)[:24])
async def test_a_line_that_is_no_document_is_told_and_those_after_it_are_read(
    stocked: Shop, line: bytes, detail: str
) -> None:
    content = documents(order()) + line + b"\n\n" + documents({"reference": "C"})
    told = await refused(stocked, "orders", content)
    assert told == [(2, "", detail), (4, "/items", "is missing")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", [(1, "", "the file is empty")]),
        (
            b"sku\n",
            [
                (1, "quantity", "the column is missing"),
                (1, "reference", "the column is missing"),
            ],
        ),
        (b"reference,sku,quantity,quantity\n", [(1, "quantity", "the column is there twice")]),
        (b"\xff\xfe\x00", None),
        (bytes(range(256)) * 500, None),
    ],
)
async def test_a_file_that_is_none_is_refused(
    stocked: Shop, content: bytes, told: list[tuple[int, str, str]] | None
) -> None:
    found_bad = await refused(stocked, "orders", content)
    assert found_bad if told is None else found_bad == told


@ON_SQLITE
async def test_a_file_of_no_documents_is_a_file_of_no_orders(shop: Shop) -> None:
    for content in (b"", b"\n\r\n \n", b"\xef\xbb\xbf"):
        assert found(await bring(shop, "orders", content, media=JSONL))["rows"] == 0
    marked = b"\xef\xbb\xbf" + documents(order(items=[{"product_id": 1, "quantity": 1}]))
    await shelves(shop)
    assert found(await bring(shop, "orders", marked, media=JSONL))["created"] == 1


# ── one order, one place ─────────────────────────────────────────────────────


async def test_the_rows_of_an_order_must_follow_each_other(stocked: Shop) -> None:
    given = [
        ("A", "tea", 1),
        ("A", "tea", 2),
        ("B", "tea", 1),
        ("A", "Kettle-1", 1),
        ("A", "tea", 1),
    ]
    again = "was on line 2 already; the rows of one order must follow each other"
    assert await refused(stocked, "orders", as_rows(given)) == [(5, "reference", again)]


async def test_a_reference_comes_once_in_a_file_of_documents(stocked: Shop) -> None:
    given = [("A", "tea", 1), ("B", "tea", 1), ("A", "Kettle-1", 1)]
    again = "was on line 1 already; an order comes once"
    assert await refused(stocked, "orders", as_documents(given)) == [(3, "/reference", again)]


async def test_a_reference_is_known_again_far_behind_and_to_the_letter(stocked: Shop) -> None:
    given = [(f"A-{n}", "tea", 1) for n in range(1000)]
    for write, line in ((as_rows, 1003), (as_documents, 1002)):
        content = write([*given, ("a-7", "tea", 1), ("A-7", "tea", 1)])
        assert [at for at, _, _ in await refused(stocked, "orders", content)] == [line]


async def test_the_rows_of_an_order_say_the_same_about_it(stocked: Shop) -> None:
    content = sheet(
        WHOLE,
        ("A", "tea", 1, "Ann", "", "", "now"),
        ("A", "tea", 1, "Bob", "", "", "now"),
        ("A", "tea", 1, "", "ann@example.com", "", "never"),
        ("B", "tea", 1, "Bob", "", "", ""),
    )
    other = "is not what line 2 says of the same order"
    assert await refused(stocked, "orders", content) == [
        *((3, "customer_name", other), (4, "customer_email", other), (4, "note", other))
    ]


async def test_all_that_is_wrong_is_told_in_the_order_of_the_lines(stocked: Shop) -> None:
    content = as_rows(
        [
            *(("A", "tea", 1), ("A", "nothing", 1), ("A", "gone", 1)),
            *(("B", "tea", "x"), ("", "tea", 1), ("B", "", 0), ("C", "nothing", 1)),
        ]
    )
    assert await refused(stocked, "orders", content) == [
        *((3, "sku", NO_SKU), (4, "sku", "the product is archived")),
        *((5, "quantity", "must be a whole number"), (6, "reference", "must not be empty")),
        *((7, "sku", "must not be empty"),),
        (7, "quantity", "must be 1 or more"),
        (8, "sku", NO_SKU),
    ]


@pytest.mark.parametrize("row", [b"A,tea\n", b",tea,1\n", b"A,tea,x\n", b'A,"tea"x,1\n'])
def test_an_order_that_may_lack_a_row_is_none(row: bytes) -> None:
    """A file may have changed since it was checked, and what is left of an order is another order."""
    content = as_rows([("A", "tea", 1), ("A", "tea", 2)]) + row + b"A,tea,3\nB,tea,1\n"
    told = list(order_rows.read(io.BytesIO(content), currency("USD")))
    assert [one.reference for one in told if isinstance(one, GivenOrder)] == ["B"]
    assert [bad.line for one in told if isinstance(one, Wrong) for bad in one.bad] == [4]


@pytest.mark.parametrize("lines", [LINES_MAX + 1, 3000])
async def test_an_order_of_too_many_lines_is_refused_and_said_once(
    stocked: Shop, lines: int
) -> None:
    given = [("A", "tea", 1), *[("LONG", "tea", 1)] * lines, ("B", "tea", "x")]
    most = f"is one too many: an order has at most {LINES_MAX} lines"
    assert await refused(stocked, "orders", as_rows(given)) == [
        (LINES_MAX + 3, "", most),
        (lines + 3, "quantity", "must be a whole number"),
    ]
    told = await refused(stocked, "orders", as_documents(given[:-1]))
    assert [(line, column) for line, column, _ in told] == [(2, "/items")]


# ── huge files ───────────────────────────────────────────────────────────────


class Endless:
    """A file that begins somehow and goes on for ever; nobody could hold it."""

    def __init__(self, begin: bytes, forever: bytes, *, parts: int) -> None:
        self._begin, self._forever, self._parts = begin, forever, parts
        self._left = b""

    def seek(self, _: int) -> None:
        self._left = self._begin

    def readline(self, room: int = -1) -> bytes:
        line = b""
        while not line.endswith(b"\n") and len(line) != room and self._more():
            end = self._left.find(b"\n") + 1 or len(self._left)
            end = min(end, room - len(line)) if room >= 0 else end
            line, self._left = line + self._left[:end], self._left[end:]
        return line

    def _more(self) -> bool:
        if not self._left and self._parts:
            self._parts -= 1
            self._left = self._forever
        return bool(self._left)


HEADER = b"reference,sku,quantity,note\n"
HUGE = [
    (order_rows.read, HEADER, b"A,tea,1,%s\n" % (b"x" * 900)),
    (order_rows.read, HEADER, b"A,tea,no,%s\n" % (b"x" * 900)),
    (order_documents.read, b"", b"x" * 20_000),
    (order_documents.read, b"", b'{"%s":1}\n' % (b"x" * 900)),
]


@pytest.mark.parametrize(("read", "begin", "forever"), HUGE, ids=["order", "bad", "line", "member"])
def test_whatever_a_file_is_full_of_it_takes_no_memory(
    read: Any, begin: bytes, forever: bytes
) -> None:
    peaks = []
    for parts in (2_000, 10_000):
        tracemalloc.start()
        for _ in read(Endless(begin, forever, parts=parts), currency("USD")):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 256 * 1024, peaks


class Counted:
    """Rows of so many orders, made as they are read."""

    def __init__(self, count: int, write: Any) -> None:
        self._lines: Iterator[bytes] = iter(())
        self._count, self._write = count, write

    def seek(self, _: int) -> None:
        self._lines = self._write(self._count)

    def readline(self, _: int = -1) -> bytes:
        return next(self._lines, b"")


def many_rows(count: int) -> Iterator[bytes]:
    yield HEADER
    yield from (b"SHOP-NUMBER-%d,tea,1,\n" % n for n in range(count))
    yield b"SHOP-NUMBER-0,tea,1,\n"


def many_documents(count: int) -> Iterator[bytes]:
    for n in chain(range(count), [0]):
        yield json.dumps(order(reference=f"SHOP-NUMBER-{n}")).encode() + b"\n"


@pytest.mark.parametrize(
    ("read", "write"),
    [(order_rows.read, many_rows), (order_documents.read, many_documents)],
    ids=["rows", "documents"],
)
def test_of_many_orders_nothing_is_held_but_where_they_were(read: Any, write: Any) -> None:
    peaks = []
    for count in (15_000, 30_000):
        tracemalloc.start()
        wrong, made = [], 0
        for one in read(Counted(count, write), currency("USD")):
            made += isinstance(one, GivenOrder)
            wrong += [one] if isinstance(one, Wrong) else []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (made, len(wrong)) == (count, 1)
        assert "already" in wrong[0].bad[0].detail
    assert peaks[1] - peaks[0] < 256 * 1024, peaks


async def test_a_name_that_is_endless_is_told_with_its_beginning(stocked: Shop) -> None:
    told = await refused(stocked, "orders", documents(order(**{"x" * 500_000: 1})))
    assert told == [(1, f"/{'x' * (order_documents.POINTER_CHARS_MAX - 1)}", "is not known here")]


@ON_SQLITE
async def test_where_there_is_no_room_for_the_references_the_service_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelves(shop)
    with monkeypatch.context() as patch:
        patch.setattr(earlier, "PAGES_MAX", 4)
        content = as_rows([(f"{n:064}", "tea", 1) for n in range(1000)])
        problem(await bring(shop, "orders", content), 503, "overloaded")
    assert await orders(shop) == []
    assert await brought(shop, "orders", content) == {"rows": 1000, "created": 1000}


def test_a_line_that_is_too_long_is_left_out_and_the_next_one_is_read() -> None:
    class One(Endless):
        """Three lines."""

    file = One(b"1\n" + b" " * (LINE_BYTES_MAX * 3) + b"\n2\n", b"", parts=0)
    told = list(json_lines.read(file))  # type: ignore[arg-type]
    assert [(one.line, getattr(one, "value", "bad")) for one in told] == [
        (1, 1),
        (2, "bad"),
        (3, 2),
    ]
