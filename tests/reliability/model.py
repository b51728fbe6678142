"""The shop as a hundred lines of plain Python: what every call must answer, and what must then be true."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Lines = Sequence[tuple[int, int]]
Told = tuple[int, str]
"""A status, and what else the answer says: a code, or a state."""


@dataclass
class Product:
    price: int
    on_hand: int
    reserved: int = 0
    archived: bool = False

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass
class Order:
    lines: Lines
    total: int
    status: str = "Pending"

    @property
    def demand(self) -> Counter[int]:
        wanted: Counter[int] = Counter()
        for product_id, quantity in self.lines:
            wanted[product_id] += quantity
        return wanted


@dataclass
class Model:
    """Ids are the service's own: it is told each one when the service has given it."""

    products: dict[int, Product] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    ledger: Counter[tuple[int, str]] = field(default_factory=Counter)
    """How much of each product has moved, by kind of movement."""

    def create_product(self, product_id: int, price: int, stock: int) -> None:
        self.products[product_id] = Product(price, stock)
        self._move(product_id, "receipt", stock)

    def price(self, product_id: int, price: int) -> None:
        self.products[product_id].price = price

    def archive(self, product_id: int, archived: bool) -> None:
        self.products[product_id].archived = archived

    def refuse_order(self, lines: Lines) -> Told | None:
        if any(product_id not in self.products for product_id, _ in lines):
            return 422, "product_not_found"
        if any(self.products[product_id].archived for product_id, _ in lines):
            return 422, "product_archived"
        return None

    def place(self, order_id: int, lines: Lines) -> None:
        total = sum(quantity * self.products[product_id].price for product_id, quantity in lines)
        self.orders[order_id] = Order(lines, total)

    def confirm(self, order_id: int) -> Told:
        order = self.orders.get(order_id)
        if order is None:
            return 404, "not_found"
        if order.status != "Pending":
            return 409, "order_not_pending"
        if any(count > self.products[p].available for p, count in order.demand.items()):
            return 409, "insufficient_stock"
        for product_id, count in order.demand.items():
            self.products[product_id].reserved += count
            self._move(product_id, "reserve", count)
        order.status = "Confirmed"
        return 200, "Confirmed"

    def cancel(self, order_id: int) -> Told:
        order = self.orders.get(order_id)
        if order is None:
            return 404, "not_found"
        if order.status == "Cancelled":
            return 409, "order_already_cancelled"
        if order.status == "Confirmed":
            for product_id, count in order.demand.items():
                self.products[product_id].reserved -= count
                self._move(product_id, "release", -count)
        order.status = "Cancelled"
        return 200, "Cancelled"

    def shortages(self, order_id: int) -> list[dict[str, Any]]:
        """Every short product of a Pending order, as the refusal must name them."""
        return [
            {"product_id": p, "requested": count, "available": self.products[p].available}
            for p, count in self.orders[order_id].demand.items()
            if count > self.products[p].available
        ]

    def _move(self, product_id: int, kind: str, count: int) -> None:
        if count:
            self.ledger[product_id, kind] += count
