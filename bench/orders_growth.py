"""Do lists, searches and reports stay fast as orders pile up? The same questions to a young shop and to an old one.

What was ordered in the last ninety days is the same in both; the old one has three years before it.
Nothing is answered from memory.
"""

import base64
import json
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from bench.growth import GrownShop, Query, Size, count, fill
from leafcraft import times
from tests.harness.mariadb import PrivateMariaDB

PRODUCTS: Final = 1_000
POPULAR: Final = 1_000
"""A product that every fifth order has."""
RARE: Final = 999
"""One that fifty orders have, in either shop."""
FORMER: Final = 998
"""One that every order of the first tenth has, and none since."""
RECENT: Final = 1_000
"""Orders of the last WINDOW_DAYS."""
WINDOW_DAYS: Final = 90
AGE_DAYS: Final = 3 * 365
CHUNK: Final = 50_000
ROUNDS: Final = 7

YOUNG: Final = 1_000
QUITE_OLD: Final = 20_000
OLD: Final = 1_000_000

_DAY: Final = times.MICROS_PER_DAY


class OrderShop(GrownShop):
    """A shop of so many orders, and nothing kept in memory."""

    settings: Mapping[str, str] = {"LEAFCRAFT_CACHE_MB": "0"}

    def __init__(self, orders: int, server: PrivateMariaDB | None, name: str) -> None:
        super().__init__(Size(PRODUCTS, 1), server, name)
        self.orders = orders
        self.now = times.now()

    def next_cursor(self, path: str) -> str:
        """The cursor of the page after this one."""
        connection = self._connection
        assert connection is not None
        connection.request("GET", path, headers=self._headers)
        answer = connection.getresponse()
        answer.read()
        (cursor,) = re.findall(r"cursor=([^&>]+)", answer.headers["link"])
        return str(cursor)

    def grow(self, query: Query) -> None:
        fill(query, self.size, self.opened_at)
        count(query, self.orders)
        for start in range(0, self.orders, CHUNK):
            _Chunk(query, self, start).fill()
        _tallies(query)
        query("DROP TABLE numbers")


class _Chunk:
    """Some orders, with all that hangs on them; what they are follows from their number `n`."""

    def __init__(self, query: Query, shop: OrderShop, start: int) -> None:
        self._query, self._all = query, shop.orders
        self._some = f"FROM numbers WHERE n >= {start} AND n < {min(start + CHUNK, shop.orders)}"
        old, window = shop.orders - RECENT, shop.now - WINDOW_DAYS * _DAY
        begin, step = shop.now - AGE_DAYS * _DAY, WINDOW_DAYS * _DAY // RECENT
        pace = (AGE_DAYS - WINDOW_DAYS) * _DAY // max(old, 1)
        recent = f"{window} + (n - {old}) * {step}"
        self._created = f"CASE WHEN n < {old} THEN {begin} + n * {pace} ELSE {recent} END"
        self._status = (
            f"CASE WHEN n >= {old} AND n % 10 = 0 THEN 'Pending'"
            f" WHEN n >= {old} AND n % 10 IN (1, 2) THEN 'Confirmed'"
            " WHEN n % 20 = 3 THEN 'Cancelled' WHEN n % 100 = 4 THEN 'Expired' ELSE 'Fulfilled' END"
        )
        people = max(shop.orders // 5, 1)
        own = f"CONCAT('c', n % {people}, '@shop', n % 10, '.example')"
        self._email = f"CASE WHEN n % 10 = 5 THEN 'big@shop5.example' ELSE {own} END"

    def fill(self) -> None:
        self._orders()
        for number, product in enumerate(self._products(), start=1):
            self._line(number, product)
        for word in self._words():
            self._word(word)
        for kind in ("created", "confirmed"):
            self._event(kind)

    def _orders(self) -> None:
        confirmed = (
            f"CASE WHEN {self._status} IN ('Confirmed', 'Fulfilled') THEN {self._created} END"
        )
        self._query(
            "INSERT INTO orders (id, status, total_minor, currency, version, created_at, updated_at,"
            " confirmed_at, reference, customer, customer_email)"
            f" SELECT n + 1, {self._status}, 1998, 'USD', 1, {self._created}, {self._created},"
            f" {confirmed}, CONCAT('ref-', n), '{{}}', {self._email} {self._some}"
        )

    def _products(self) -> Iterator[str]:
        yield (
            f"CASE WHEN n % 5 = 0 THEN {POPULAR} WHEN n % {max(self._all // 50, 1)} = 1 THEN {RARE}"
            " ELSE 1 + n * 7919 % 997 END"
        )
        yield f"CASE WHEN n < {self._all // 10} THEN {FORMER} ELSE 1 + n * 104729 % 997 END"

    def _line(self, number: int, product: str) -> None:
        sent = f"CASE WHEN {self._status} = 'Fulfilled' THEN 1 ELSE 0 END"
        gone = f"CASE WHEN {self._status} = 'Cancelled' THEN 1 ELSE 0 END"
        self._query(
            "INSERT INTO order_lines (order_id, line_no, product_id, quantity, unit_price_minor,"
            f" fulfilled, returned, cancelled) SELECT n + 1, {number}, {product}, 1, 999, {sent}, 0,"
            f" {gone} {self._some}"
        )

    def _words(self) -> Iterator[str]:
        yield "CONCAT('ref-', n)"
        yield "CONCAT('first', n % 200)"
        yield f"CASE WHEN n < {self._all * 3 // 100} THEN 'early' ELSE CONCAT('last', n % 5000) END"
        yield self._email
        yield "CONCAT('shop', n % 10, '.example')"

    def _word(self, word: str) -> None:
        self._query(
            f"INSERT INTO order_words (word, order_id) SELECT {word}, n + 1 {self._some} ORDER BY 1, 2"
        )

    def _event(self, kind: str) -> None:
        wanted = f" AND {self._status} IN ('Confirmed', 'Fulfilled')" if kind == "confirmed" else ""
        self._query(
            "INSERT INTO events (type, subject_type, subject_id, actor, request_id, address, data,"
            f" occurred_at) SELECT 'order.{kind}', 'order', n + 1, 'bench', '', '', '{{}}',"
            f" {self._created} {self._some}{wanted}"
        )


def _tallies(query: Query) -> None:
    query("INSERT INTO order_counts SELECT 0, status, COUNT(*) FROM orders GROUP BY status")
    query(
        "INSERT INTO sales_days (day, currency, writer, orders, units, amount_minor, returned_units,"
        f" returned_minor) SELECT o.confirmed_at - o.confirmed_at % {_DAY}, 'USD', 0,"
        " COUNT(DISTINCT o.id), COUNT(*), SUM(l.unit_price_minor), 0, 0"
        " FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.confirmed_at IS NOT NULL"
        f" GROUP BY o.confirmed_at - o.confirmed_at % {_DAY}"
    )


class Question(NamedTuple):
    """What is asked, and how it is called."""

    name: str
    path: str


SORTS: Final = ("id", "-id", "created_at", "-created_at")


def questions(shop: OrderShop) -> Iterator[Question]:
    """The lists, searches and reports, of things that either shop has as many of, or its share."""
    for name, filters in _filters(shop).items():
        for sort in SORTS:
            yield Question(f"{name} {sort}", f"/orders/?{urlencode({'sort': sort, **filters})}")
    for sort in SORTS:
        yield Question(f"deep {sort}", _deep(shop, sort))
    days = {"from": times.write_day(shop.now - (WINDOW_DAYS - 2) * _DAY)}
    yield Question("counts", "/orders/counts")
    yield Question("order", f"/orders/{shop.orders // 2}")
    yield Question("timeline", f"/orders/{shop.orders // 2}/timeline")
    yield Question("sales by day", f"/reports/sales?{urlencode(days)}")
    yield Question("sales by product", f"/reports/sales?{urlencode({**days, 'by': 'product'})}")
    yield Question("stock value", "/reports/stock-value")


def _filters(shop: OrderShop) -> Mapping[str, Mapping[str, Any]]:
    middle = shop.orders // 2
    then, lately = [times.write(shop.now - days * _DAY) for days in (AGE_DAYS // 2, 30)]
    start = times.write(shop.now - (AGE_DAYS - 30) * _DAY)
    return {
        "all": {},
        **{
            f"status={one}": {"status": one}
            for one in ("Pending", "Confirmed", "Fulfilled", "Cancelled", "Expired")
        },
        "reference": {"reference": f"ref-{middle}"},
        "product popular": {"product_id": POPULAR},
        "product rare": {"product_id": RARE},
        "product former": {"product_id": FORMER},
        "email of a few": {
            "customer_email": f"c{middle % (shop.orders // 5)}@shop{middle % 10}.example"
        },
        "email of many": {"customer_email": "big@shop5.example"},
        "after, lately": {"created_after": lately},
        "after, half": {"created_after": then},
        "before, half": {"created_before": then},
        "before, start": {"created_before": start},
        "between": {"created_after": then, "created_before": lately},
        "q rare": {"q": f"ref-{middle}"},
        "q common": {"q": "shop3.example"},
        "q common prefix": {"q": "ref-"},
        "q former": {"q": "early"},
        "q popular sku": {"q": str(1_000_000 + POPULAR - 1)},
        "q two": {"q": "shop3.example first3"},
        "q two common apart": {"q": "shop3.example shop4.example"},
        "q common and rare": {"q": f"shop{middle % 10}.example ref-{middle}"},
        "q nothing": {"q": "nobody"},
        "status and q": {"status": "Confirmed", "q": "shop2.example"},
        "status and product": {"status": "Cancelled", "product_id": FORMER},
        "status and after": {"status": "Confirmed", "created_after": then},
    }


def _deep(shop: OrderShop, sort: str) -> str:
    """The page that begins in the middle of the list, where nobody can link to but page by page."""
    order = shop.ask("GET", f"/orders/{shop.orders // 2}")[1]
    kind = json.loads(
        _unpacked(shop.next_cursor(f"/orders/?{urlencode({'sort': sort, 'limit': 1})}"))
    )[0]
    value = order["id"]
    if sort.endswith("created_at"):
        value = times.read(datetime.fromisoformat(order["created_at"]))
    cursor = base64.urlsafe_b64encode(json.dumps([kind, value, order["id"]]).encode()).decode()
    return f"/orders/?{urlencode({'sort': sort, 'cursor': cursor.rstrip('=')})}"


def _unpacked(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def compare(young: OrderShop, old: OrderShop) -> dict[str, float]:
    """The median time of each question in each shop, in milliseconds; they take turns."""
    found: dict[str, float] = {}
    for mine, yours in zip(questions(young), questions(old), strict=True):
        taken: dict[str, list[float]] = {"young": [], "old": []}
        for _ in range(ROUNDS):
            taken["young"].append(young.ask("GET", mine.path)[0])
            taken["old"].append(old.ask("GET", yours.path)[0])
        for age, milliseconds in taken.items():
            found[f"{age}.{mine.name}"] = statistics.median(milliseconds)
    return found


def table(samples: Mapping[str, Sequence[float]]) -> str:
    """What the old shop takes beside the young one, question by question."""
    lines = [
        "| question | MariaDB, ms (young : old) | SQLite, ms (young : old) |",
        "| --- | --- | --- |",
    ]
    mark = "mariadb.orders.young."
    for name in (one.removeprefix(mark) for one in samples if one.startswith(mark)):
        cells = [
            " : ".join(f"{samples[f'{on}.orders.{age}.{name}'][0]:.1f}" for age in ("young", "old"))
            for on in ("mariadb", "sqlite")
        ]
        lines.append(f"| {name.removesuffix('_ms')} | {' | '.join(cells)} |")
    return "\n".join(lines)
