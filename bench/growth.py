"""Does it stay fast as a shop grows? The same requests to a small shop and to a large one, in turns."""

import http.client
import json
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Self

from leafcraft import times
from tests.harness.mariadb import PrivateMariaDB
from tests.harness.processes import HarnessError
from tests.harness.service import ROOT, Service

LOCATIONS: Final = 5
REQUESTS: Final = 120
"""Of each kind, to each shop, in one repetition."""
CHUNK_PRODUCTS: Final = 20_000
ON_HAND: Final = 1_000_000
HTTP_SECONDS_MAX: Final = 30.0
SEED: Final = 4
DAY_SECONDS: Final = 86_400
AGE_DAYS: Final = 300
"""How long ago the shops opened."""

Query = Callable[[str], Any]


class Size(NamedTuple):
    """How many products, each with a receipt at each location, and how many movements the busiest has."""

    products: int
    busiest: int

    @property
    def movements(self) -> int:
        return self.products * LOCATIONS + self.busiest


SMALL: Final = Size(1_000, 100)
QUITE_LARGE: Final = Size(20_000, 10_000)
LARGE: Final = Size(200_000, 100_000)


class GrownShop(Service):
    """A service over a shop of some size, made in the database itself while nobody serves it."""

    name = "service"
    settings: Mapping[str, str] = {}

    def __init__(self, size: Size, server: PrivateMariaDB | None, name: str) -> None:
        url = server.create_database(name) if server else None
        settings = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **self.settings}
        super().__init__(url, settings=settings)
        self.size = size
        self.opened_at = times.now() - AGE_DAYS * times.MICROS_PER_DAY
        self._server, self._name = server, name
        self._connection: http.client.HTTPConnection | None = None
        self._headers: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        super().__enter__()
        self.terminate()
        self._fill()
        self.start()
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=HTTP_SECONDS_MAX
        )
        self._headers = {
            "Authorization": f"Bearer {self.token()}",
            "Content-Type": "application/json",
        }
        return self

    def ask(self, method: str, path: str, body: Any = None) -> tuple[float, Any]:
        """Milliseconds until the whole answer was there, and the answer."""
        connection = self._connection
        assert connection is not None
        content = None if body is None else json.dumps(body)
        began = time.perf_counter()
        connection.request(method, path, content, self._headers)
        answer = connection.getresponse()
        found = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise HarnessError(f"{method} {path} was answered {answer.status}: {found[:300]!r}")
        return took, json.loads(found)

    def grow(self, query: Query) -> None:
        """Makes what the shop has, with nobody serving it meanwhile."""
        fill(query, self.size, self.opened_at)

    def findings(self) -> str:
        """What a full check of the books found wrong."""
        code, output = self.verify()
        return output if code else ""

    def _fill(self) -> None:
        if self._server is not None:
            server, name = self._server, self._name
            self.grow(lambda sql: server.query(sql, name))
            return
        connection = sqlite3.connect(self.data_dir / "leafcraft.db")
        connection.create_function("CONCAT", -1, lambda *parts: "".join(map(str, parts)))
        try:
            self.grow(connection.execute)
            connection.commit()
        finally:
            connection.close()


def fill(query: Query, size: Size, opened_at: int) -> None:
    """Products, levels and a ledger that `leafcraft verify` finds sound, by SQL that both databases speak."""
    count(query, max(size.products, size.busiest))
    for number in range(2, LOCATIONS + 1):
        query(
            "INSERT INTO locations (id, code, name, priority, active, created_at, updated_at)"
            f" VALUES ({number}, 'place-{number}', 'Place', {number}, 1, 0, 0)"
        )
    for start in range(0, size.products, CHUNK_PRODUCTS):
        _products(query, start, min(start + CHUNK_PRODUCTS, size.products), opened_at)
    _busy(query, size.busiest, opened_at)
    query("DROP TABLE numbers")


def count(query: Query, numbers: int) -> None:
    """A table of at least so many numbers, from 0 on."""
    query("CREATE TABLE numbers (n BIGINT PRIMARY KEY)")
    query("INSERT INTO numbers VALUES (0)")
    power = 1
    while power < numbers:
        query(f"INSERT INTO numbers SELECT n + {power} FROM numbers")
        power *= 2


def _products(query: Query, start: int, end: int, opened_at: int) -> None:
    sku = "CAST(1000000 + n AS CHAR)"
    query(
        "INSERT INTO products (id, sku, sku_key, name, price_minor, archived, version, created_at,"
        f" updated_at) SELECT n + 1, {sku}, {sku}, {sku}, 999, 0, 1, {opened_at}, {opened_at}"
        f" FROM numbers WHERE n >= {start} AND n < {end}"
    )
    moment = f"{opened_at} + p.id * 1000 + l.id"
    made = f"FROM products p, locations l WHERE p.id > {start} AND p.id <= {end}"
    query(
        "INSERT INTO stock_levels (product_id, location_id, on_hand, reserved, seq, moved_at,"
        f" held_until) SELECT p.id, l.id, {ON_HAND}, 0, 1, {moment}, {times.NEVER} {made}"
    )
    query(
        "INSERT INTO stock_movements (product_id, location_id, seq, kind, on_hand_delta,"
        " reserved_delta, on_hand_after, reserved_after, actor, occurred_at)"
        f" SELECT p.id, l.id, 1, 'receipt', {ON_HAND}, 0, {ON_HAND}, 0, 'bench', {moment} {made}"
    )


def _busy(query: Query, movements: int, opened_at: int) -> None:
    """One more unit of the first product at the first location every time, over the shop's whole life."""
    step = AGE_DAYS * times.MICROS_PER_DAY // (2 * movements)
    begin = opened_at + times.MICROS_PER_HOUR
    query(
        "INSERT INTO stock_movements (product_id, location_id, seq, kind, on_hand_delta,"
        " reserved_delta, on_hand_after, reserved_after, actor, occurred_at)"
        f" SELECT 1, 1, n + 2, 'adjustment', 1, 0, {ON_HAND} + n + 1, 0, 'bench',"
        f" {begin} + n * {step} FROM numbers WHERE n < {movements} ORDER BY n"
    )
    query(
        f"UPDATE stock_levels SET on_hand = {ON_HAND + movements}, seq = {movements + 1},"
        f" moved_at = {begin + (movements - 1) * step} WHERE product_id = 1 AND location_id = 1"
    )


class Shopper:
    """Asks one shop; of the busiest product every other time."""

    def __init__(self, shop: GrownShop) -> None:
        self.shop = shop
        self._chance = random.Random(SEED)
        self._turn = 0

    def confirm(self) -> float:
        items = [{"product_id": self._product(), "quantity": 1} for _ in range(2)]
        _, order = self.shop.ask("POST", "/orders/", {"items": items})
        return self.shop.ask("PATCH", f"/orders/{order['id']}/confirm")[0]

    def receipt(self) -> float:
        location = f"place-{self._chance.randint(2, LOCATIONS)}"
        body = {"product_id": self._product(), "quantity": 1, "location": location}
        return self.shop.ask("POST", "/stock/receipts", body)[0]

    def availability(self) -> float:
        return self.shop.ask("GET", f"/products/{self._product()}/availability")[0]

    def as_of(self) -> float:
        seconds = self._chance.randint(DAY_SECONDS, AGE_DAYS * DAY_SECONDS)
        moment = times.write(self.shop.opened_at + seconds * times.MICROS_PER_SECOND)
        return self.shop.ask("GET", f"/products/{self._product()}/stock?as_of={moment}")[0]

    def _product(self) -> int:
        self._turn += 1
        return 1 if self._turn % 2 else self._chance.randint(1, self.shop.size.products)


KINDS: Final = ("confirm", "receipt", "availability", "as_of")


def compare(small: GrownShop, large: GrownShop) -> dict[str, float]:
    """The median of each kind of request in each shop, in milliseconds; the shops take turns."""
    found: dict[str, float] = {}
    shoppers = {"small": Shopper(small), "large": Shopper(large)}
    for kind in KINDS:
        taken: dict[str, list[float]] = {size: [] for size in shoppers}
        for _ in range(REQUESTS):
            for size, shopper in shoppers.items():
                taken[size].append(getattr(shopper, kind)())
        for size, milliseconds in taken.items():
            found[f"{size}.{kind}_ms"] = statistics.median(milliseconds)
    return found
