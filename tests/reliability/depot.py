"""The model's orders line by line: what is edited, sent, undone, cancelled and taken back, in plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.reliability.model import Line, Lines, Model, Order
from tests.reliability.shelves import Promise, Told
from tests.reliability.wishes import Wish, counted_of, parts_of, spread

MOVED = "fulfilled from elsewhere"


@dataclass
class Parcel:
    order_id: int
    lines: Sequence[Promise]
    undone: bool = False


@dataclass
class Depot(Model):
    """`parcels` by the service's own ids; an outcome is a status, and a state or a code."""

    parcels: dict[int, Parcel] = field(default_factory=dict)

    def edit(self, order_id: int, items: Lines) -> Told:
        order = self.orders.get(order_id)
        if order is None:
            return 404, "not_found"
        if order.status not in {"Pending", "Confirmed"}:
            return 409, _over(order, "order_not_editable")
        new = {product_id for product_id, _ in items} - {one.product_id for one in order.lines}
        refusal = self._refuse_products(new)
        if refusal:
            return refusal
        lines, gone = self._renewed(order, items)
        if any(one.open < 0 for one in (*lines, *gone)):
            return 409, "quantity_exceeded"
        if not any(one.open or one.fulfilled for one in lines):
            return 409, "conflict"
        return self._exchange(order_id, order, lines)

    def _exchange(self, order_id: int, order: Order, lines: list[Line]) -> Told:
        promised = order.holds or order.status == "Confirmed"
        if promised and not self._move(order_id, order, lines):
            return 409, "insufficient_stock"
        order.lines, order.total = lines, sum(one.quantity * one.price for one in lines)
        return self._end(order, "Fulfilled")

    def _refuse_products(self, wanted: set[int]) -> Told | None:
        if not wanted <= self.products.keys():
            return 422, "product_not_found"
        archived = any(self.products[product_id].archived for product_id in wanted)
        return (422, "product_archived") if archived else None

    def _renewed(self, order: Order, items: Lines) -> tuple[list[Line], list[Line]]:
        """The lines after an edit, and those that are gone, of which nothing is wanted."""
        left = list(order.lines)
        made: list[Line] = []
        for product_id, quantity in items:
            mine = next((one for one in left if one.product_id == product_id), None)
            if mine is not None:
                left.remove(mine)
                made.append(replace(mine, quantity=quantity))
                continue
            paid = [one.price for one in order.lines if one.product_id == product_id]
            number = max(one.no for one in (*order.lines, *made)) + 1
            price = paid[0] if paid else self.products[product_id].price
            made.append(Line(number, product_id, quantity, price))
        gone = [replace(one, quantity=0) for one in left]
        return sorted(made, key=lambda one: one.no), gone

    def _move(self, order_id: int, order: Order, lines: Sequence[Line]) -> bool:
        """The difference and nothing else; False when there is not enough."""
        old = {one.no: one.open for one in order.lines}
        new = {one.no: one.open for one in lines}
        products = {one.no: one.product_id for one in (*order.lines, *lines)}
        for product_id in set(products.values()):
            of = [no for no, owner in products.items() if owner == product_id]
            more = sum(new.get(no, 0) for no in of) - sum(old.get(no, 0) for no in of)
            if more > self.shelves.available(product_id):
                return False
        for one in order.lines:
            self._give_back(order_id, order, one.no, max(one.open - new.get(one.no, 0), 0))
        wanted = [(one.no, one.product_id, one.open - old.get(one.no, 0)) for one in lines]
        more_of = [one for one in wanted if one[2] > 0]
        for promise in self.shelves.reserve(order_id, more_of):
            self._add(order, promise)
        return True

    def cancel_items(self, order_id: int, wishes: Sequence[Wish]) -> Told:
        order = self.orders.get(order_id)
        refusal = self._refuse_cancel(order)
        if refusal or order is None:
            return refusal or (404, "not_found")
        counted = spread(order, wishes, lambda one: one.open)
        if counted is None:
            return 409, "quantity_exceeded"
        for line_no, units in counted.items():
            if order.promises:
                self._give_back(order_id, order, line_no, units)
            order.line(line_no).cancelled += units
        return self._end(order, "Cancelled")

    def fulfill(self, order_id: int, wishes: Sequence[Wish] | None, code: str | None) -> Told:
        """Nothing yet: `send` does it, once it is known under which number."""
        order = self.orders.get(order_id)
        if order is None:
            return 404, "not_found"
        if order.status != "Confirmed":
            return 409, _over(order, "order_not_confirmed")
        refusal = self._refuse_place(code) or ((409, "order_on_hold") if order.on_hold else None)
        if refusal:
            return refusal
        counted = counted_of(order, wishes)
        if counted is None:
            return 409, "quantity_exceeded"
        return (409, "insufficient_stock") if self._lacks(order, counted, code) else (201, "")

    def _refuse_place(self, code: str | None) -> Told | None:
        if code is not None and code not in self.shelves.locations:
            return 422, "validation_error"
        closed = code is not None and not self.shelves.locations[code].active
        return (409, "conflict") if closed else None

    def _lacks(self, order: Order, counted: Mapping[int, int], code: str | None) -> bool:
        """Whether a location has less of a product than is wanted, with what it is promised there."""
        wanted: dict[int, int] = {}
        for line_no, units in counted.items():
            product_id = order.line(line_no).product_id
            there = sum(one.quantity for one in self._of(order, line_no) if one.location == code)
            wanted[product_id] = wanted.get(product_id, 0) + max(units - there, 0)
        return code is not None and any(
            units > (level.available if (level := self.shelves.levels.get((number, code))) else 0)
            for number, units in wanted.items()
        )

    def send(
        self, number: int, order_id: int, wishes: Sequence[Wish] | None, code: str | None
    ) -> Parcel:
        order = self.orders[order_id]
        counted = counted_of(order, wishes) or {}
        if code is not None:
            self._gather(order_id, order, counted, code)
        left: list[Promise] = []
        for line_no, units in counted.items():
            here = [one for one in self._of(order, line_no) if code in {None, one.location}]
            for one, part in parts_of(here, units):
                self._take(order, one, part)
                place = (one.product_id, one.location)
                self.shelves.move(place, "fulfill", -part, -part, order_id=order_id)
                left.append(one._replace(quantity=part))
            order.line(line_no).fulfilled += units
        self._end(order, "Fulfilled")
        site = self.shelves.locations
        left.sort(key=lambda one: (one.line_no, site[one.location].id))
        self.parcels[number] = Parcel(order_id, left)
        return self.parcels[number]

    def _gather(self, order_id: int, order: Order, counted: Mapping[int, int], code: str) -> None:
        for line_no, units in counted.items():
            of = self._of(order, line_no)
            there = sum(one.quantity for one in of if one.location == code)
            away = [one for one in reversed(of) if one.location != code]
            for one, part in parts_of(away, max(units - there, 0)):
                told = {"order_id": order_id, "reason": MOVED}
                self._take(order, one, part)
                self.shelves.move((one.product_id, one.location), "release", 0, -part, **told)
                self.shelves.move((one.product_id, code), "reserve", 0, part, **told)
                self._add(order, one._replace(location=code, quantity=part))

    def undo(self, order_id: int, number: int) -> Told:
        order, parcel = self.orders.get(order_id), self.parcels.get(number)
        if order is None or parcel is None or parcel.order_id != order_id:
            return 404, "not_found"
        if order.status == "Cancelled":
            return 409, "order_already_cancelled"
        if parcel.undone:
            return 409, "fulfillment_already_undone"
        if any(not self.shelves.locations[one.location].active for one in parcel.lines):
            return 409, "conflict"
        for line in order.lines:
            units = sum(one.quantity for one in parcel.lines if one.line_no == line.no)
            if units and line.fulfilled - units < line.returned:
                return 409, "conflict"
        for one in parcel.lines:
            told = {"order_id": order_id, "reason": "fulfillment undone"}
            self.shelves.move(
                (one.product_id, one.location), "fulfill", one.quantity, one.quantity, **told
            )
            self._add(order, one)
            order.line(one.line_no).fulfilled -= one.quantity
        parcel.undone, order.status = True, "Confirmed"
        return 200, ""

    def take_back(self, order_id: int, wishes: Sequence[Wish], how: tuple[str, str]) -> Told:
        order = self.orders.get(order_id)
        code = how[1]
        if order is None:
            return 404, "not_found"
        if order.status in {"Pending", "Expired"}:
            return 409, _over(order, "order_not_confirmed")
        counted = spread(order, wishes, lambda one: one.fulfilled - one.returned)
        if counted is None:
            return 409, "quantity_exceeded"
        refusal = self._refuse_place(code)
        if refusal:
            return refusal
        for line in order.lines:
            if line.no in counted:
                self._put(order_id, line, counted[line.no], how)
        return 201, ""

    def _put(self, order_id: int, line: Line, units: int, how: tuple[str, str]) -> None:
        told: dict[str, Any] = {"order_id": order_id, "reason": how[0]}
        self.shelves.move((line.product_id, how[1]), "return", units, **told)
        if how[0] == "write_off":
            self.shelves.move((line.product_id, how[1]), "adjustment", -units, **told)
        line.returned += units

    def put_on_hold(self, order_id: int, *, on_hold: bool) -> Told:
        order = self.orders.get(order_id)
        if order is None:
            return 404, "not_found"
        if order.on_hold == on_hold or order.status in {"Pending", "Confirmed"}:
            order.on_hold = on_hold
            return 200, order.status
        return 409, _over(order, "order_not_editable")

    # ── what an order has been promised ──────────────────────────────────────

    def _end(self, order: Order, status: str) -> Told:
        if not any(one.open for one in order.lines):
            order.status = status
        return 200, order.status

    def _of(self, order: Order, line_no: int) -> list[Promise]:
        mine = [one for one in order.promises if one.line_no == line_no]
        ranks = list(self.shelves.of(order.line(line_no).product_id)) if mine else []
        return sorted(mine, key=lambda one: ranks.index(one.location))

    def _give_back(self, order_id: int, order: Order, line_no: int, units: int) -> None:
        for one, part in parts_of(self._of(order, line_no)[::-1], units):
            self._take(order, one, part)
            place = (one.product_id, one.location)
            self.shelves.move(place, "release", 0, -part, order_id=order_id)

    @staticmethod
    def _take(order: Order, one: Promise, units: int) -> None:
        order.promises.remove(one)
        if units < one.quantity:
            order.promises.append(one._replace(quantity=one.quantity - units))

    @staticmethod
    def _add(order: Order, one: Promise) -> None:
        for there in order.promises:
            if there[:3] == one[:3]:
                order.promises.remove(there)
                one = one._replace(quantity=one.quantity + there.quantity)
                break
        order.promises.append(one)


def _over(order: Order, code: str) -> str:
    return "order_expired" if order.status == "Expired" else code
