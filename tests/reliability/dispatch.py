"""The rules of the state machine that take orders line by line: edits, parcels, returns, cancelled units."""

from collections.abc import Sequence
from typing import Any

from httpx2 import Response
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from tests.builders import Json, found
from tests.reliability.depot import Parcel
from tests.reliability.goods import NOBODYS, Goods, quantities
from tests.reliability.trading import told
from tests.reliability.wishes import Wish

Draw = Any
few = st.integers(1, 3)


class Dispatch(Goods):
    """People who pack, send, take back, and change their minds."""

    orders: Bundle[int] = Bundle("orders")
    parcels: Bundle[tuple[int, int]] = Bundle("parcels")

    @initialize(
        target=orders,
        sold=st.lists(
            st.lists(st.tuples(st.integers(0, 2), few), min_size=1, max_size=3), min_size=3
        ),
    )
    def first_orders(self, sold: list[list[tuple[int, int]]]) -> Any:
        """Confirmed from the start: most of what is done here takes one."""
        teas = [self.create_product(1.25, 30) for _ in range(3)]
        return multiple(*(self.sell([(teas[n], units) for n, units in one]) for one in sold[:4]))

    @rule(
        target=orders,
        lines=st.lists(st.tuples(Goods.products, few), min_size=1, max_size=3),
        code=Goods.sites,
    )
    def a_sale(self, lines: list[tuple[int, int]], code: str) -> Any:
        """Of what has just come in, where it may."""
        here = self.model.shelves.locations[code].active
        if not here or any(self.model.products[one].archived for one, _ in lines):
            return multiple()
        for product_id, units in lines:
            self.move("receive", self.body("receive", product_id, (code, code), units))
        return self.sell(lines)

    def sell(self, lines: list[tuple[int, int]]) -> int:
        answer = self.ask("POST", "/orders/", self.edited(lines))
        assert answer.status_code == 201, answer.text
        order_id: int = answer.json()["id"]
        self.model.place(order_id, lines, None)
        answer = self.ask("POST", f"/orders/{order_id}/confirm")
        assert told(answer) == self.model.confirm(order_id) == (200, "Confirmed")
        return order_id

    def wishes(self, order_id: int, draw: Draw) -> list[Wish]:
        """Mostly of what is on the order, now and then of a line or a product that is not."""
        order = self.model.orders.get(order_id)
        lines = order.lines if order else []
        here = [(one.product_id, number) for one in lines for number in (None, None, one.no)]
        astray = [(NOBODYS, None), (lines[0].product_id if lines else NOBODYS, 77)]
        one = st.sampled_from([*here, *here, *here, *astray])
        many = st.lists(st.tuples(one, st.sampled_from([1, 1, 2])), min_size=1, max_size=2)
        return [Wish(product_id, n, line) for (product_id, line), n in draw(many)]

    @staticmethod
    def listed(wishes: Sequence[Wish]) -> list[Json]:
        return [
            {"product_id": one.product_id, "quantity": one.quantity}
            | ({} if one.line_no is None else {"line": one.line_no})
            for one in wishes
        ]

    @rule(
        order_id=orders, data=st.data(), more=st.lists(st.tuples(Goods.products, few), max_size=2)
    )
    def edit(self, order_id: int, data: Draw, more: list[tuple[int, int]]) -> None:
        """Some of what there is, in other quantities, and something new."""
        items = self._items(order_id, data, more)
        answer = self.ask("PATCH", f"/orders/{order_id}", self.edited(items))
        assert told(answer) == self.model.edit(order_id, items)

    def _items(
        self, order_id: int, data: Draw, more: list[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        lines = self.model.orders[order_id].lines
        kept = data.draw(
            st.lists(quantities | st.just(0), min_size=len(lines), max_size=len(lines))
        )
        there = [(one.product_id, n) for one, n in zip(lines, kept, strict=True) if n]
        return [*there, *more] or [(lines[0].product_id, 1)]

    @staticmethod
    def edited(items: Sequence[tuple[int, int]]) -> Json:
        return {"items": [{"product_id": one, "quantity": n} for one, n in items]}

    @rule(
        order_id=orders,
        data=st.data(),
        more=st.lists(st.lists(st.tuples(Goods.products, few), max_size=1), min_size=2, max_size=3),
    )
    def edits_at_once(self, order_id: int, data: Draw, more: list[list[tuple[int, int]]]) -> None:
        """In one transaction, each seeing what those before it did."""
        wishes = [self._items(order_id, data, one) for one in more]
        path = f"/orders/{order_id}"
        answers = self.at_once([("PATCH", path, self.edited(items)) for items in wishes])
        for answer, items in zip(answers, wishes, strict=True):
            assert told(answer) == self.model.edit(order_id, items)

    @rule(order_id=orders, data=st.data())
    def cancel_units(self, order_id: int, data: Draw) -> None:
        wishes = self.wishes(order_id, data.draw)
        body = {"items": self.listed(wishes)}
        answer = self.ask("POST", f"/orders/{order_id}/cancellations", body)
        assert told(answer) == self.model.cancel_items(order_id, wishes)

    @rule(order_id=orders, on_hold=st.sampled_from([True, False, False]))
    def put_on_hold_and_off(self, order_id: int, on_hold: bool) -> None:
        body = {"on_hold_reason": "why" if on_hold else None}
        answer = self.ask("PATCH", f"/orders/{order_id}", body)
        assert told(answer) == self.model.put_on_hold(order_id, on_hold=on_hold)

    @rule(
        target=parcels,
        order_id=orders,
        data=st.data(),
        whole=st.booleans(),
        code=st.none() | Goods.sites,
    )
    def fulfill(self, order_id: int, data: Draw, whole: bool, code: str | None) -> Any:
        wishes = None if whole else self.wishes(order_id, data.draw)
        return multiple(*self.sending(order_id, wishes, code))

    def sending(
        self, order_id: int, wishes: Sequence[Wish] | None, code: str | None
    ) -> list[tuple[int, int]]:
        answer = self.ask("POST", f"/orders/{order_id}/fulfillments", self._sending(wishes, code))
        return self._sent(answer, order_id, wishes, code)

    def _sending(self, wishes: Sequence[Wish] | None, code: str | None) -> Json:
        where = {} if code is None else {"location": code}
        return where if wishes is None else {**where, "items": self.listed(wishes)}

    def _sent(
        self, answer: Response, order_id: int, wishes: Sequence[Wish] | None, code: str | None
    ) -> list[tuple[int, int]]:
        expected = self.model.fulfill(order_id, wishes, code)
        assert (answer.status_code, answer.json().get("code", "")) == expected
        if answer.status_code != 201:
            return []
        number = answer.json()["id"]
        assert contents(answer.json()) == told_of(self.model.send(number, order_id, wishes, code))
        return [(order_id, number)]

    @rule(target=parcels, order_id=orders, data=st.data(), times=st.integers(2, 3))
    def parcels_at_once(self, order_id: int, data: Draw, times: int) -> Any:
        wishes = [self.wishes(order_id, data.draw) for _ in range(times)]
        path = f"/orders/{order_id}/fulfillments"
        answers = self.at_once([("POST", path, self._sending(one, None)) for one in wishes])
        pairs = zip(answers, wishes, strict=True)
        made = [one for answer, wish in pairs for one in self._sent(answer, order_id, wish, None)]
        return multiple(*made)

    @rule(order_ids=st.lists(orders, min_size=1, max_size=4), code=st.none() | Goods.sites)
    def fulfill_many(self, order_ids: list[int], code: str | None) -> None:
        body = {"order_ids": order_ids} | ({} if code is None else {"location": code})
        results = found(self.ask("POST", "/orders/fulfill", body))["results"]
        for result, order_id in zip(results, order_ids, strict=True):
            expected = self.model.fulfill(order_id, None, code)
            code_of = result.get("problem", {}).get("code", "")
            shown = (201 if result["status_code"] == 200 else result["status_code"], code_of)
            assert shown == expected
            if not code_of:
                made = self.rows(f"/orders/{order_id}/fulfillments?sort=-id&limit=1")[0]
                sent = self.model.send(made["id"], order_id, None, code)
                assert contents(made) == told_of(sent)

    @rule(parcel=parcels, astray=st.sampled_from([False, False, False, True]), other=orders)
    def undo(self, parcel: tuple[int, int], astray: bool, other: int) -> None:
        order_id, number = (other, parcel[1]) if astray else parcel
        answer = self.ask("POST", f"/orders/{order_id}/fulfillments/{number}/undo")
        expected = self.model.undo(order_id, number)
        assert (answer.status_code, answer.json().get("code", "")) == expected

    @rule(parcel=parcels)
    def undo_at_once(self, parcel: tuple[int, int]) -> None:
        path = f"/orders/{parcel[0]}/fulfillments/{parcel[1]}/undo"
        answers = self.at_once([("POST", path, None)] * 2)
        shown = [(one.status_code, one.json().get("code", "")) for one in answers]
        assert shown == [self.model.undo(*parcel) for _ in answers]

    @rule(target=parcels, order_id=orders, data=st.data(), code=Goods.sites, whole=st.booleans())
    def there_and_back(self, order_id: int, data: Draw, code: str, whole: bool) -> Any:
        """Sent, and some of it taken back, perhaps by two at once; now and then undone after all."""
        wishes = None if whole else self.wishes(order_id, data.draw)
        made = self.sending(order_id, wishes, data.draw(st.sampled_from([None, code])))
        self.take_back(order_id, data, code)
        for parcel in list(made) if data.draw(st.booleans()) else ():
            self.undo(parcel, astray=False, other=order_id)
            made += self.sending(order_id, None, None)
        return multiple(*made)

    @rule(order_id=orders, data=st.data(), code=Goods.sites)
    def take_back(self, order_id: int, data: Draw, code: str) -> None:
        disposition = data.draw(st.sampled_from(["restock", "write_off"]))
        wishes = [one._replace(quantity=1) for one in self.wishes(order_id, data.draw)]
        body = {"items": self.listed(wishes), "disposition": disposition, "location": code}
        times = data.draw(st.integers(1, 2))
        answers = self.at_once([("POST", f"/orders/{order_id}/returns", body)] * times)
        shown = [(one.status_code, one.json().get("code", "")) for one in answers]
        how = (disposition, code)
        assert shown == [self.model.take_back(order_id, wishes, how) for _ in answers]


def contents(parcel: Json) -> list[tuple[int, int, str, int]]:
    """Line, product, location and units, in no order."""
    names = ("line", "product_id", "location", "quantity")
    return sorted((*(one[name] for name in names),) for one in parcel["items"])


def told_of(parcel: Parcel) -> list[tuple[int, int, str, int]]:
    return sorted((one.line_no, *one[1:]) for one in parcel.lines)
