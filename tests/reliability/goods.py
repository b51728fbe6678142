"""The rules of the state machine that move goods: products, receipts, adjustments, transfers, locations."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, initialize, multiple, rule

from tests.reliability.looking import Looking
from tests.reliability.shelves import MAIN, Location

NOBODYS = 10**12
"""An id that nothing has."""

quantities = st.integers(1, 4)
prices = st.integers(0, 999).map(lambda cents: cents / 100)
verbs = st.sampled_from(["receive", "adjust", "transfer"])
PATHS = {"receive": "receipts", "adjust": "adjustments", "transfer": "transfers"}


class Goods(Looking):
    """People in a stockroom of two or three locations."""

    products: Bundle[int] = Bundle("products")
    sites: Bundle[str] = Bundle("sites")
    movements: Bundle[int] = Bundle("movements")

    @initialize(target=sites, priorities=st.lists(st.integers(0, 3), min_size=1, max_size=2))
    def locations(self, priorities: list[int]) -> Any:
        return multiple(MAIN, *(self.open(priority) for priority in priorities))

    def open(self, priority: int) -> str:
        code = self.world.name("place")
        answer = self.ask("POST", "/locations/", {"code": code, "priority": priority})
        assert answer.status_code == 201, answer.text
        self.model.shelves.locations[code] = Location(answer.json()["id"], priority)
        return code

    @rule(
        code=sites,
        priority=st.none() | st.integers(0, 3),
        active=st.sampled_from([None, None, True, False]),
    )
    def a_location_is_ranked_closed_or_opened(
        self, code: str, priority: int | None, active: bool | None
    ) -> None:
        number = self.model.shelves.locations[code].id
        kept = None if code == MAIN else priority  # that one is shared by all examples
        edit = {"priority": kept, "active": active}
        body = {name: value for name, value in edit.items() if value is not None}
        answer = self.ask("PATCH", f"/locations/{number}", body)
        shown = answer.json()
        expected = self.model.shelves.edit(code, kept, active)
        assert (answer.status_code, shown.get("code")) == expected
        if answer.status_code == 200:
            location = self.model.shelves.locations[code]
            assert (shown["priority"], shown["active"]) == (location.priority, location.active)

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

    @rule(product_id=products, price=prices, point=st.none() | st.integers(0, 6))
    def a_new_price_and_reorder_point(
        self, product_id: int, price: float, point: int | None
    ) -> None:
        body = {"price": price, "reorder_point": point}
        answer = self.ask("PATCH", f"/products/{product_id}", body)
        assert answer.status_code == 200, answer.text
        product = self.model.products[product_id]
        product.price, product.reorder_point = round(price * 100), point
        assert answer.json()["stock_quantity"] == self.model.shelves.available(product_id)

    @rule(product_id=products, archived=st.sampled_from([True, False, False]))
    def out_of_sale_and_back(self, product_id: int, archived: bool) -> None:
        answer = self.ask("POST", f"/products/{product_id}/{'' if archived else 'un'}archive")
        assert answer.status_code == 200, answer.text
        self.model.products[product_id].archived = archived

    @rule(target=movements, product_id=products, code=sites, quantity=st.integers(1, 9))
    def receive(self, product_id: int, code: str, quantity: int) -> Any:
        body = {"product_id": product_id, "quantity": quantity, "location": code}
        return self.move("receive", body)

    @rule(
        target=movements,
        product_id=st.one_of(products, products, products, st.just(NOBODYS)),
        code=st.one_of(sites, sites, sites, st.just("nowhere")),
        verb=verbs,
        to=sites,
    )
    def astray(self, product_id: int, code: str, verb: str, to: str) -> Any:
        """What may be of no product, or at no location."""
        if to != code:
            return self.move(verb, self.body(verb, product_id, (code, to), 1))
        return multiple()

    @staticmethod
    def body(verb: str, product_id: int, codes: tuple[str, str], units: int) -> dict[str, Any]:
        there, here = codes
        if verb == "transfer":
            places = {"from_location": there, "to_location": here}
            return {"product_id": product_id, "quantity": units, **places}
        if verb == "adjust":
            change = {"delta": units, "reason": "found"}
            return {"product_id": product_id, "location": there, **change}
        return {"product_id": product_id, "quantity": units, "location": there}

    @rule(
        target=movements,
        product_id=products,
        code=sites,
        delta=st.integers(-6, 6).filter(bool),
        reason=st.sampled_from(["damaged", "lost", "found", "expired", "correction", "other"]),
    )
    def adjust(self, product_id: int, code: str, delta: int, reason: str) -> Any:
        change = {"delta": delta, "reason": reason}
        return self.move("adjust", {"product_id": product_id, "location": code, **change})

    @rule(
        target=movements,
        product_id=products,
        code=sites,
        counted=st.integers(0, 12),
        beside=st.sampled_from([None, 0, 0, 1, -1]),
    )
    def count(self, product_id: int, code: str, counted: int, beside: int | None) -> Any:
        """What was expected is right, or a little beside it, or not said."""
        change: dict[str, Any] = {"counted": counted, "reason": "count"}
        level = self.model.shelves.levels.get((product_id, code))
        if beside is not None:
            change["expected_on_hand"] = max(0, (level.on_hand if level else 0) + beside)
        return self.move("adjust", {"product_id": product_id, "location": code, **change})

    @rule(target=movements, product_id=products, there=sites, here=sites, quantity=quantities)
    def transfer(self, product_id: int, there: str, here: str, quantity: int) -> Any:
        body = self.body("transfer", product_id, (there, here), quantity)
        if there == here:
            answer = self.ask("POST", "/stock/transfers", body)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
            return multiple()
        return self.move("transfer", body)

    @rule(target=movements, movement_id=st.one_of(movements, consumes(movements), st.just(NOBODYS)))
    def reverse(self, movement_id: int) -> Any:
        path = f"/stock/movements/{movement_id}/reverse"
        expected = self.model.shelves.reverse(movement_id)
        before = set(self.model.shelves.written)
        self.moved(self.ask("POST", path), expected)
        return multiple(*(set(self.model.shelves.written) - before))

    def move(self, verb: str, body: dict[str, Any]) -> Any:
        before = set(self.model.shelves.written)
        expected = getattr(self.model.shelves, verb)(**body)
        self.moved(self.ask("POST", f"/stock/{PATHS[verb]}", body), expected)
        return multiple(*sorted(set(self.model.shelves.written) - before))

    @rule(
        target=movements,
        verb=verbs,
        many=st.lists(
            st.tuples(products | st.just(NOBODYS), st.tuples(sites, sites), quantities),
            min_size=1,
            max_size=4,
        ),
    )
    def many(self, verb: str, many: list[tuple[int, tuple[str, str], int]]) -> Any:
        """In one call, each for itself."""
        apart = [one for one in many if verb != "transfer" or one[1][0] != one[1][1]]
        bodies = [self.body(verb, *one) for one in apart]
        if not bodies:
            return multiple()
        before = set(self.model.shelves.written)
        expected = [getattr(self.model.shelves, verb)(**body) for body in bodies]
        self.moved_many(self.ask("POST", f"/stock/{PATHS[verb]}", bodies), expected)
        return multiple(*sorted(set(self.model.shelves.written) - before))
