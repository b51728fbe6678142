"""Reports as their readers see them, and the same made again from what the rest of the API shows."""

import csv
import json
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.builders import Clock, Json, Shop, wanted
from tests.orders.holding import later

PLAIN = ("orders", "units", "returned_units")
CSV = {"accept": "text/csv"}


async def report(shop: Shop, path: str, **query: Any) -> Any:
    """Its numbers as they are written, to the last digit."""
    answer = await shop.get(f"/reports/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return exactly(answer.text)


def exactly(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


async def sheet(shop: Shop, path: str, **query: Any) -> list[Json]:
    """The same report as a file, row by row."""
    answer = await shop.get(f"/reports/{path}", params=query, headers=CSV)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(answer.text.splitlines()))


async def all_orders(shop: Shop) -> list[Json]:
    answer = await shop.get("/orders/", params={"limit": 500})
    assert "link" not in answer.headers
    orders: list[Json] = exactly(answer.text)
    return orders


Sums = dict[Any, dict[str, Any]]


def by_day(orders: Sequence[Json]) -> Sums:
    """What the orders say was sold, by the day on which they were confirmed."""
    sums_of: Sums = {}
    for order in orders:
        if order["confirmed_at"] is not None:
            sums = sums_of.setdefault(order["confirmed_at"][:10], empty(orders=0))
            sold = [_add(sums, item) for item in order["items"]]
            sums["orders"] += 1 if sum(sold) else 0
    return {day: sums for day, sums in sums_of.items() if sums["units"]}


def by_product(orders: Sequence[Json], first: str, last: str) -> Sums:
    sums_of: Sums = {}
    for order in orders:
        if order["confirmed_at"] is not None and first <= order["confirmed_at"][:10] <= last:
            for item in order["items"]:
                _add(sums_of.setdefault(item["product_id"], empty()), item)
    return {product: sums for product, sums in sums_of.items() if sums["units"]}


def empty(**more: int) -> dict[str, Any]:
    money = dict.fromkeys(("amount", "returned_amount", "net_amount"), Decimal(0))
    return {**more, "units": 0, "returned_units": 0, **money}


def _add(sums: dict[str, Any], item: Json) -> int:
    sold, back, price = item["quantity"] - item["cancelled"], item["returned"], item["unit_price"]
    sums["units"] += sold
    sums["amount"] += sold * price
    sums["returned_units"] += back
    sums["returned_amount"] += back * price
    sums["net_amount"] += (sold - back) * price
    return int(sold)


class Trade:
    """A shop's life by chance: whatever is refused is refused."""

    def __init__(self, shop: Shop, clock: Clock, seed: int) -> None:
        self._shop, self._clock = shop, clock
        self._chance = random.Random(seed)
        self._products: list[Json] = []
        self._orders: list[int] = []

    async def go_on(self, steps: int) -> None:
        while len(self._products) < 4:
            price = Decimal(self._chance.randrange(0, 20_000)) / 100
            self._products.append(await self._shop.product(stock=100, price=float(price)))
        verbs = [self._order, self._confirm, self._fulfill, self._give_back, self._cancel]
        verbs += [self._cancel_some, self._edit, self._wait]
        for _ in range(steps):
            verb = self._chance.choices(verbs, (8, 8, 6, 6, 1, 3, 3, 2))[0]
            await verb()

    async def _order(self) -> None:
        lines = [(self._product(), self._some()) for _ in range(self._chance.randint(1, 3))]
        order = await self._shop.order(*lines)
        self._orders.append(order["id"])

    async def _confirm(self) -> None:
        await self._do("patch", "/confirm")

    async def _cancel(self) -> None:
        await self._do("patch", "/cancel")

    async def _fulfill(self) -> None:
        body = {} if self._chance.random() < 0.4 else self._items()
        await self._do("post", "/fulfillments", body)

    async def _give_back(self) -> None:
        disposition = self._chance.choice(["restock", "write_off"])
        await self._do("post", "/returns", {**self._items(), "disposition": disposition})

    async def _cancel_some(self) -> None:
        await self._do("post", "/cancellations", self._items())

    async def _edit(self) -> None:
        lines = [(self._product(), self._some()) for _ in range(self._chance.randint(1, 3))]
        await self._do("patch", "", wanted(*lines))

    async def _wait(self) -> None:
        await later(self._shop, self._clock, hours=self._chance.uniform(0, 20))

    async def _do(self, verb: str, what: str, body: Any = None) -> None:
        if self._orders:
            order_id = self._chance.choice(self._orders[-6:])
            answer = await getattr(self._shop, verb)(f"/orders/{order_id}{what}", body)
            assert answer.status_code in {200, 201, 409}, answer.text

    def _items(self) -> Json:
        return {"items": [{"product_id": self._product()["id"], "quantity": 1}]}

    def _product(self) -> Json:
        return self._chance.choice(self._products)

    def _some(self) -> int:
        return self._chance.randint(1, 4)
