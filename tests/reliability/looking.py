"""What must be true of the shop at every moment, and at the end; and how a state machine is played."""

import asyncio
from collections.abc import Callable
from functools import partial

from hypothesis import HealthCheck, Phase
from hypothesis import settings as HypothesisSettings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test

from leafcraft.config import Settings
from tests.builders import Clock, Json
from tests.orders.holding import unswept
from tests.reliability.model import Line
from tests.reliability.trading import Desk, World, entry_of, moment_of

STEPS = 40
SHOWN = STEPS + 5
"""Enough to show every product that one example can have made, the newest first."""


class Looking(Desk):
    """Compares all that is shown with what the model has."""

    @invariant()
    def products_are_as_the_model_has_them(self) -> None:
        shown = {one["id"]: one for one in self.rows(f"/products/?sort=-id&limit={SHOWN}")}
        for product_id, product in self.model.products.items():
            one, levels = shown[product_id], self.model.shelves.of(product_id).values()
            stock = (one["on_hand"], one["reserved"], one["stock_quantity"])
            on_hand, reserved = sum(v.on_hand for v in levels), sum(v.reserved for v in levels)
            assert stock == (on_hand, reserved, on_hand - reserved)
            assert (round(one["price"] * 100), one["archived"]) == (product.price, product.archived)
            assert one["reorder_point"] == product.reorder_point

    @invariant()
    def low_products_are_listed(self) -> None:
        low = self.rows(f"/products/?low_stock=true&sort=-id&limit={SHOWN}")
        assert [p["id"] for p in low if p["id"] in self.model.products] == self.model.low()

    @invariant()
    def levels_are_as_the_model_has_them(self) -> None:
        shown = {
            (one["product_id"], one["location"]): (one["on_hand"], one["reserved"])
            for one in self.rows("/stock/levels?sort=-product_id&limit=150")
            if one["product_id"] in self.model.products
        }
        levels = self.model.shelves.levels.items()
        assert shown == {place: (level.on_hand, level.reserved) for place, level in levels}

    @invariant()
    def orders_are_as_the_model_has_them(self) -> None:
        for query in ("", "status=Expired&"):
            rows = self.rows(f"/orders/?{query}sort=-id&limit=200")
            wanted = query.removeprefix("status=").rstrip("&")
            assert {
                one["id"]: (one["status"], moment_of(one["expires_at"]))
                for one in rows
                if one["id"] in self.model.orders
            } == {
                number: (order.status, order.shown_until)
                for number, order in self.model.orders.items()
                if wanted in {"", order.status}
            }

    def teardown(self) -> None:
        self.world.sweep()
        for order_id, order in self.model.orders.items():
            shown = self.send("GET", f"/orders/{order_id}").json()
            amounts = [round(shown[name] * 100) for name in ("total_amount", "net_amount")]
            assert (shown["status"], amounts) == (order.status, [order.total, order.net])
            assert [line_of(item) for item in shown["items"]] == order.lines
        for (product_id, code), level in self.model.shelves.levels.items():
            path = f"/stock/movements?product_id={product_id}&location={code}&limit=500"
            assert [entry_of(one) for one in self.rows(path)] == level.ledger
        self.world.assert_sound()


def line_of(item: Json) -> Line:
    """A line as it is shown."""
    price = round(item["unit_price"] * 100)
    names = ("line", "product_id", "quantity", "fulfilled", "returned", "cancelled")
    number, product_id, quantity, *units = (item[name] for name in names)
    return Line(number, product_id, quantity, price, *units)


def play(
    machine: Callable[[World], RuleBasedStateMachine], settings: Settings, *, examples: int
) -> None:
    """So many examples, over one service."""
    clock = Clock()
    with asyncio.Runner() as runner:
        opening = unswept(settings, clock)
        world = World(runner, runner.run(opening.__aenter__()), clock)
        try:
            run_state_machine_as_test(partial(machine, world), settings=profile(examples))  # type: ignore[arg-type]
        finally:
            world.close()
            runner.run(opening.__aexit__(None, None, None))


def profile(examples: int) -> HypothesisSettings:
    """The same examples in every run. A failure is shown as it was found: to shrink it over a real
    database would take minutes."""
    return HypothesisSettings(
        max_examples=examples,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
