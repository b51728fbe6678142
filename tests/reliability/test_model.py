"""Whatever is done in whatever order: the service answers as the model does, and holds what the model holds."""

import logging
from typing import Any

import pytest
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    multiple,
    precondition,
    rule,
)

from leafcraft import times
from tests.builders import Json
from tests.conftest import MakeSettings
from tests.orders.holding import DAY_MINUTES
from tests.reliability.goods import NOBODYS, Goods, quantities
from tests.reliability.looking import play
from tests.reliability.model import Lines
from tests.reliability.trading import FINAL, moment_of, short, told

EXAMPLES = {"sqlite": 40, "mariadb": 15}

minutes = st.integers(1, 3)
some_micros = st.sampled_from([1, 10**6, 20 * 10**6, 60 * 10**6, 100 * 10**6])


class Trade(Goods):
    """What people do in a shop while time passes; with a key they may do it again."""

    products = Goods.products
    orders: Bundle[int] = Bundle("orders")
    some_orders = st.one_of(orders, orders, orders, st.just(NOBODYS))
    lines = st.lists(
        st.tuples(st.one_of(products, products, products, products, st.just(NOBODYS)), quantities),
        min_size=1,
        max_size=3,
    )

    # ── orders ───────────────────────────────────────────────────────────────

    @rule(target=orders, lines=lines, for_minutes=st.none() | minutes)
    def place(self, lines: Lines, for_minutes: int | None) -> Any:
        answer = self.ask("POST", "/orders/create_order", self.wanted(lines, for_minutes))
        refusal = self.model.refuse_order(lines, for_minutes)
        if refusal:
            assert told(answer) == refusal
            if refusal[0] == 409:
                assert short(answer) == self.model.shortages(lines)
            return multiple()
        assert answer.status_code == 201, answer.text
        order_id: int = answer.json()["id"]
        self.model.place(order_id, lines, for_minutes)
        assert moment_of(answer.json()["expires_at"]) == self.model.orders[order_id].until
        return order_id

    @staticmethod
    def wanted(lines: Lines, for_minutes: int | None) -> Json:
        items = [{"product_id": one, "quantity": quantity} for one, quantity in lines]
        return {"items": items, "hold_minutes": for_minutes}

    @rule(target=orders, many=st.lists(st.tuples(lines, minutes), min_size=2, max_size=4))
    def holds_at_once(self, many: list[tuple[Lines, int]]) -> Any:
        """In one transaction, in the order they came in."""
        asked = [("POST", "/orders/", self.wanted(*one)) for one in many]
        made = []
        for answer, one in zip(self.at_once(asked), many, strict=True):
            refusal = self.model.refuse_order(*one)
            if refusal:
                assert told(answer) == refusal
            else:
                assert answer.status_code == 201, answer.text
                made.append(answer.json()["id"])
                self.model.place(made[-1], *one)
        return multiple(*made)

    @rule(order_id=some_orders)
    def confirm(self, order_id: int) -> None:
        order = self.model.orders.get(order_id)
        lacking = self.model.shortages([one[1:] for one in order.wanted]) if order else []
        answer = self.ask("PATCH", f"/orders/{order_id}/confirm")
        expected = self.model.confirm(order_id)
        assert told(answer) == expected
        if expected[1] == "insufficient_stock":
            assert short(answer) == lacking

    @rule(order_id=some_orders)
    def cancel(self, order_id: int) -> None:
        answer = self.ask("PATCH", f"/orders/{order_id}/cancel")
        assert told(answer) == self.model.cancel(order_id)

    @rule(order_id=some_orders, for_minutes=minutes)
    def hold(self, order_id: int, for_minutes: int) -> None:
        path = f"/orders/{order_id}/hold"
        answer = self.ask("POST", path, {"hold_minutes": for_minutes})
        assert told(answer) == self.model.hold(order_id, for_minutes)
        if answer.status_code == 200:
            assert moment_of(answer.json()["expires_at"]) == self.model.orders[order_id].until

    @rule(order_ids=st.lists(st.one_of(orders, orders, st.just(NOBODYS)), min_size=1, max_size=5))
    def confirm_many(self, order_ids: list[int]) -> None:
        answer = self.ask("POST", "/orders/confirm", {"order_ids": order_ids})
        assert answer.status_code == 200, answer.text
        results = [
            (one["status_code"], one.get("problem", {}).get("code", "Confirmed"))
            for one in answer.json()["results"]
        ]
        assert [one["order_id"] for one in answer.json()["results"]] == order_ids
        assert results == [self.model.confirm(order_id) for order_id in order_ids]

    @rule(
        order_ids=st.lists(orders, min_size=2, max_size=4),
        verb=st.sampled_from(["confirm", "cancel", "hold"]),
    )
    def many_at_once(self, order_ids: list[int], verb: str) -> None:
        """In one transaction, in the order they came in; an order may come twice."""
        body = {"hold_minutes": 2} if verb == "hold" else None
        asked = [("POST", f"/orders/{order_id}/{verb}", body) for order_id in order_ids]
        more = {"minutes": 2} if verb == "hold" else {}
        answers = [told(one) for one in self.at_once(asked)]
        assert answers == [getattr(self.model, verb)(one, **more) for one in order_ids]

    # ── time ─────────────────────────────────────────────────────────────────

    @rule(steps=st.lists(some_micros, min_size=1, max_size=3))
    def time_passes(self, steps: list[int]) -> None:
        """And nothing else happens, but that people look."""
        for micros in steps:
            self.advance(self.model.now + micros)
            self.products_are_as_the_model_has_them()
            self.levels_are_as_the_model_has_them()

    @precondition(lambda self: self.model.next_end() is not None)
    @rule(early=st.booleans())
    def a_hold_ends(self, early: bool) -> None:
        """Or is just about to end."""
        end = self.model.next_end()
        assume(end is not None and end - early > self.model.now)
        self.advance((end or 0) - early)

    @rule()
    def sweep(self) -> None:
        self.world.sweep()
        assert self.world.sweep() == 0

    @rule(product_id=products, share=st.floats(0, 1))
    def ask_the_past(self, product_id: int, share: float) -> None:
        """Any moment since the product came."""
        ledger = [e for level in self.model.shelves.of(product_id).values() for e in level.ledger]
        begin = min((entry.occurred_at for entry in ledger), default=self.model.now) - 1
        moment = begin + round((self.model.now - begin) * share)
        for asked in {moment, *(e.occurred_at for e in ledger[-1:] if share > 0.5)}:
            answer = self.send("GET", f"/products/{product_id}/stock?as_of={times.write(asked)}")
            shown = {
                one["location"]: (one["on_hand"], one["reserved"])
                for one in answer.json()["levels"]
            }
            levels = self.model.shelves.of(product_id)
            assert shown == {code: level.at(asked) for code, level in levels.items()}

    @rule(product_id=products)
    def explain(self, product_id: int) -> None:
        shown = self.send("GET", f"/products/{product_id}/availability").json()
        assert [
            (moment_of(one["expires_at"]), one["order_id"], one["location"], one["quantity"])
            for one in shown["reservations"]
        ] == self.model.promised(product_id)
        assert shown["available"] == self.model.shelves.available(product_id)

    # ── keys ─────────────────────────────────────────────────────────────────

    @rule(which=st.integers(0, 10**6))
    def replay(self, which: int) -> None:
        """What was final is told again, and nothing is done."""
        final = [pair for pair in self.answered if pair[1].status_code in FINAL]
        if final:
            request, first = final[which % len(final)]
            again = self.send(*request)
            assert (again.status_code, again.content) == (first.status_code, first.content)
            assert again.headers["idempotent-replayed"] == "true"

    @rule(which=st.integers(0, 10**6), product_id=products)
    def a_key_for_something_else(self, which: int, product_id: int) -> None:
        final = [pair for pair in self.answered if pair[1].status_code in FINAL]
        if final:
            key = final[which % len(final)][0][3]
            body = {"items": [{"product_id": product_id, "quantity": 77}]}
            answer = self.send("POST", "/orders/create_order", body, key)
            assert told(answer) == (422, "idempotency_key_reused")


def test_the_shop_trades_as_the_model_does(
    make_settings: MakeSettings, database_kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    play(Trade, make_settings(token_minutes=DAY_MINUTES), examples=EXAMPLES[database_kind])
    # What broke a transaction, and did not break its commands alone, shows nowhere else.
    assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == []
