"""Whatever is done in whatever order: the service answers as the model does, and holds what the model holds."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, Phase
from hypothesis import settings as HypothesisSettings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.verify import verify
from tests.builders import Shop, open_shop
from tests.reliability.model import Lines, Model, Told

T = TypeVar("T")
EXAMPLES = {"sqlite": 100, "mariadb": 30}
STEPS = 30
SHOWN = STEPS + 5
"""Enough to show every product that one example can have made, the newest first."""
NOBODYS = 10**12
"""An id that nothing has."""

quantities = st.integers(1, 4)
prices = st.integers(0, 999).map(lambda cents: cents / 100)


class World:
    """The service in this process, kept running on a loop of its own for all examples."""

    def __init__(self, runner: asyncio.Runner, shop: Shop, database: Database) -> None:
        self.shop = shop
        self._runner = runner
        self._database = database
        self._names = itertools.count(1)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def name(self, what: str) -> str:
        return f"{what} {next(self._names)}"

    def assert_sound(self) -> None:
        findings = self.run(verify(self._database))
        assert [finding for finding in findings if finding.discrepancies] == []


class Trade(RuleBasedStateMachine):
    """What people do in a shop; with a key they may do it again."""

    products: Bundle[int] = Bundle("products")
    orders: Bundle[int] = Bundle("orders")

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.model = Model()
        self.answered: list[tuple[tuple[str, str, Any, str], Response]] = []

    def ask(self, method: str, path: str, body: Any = None) -> Response:
        """Every request has a key, and its answer is remembered."""
        request = (method, path, body, self.world.name("key"))
        answer = self.send(*request)
        self.answered.append((request, answer))
        return answer

    def send(self, method: str, path: str, body: Any = None, key: str = "") -> Response:
        headers = {"idempotency-key": key} if key else {}
        client = self.world.shop.client
        content = {} if body is None else {"json": body}
        return self.world.run(client.request(method, path, headers=headers, **content))

    @initialize(target=products, stock=st.lists(st.integers(0, 9), min_size=2, max_size=3))
    def opening(self, stock: list[int]) -> Any:
        return multiple(*(self.create_product(1.25, one) for one in stock))

    def create_product(self, price: float, stock: int) -> int:
        body = {"name": self.world.name("tea"), "price": price, "stock_quantity": stock}
        answer = self.ask("POST", "/products/", body)
        assert answer.status_code == 201, answer.text
        product_id: int = answer.json()["id"]
        self.model.create_product(product_id, round(price * 100), stock)
        return product_id

    @rule(target=products, price=prices, stock=st.integers(0, 9))
    def a_new_product(self, price: float, stock: int) -> int:
        return self.create_product(price, stock)

    @rule(product_id=products, price=prices)
    def a_new_price(self, product_id: int, price: float) -> None:
        answer = self.ask("PATCH", f"/products/{product_id}", {"price": price})
        assert answer.status_code == 200, answer.text
        self.model.price(product_id, round(price * 100))

    @rule(product_id=products, archived=st.booleans())
    def out_of_sale_and_back(self, product_id: int, archived: bool) -> None:
        answer = self.ask("POST", f"/products/{product_id}/{'' if archived else 'un'}archive")
        assert answer.status_code == 200, answer.text
        self.model.archive(product_id, archived)

    @rule(
        target=orders,
        lines=st.lists(
            st.tuples(st.one_of(products, products, products, st.just(NOBODYS)), quantities),
            min_size=1,
            max_size=3,
        ),
    )
    def place(self, lines: Lines) -> Any:
        items = [{"product_id": one, "quantity": quantity} for one, quantity in lines]
        answer = self.ask("POST", "/orders/create_order", {"items": items})
        refusal = self.model.refuse_order(lines)
        if refusal:
            assert told(answer) == refusal
            return multiple()
        assert answer.status_code == 201, answer.text
        order_id: int = answer.json()["id"]
        self.model.place(order_id, lines)
        return order_id

    @rule(order_id=st.one_of(orders, orders, orders, st.just(NOBODYS)))
    def confirm(self, order_id: int) -> None:
        order = self.model.orders.get(order_id)
        short = self.model.shortages(order_id) if order else []
        answer = self.ask("PATCH", f"/orders/{order_id}/confirm")
        expected = self.model.confirm(order_id)
        assert told(answer) == expected
        if expected[1] == "insufficient_stock":
            named = [
                {k: v for k, v in one.items() if k != "sku"} for one in answer.json()["shortages"]
            ]
            assert named == short

    @rule(order_id=st.one_of(orders, orders, orders, st.just(NOBODYS)))
    def cancel(self, order_id: int) -> None:
        answer = self.ask("PATCH", f"/orders/{order_id}/cancel")
        assert told(answer) == self.model.cancel(order_id)

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

    @rule(order_ids=st.lists(orders, min_size=2, max_size=4, unique=True))
    def confirm_at_once(self, order_ids: list[int]) -> None:
        """In one transaction, in the order they came in."""
        patch = self.world.shop.client.patch
        paths = [f"/orders/{order_id}/confirm" for order_id in order_ids]

        async def together() -> list[Response]:
            return list(await asyncio.gather(*map(patch, paths)))

        answers = self.world.run(together())
        assert [told(one) for one in answers] == [self.model.confirm(one) for one in order_ids]

    @rule(which=st.integers(0, 10**6))
    def replay(self, which: int) -> None:
        """What was final is told again, and nothing is done."""
        final = [pair for pair in self.answered if pair[1].status_code in {200, 201, 409}]
        if final:
            request, first = final[which % len(final)]
            again = self.send(*request)
            assert (again.status_code, again.content) == (first.status_code, first.content)
            assert again.headers["idempotent-replayed"] == "true"

    @rule(which=st.integers(0, 10**6), product_id=products)
    def a_key_for_something_else(self, which: int, product_id: int) -> None:
        final = [pair for pair in self.answered if pair[1].status_code in {200, 201, 409}]
        if final:
            key = final[which % len(final)][0][3]
            body = {"items": [{"product_id": product_id, "quantity": 77}]}
            answer = self.send("POST", "/orders/create_order", body, key)
            assert told(answer) == (422, "idempotency_key_reused")

    @invariant()
    def stock_is_as_the_model_has_it(self) -> None:
        found = self.send("GET", f"/products/?sort=-id&limit={SHOWN}").json()
        shown = {one["id"]: one for one in found}
        for product_id, product in self.model.products.items():
            one = shown[product_id]
            stock = (one["on_hand"], one["reserved"], one["stock_quantity"])
            assert stock == (product.on_hand, product.reserved, product.available)
            assert (round(one["price"] * 100), one["archived"]) == (product.price, product.archived)

    def teardown(self) -> None:
        for order_id, order in self.model.orders.items():
            shown = self.send("GET", f"/orders/{order_id}").json()
            assert (shown["status"], round(shown["total_amount"] * 100)) == (
                order.status,
                order.total,
            )
            lines = [(item["product_id"], item["quantity"]) for item in shown["items"]]
            assert lines == list(order.lines)
        assert self.ledger() == self.model.ledger
        self.world.assert_sound()

    def ledger(self) -> Counter[tuple[int, str]]:
        moved: Counter[tuple[int, str]] = Counter()
        for product_id in self.model.products:
            path = f"/stock/movements?product_id={product_id}&limit=500"
            for one in self.send("GET", path).json():
                moved[product_id, one["kind"]] += one["on_hand_delta"] + one["reserved_delta"]
        return moved


def told(answer: Response) -> Told:
    body = answer.json()
    return answer.status_code, body["order"]["status"] if "order" in body else body["code"]


@pytest.mark.timeout(300)
def test_the_shop_trades_as_the_model_does(settings: Settings, database_kind: str) -> None:
    with asyncio.Runner() as runner:
        opening = open_shop(settings)
        shop = runner.run(opening.__aenter__())
        database = Database(settings.database_url, settings.data_dir)
        world = World(runner, shop, database)
        profile = hypothesis_settings(EXAMPLES[database_kind])
        try:
            run_state_machine_as_test(partial(Trade, world), settings=profile)  # type: ignore[arg-type]
        finally:
            runner.run(database.close())
            runner.run(opening.__aexit__(None, None, None))


def hypothesis_settings(examples: int) -> HypothesisSettings:
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
