"""The shop in plain Python: what every call must answer, and what must then be true."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.reliability.shelves import Promise, Shelves, Told

Lines = Sequence[tuple[int, int]]

MINUTE = 60 * 10**6


@dataclass
class Product:
    price: int
    archived: bool = False
    reorder_point: int | None = None


@dataclass
class Line:
    no: int
    product_id: int
    quantity: int
    price: int
    fulfilled: int = 0
    returned: int = 0
    cancelled: int = 0

    @property
    def open(self) -> int:
        return self.quantity - self.fulfilled - self.cancelled


@dataclass
class Order:
    """`until` is when its hold ends or has ended; None: it has never had one."""

    lines: list[Line]
    total: int
    status: str = "Pending"
    until: int | None = None
    on_hold: bool = False
    promises: list[Promise] = field(default_factory=list)

    def line(self, number: int) -> Line:
        return next(one for one in self.lines if one.no == number)

    @property
    def wanted(self) -> list[tuple[int, int, int]]:
        """What is open: line, product and units."""
        return [(one.no, one.product_id, one.open) for one in self.lines if one.open]

    @property
    def net(self) -> int:
        """What is neither cancelled nor returned comes to so much."""
        kept = [(one.quantity - one.cancelled - one.returned) * one.price for one in self.lines]
        return sum(kept)

    @property
    def holds(self) -> bool:
        return self.status == "Pending" and self.until is not None

    @property
    def shown_until(self) -> int | None:
        return self.until if self.status in {"Pending", "Expired"} else None


@dataclass
class Model:
    """Ids are the service's own: it is told each one when the service has given it."""

    shelves: Shelves
    products: dict[int, Product] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)

    @property
    def now(self) -> int:
        return self.shelves.now

    def advance(self, moment: int) -> None:
        """Time passes: holds end when they end, whoever looks."""
        running = [(one.until or 0, number) for number, one in self.orders.items() if one.holds]
        for end, number in sorted(running):
            if end <= moment:
                order = self.orders[number]
                order.status = "Expired"
                told = {"reason": "hold ended", "occurred_at": end}
                self.shelves.release(number, order.promises, **told)
        self.shelves.now = moment

    def next_end(self) -> int | None:
        """When the next hold ends."""
        return min((o.until for o in self.orders.values() if o.holds and o.until), default=None)

    def create_product(self, product_id: int, price: int, stock: int) -> None:
        self.products[product_id] = Product(price)
        self.shelves.open(product_id, stock)

    def low(self) -> list[int]:
        """The products of which no more than the reorder point is available, the newest first."""
        return [
            number
            for number, product in sorted(self.products.items(), reverse=True)
            if product.reorder_point is not None
            and self.shelves.available(number) <= product.reorder_point
        ]

    def refuse_order(self, lines: Lines, minutes: int | None) -> Told | None:
        if any(product_id not in self.products for product_id, _ in lines):
            return 422, "product_not_found"
        if any(self.products[product_id].archived for product_id, _ in lines):
            return 422, "product_archived"
        if minutes is not None and self.shortages(lines):
            return 409, "insufficient_stock"
        return None

    def place(self, order_id: int, lines: Lines, minutes: int | None) -> None:
        made = [Line(n, p, q, self.products[p].price) for n, (p, q) in enumerate(lines, start=1)]
        order = Order(made, sum(one.quantity * one.price for one in made))
        self.orders[order_id] = order
        if minutes is not None:
            self._begin(order_id, order, minutes)

    def _begin(self, order_id: int, order: Order, minutes: int) -> None:
        order.until = self.now + minutes * MINUTE
        order.promises = self.shelves.reserve(order_id, order.wanted)

    def hold(self, order_id: int, minutes: int) -> Told:
        order = self.orders.get(order_id)
        refusal = self._refuse_confirm(order)
        if refusal or order is None:
            return refusal or (404, "not_found")
        if order.until is None:
            self._begin(order_id, order, minutes)
        order.until = max(order.until or 0, self.now + minutes * MINUTE)
        return 200, "Pending"

    def confirm(self, order_id: int) -> Told:
        order = self.orders.get(order_id)
        refusal = self._refuse_confirm(order)
        if refusal or order is None:
            return refusal or (404, "not_found")
        if order.until is None:
            order.promises = self.shelves.reserve(order_id, order.wanted)
        order.status = "Confirmed"
        return 200, "Confirmed"

    def _refuse_confirm(self, order: Order | None) -> Told | None:
        """The same for a hold: it, too, needs a Pending order, and stock unless it has some."""
        if order is None:
            return 404, "not_found"
        if order.status == "Expired":
            return 409, "order_expired"
        if order.status != "Pending":
            return 409, "order_not_pending"
        short = not order.holds and self.shortages([one[1:] for one in order.wanted])
        return (409, "insufficient_stock") if short else None

    def cancel(self, order_id: int) -> Told:
        order = self.orders.get(order_id)
        refusal = self._refuse_cancel(order)
        if refusal or order is None:
            return refusal or (404, "not_found")
        self.shelves.release(order_id, order.promises)
        order.promises = []
        order.status = "Cancelled"
        for line in order.lines:
            line.cancelled = line.quantity - line.fulfilled
        return 200, "Cancelled"

    @staticmethod
    def _refuse_cancel(order: Order | None) -> Told | None:
        if order is None:
            return 404, "not_found"
        codes = {
            "Expired": "order_expired",
            "Cancelled": "order_already_cancelled",
            "Fulfilled": "order_not_cancellable",
        }
        return (409, codes[order.status]) if order.status in codes else None

    def shortages(self, lines: Lines) -> list[dict[str, Any]]:
        """Every short product, as the refusal must name them."""
        demand: Counter[int] = Counter()
        for product_id, quantity in lines:
            demand[product_id] += quantity
        return [
            {"product_id": p, "requested": count, "available": self.shelves.available(p)}
            for p, count in demand.items()
            if count > self.shelves.available(p)
        ]

    def promised(self, product_id: int) -> list[tuple[int | None, int, str, int]]:
        """End, order, location and units of each open reservation: holds first, as they end."""
        site = self.shelves.locations
        return [
            (order.until if order.holds else None, number, one.location, one.quantity)
            for _, number, order in sorted(
                (
                    (one.until or 0) if one.holds else 2**63,
                    number,
                    one,
                )
                for number, one in self.orders.items()
                if one.holds or one.status == "Confirmed"
            )
            for one in sorted(order.promises, key=lambda p: (p.line_no, site[p.location].id))
            if one.product_id == product_id
        ]
