"""Whatever is packed, sent, undone, cancelled and taken back: every unit is where the model has it."""

import logging
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import multiple, rule

from tests.conftest import MakeSettings
from tests.orders.holding import DAY_MINUTES
from tests.reliability.dispatch import Dispatch, few
from tests.reliability.goods import Goods
from tests.reliability.looking import play
from tests.reliability.trading import told

EXAMPLES = {"sqlite": 30, "mariadb": 12}


class Packing(Dispatch):
    """A shop that has goods, and mostly works on its orders."""

    orders = Dispatch.orders
    astray = adjust = count = transfer = reverse = many = None  # type: ignore[assignment]
    a_new_product = None  # type: ignore[assignment]

    @rule(
        target=orders,
        lines=st.lists(st.tuples(Goods.products, few), min_size=1, max_size=3),
        minutes=st.none() | st.integers(1, 3),
    )
    def place(self, lines: list[tuple[int, int]], minutes: int | None) -> Any:
        refusal = self.model.refuse_order(lines, minutes)
        answer = self.ask("POST", "/orders/", {**self.edited(lines), "hold_minutes": minutes})
        if refusal:
            assert told(answer) == refusal
            return multiple()
        assert answer.status_code == 201, answer.text
        order_id: int = answer.json()["id"]
        self.model.place(order_id, lines, minutes)
        return order_id

    @rule(order_id=orders)
    def confirm(self, order_id: int) -> None:
        answer = self.ask("PATCH", f"/orders/{order_id}/confirm")
        assert told(answer) == self.model.confirm(order_id)

    @rule(order_id=orders, sure=st.sampled_from([False, False, True]))
    def cancel(self, order_id: int, sure: bool) -> None:
        if sure:
            answer = self.ask("PATCH", f"/orders/{order_id}/cancel")
            assert told(answer) == self.model.cancel(order_id)

    @rule(seconds=st.sampled_from([1, 20, 60]))
    def time_passes(self, seconds: int) -> None:
        self.advance(self.model.now + seconds * 10**6)


def test_orders_are_sent_and_taken_back_as_the_model_has_it(
    make_settings: MakeSettings, database_kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    play(Packing, make_settings(token_minutes=DAY_MINUTES), examples=EXAMPLES[database_kind])
    assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == []
