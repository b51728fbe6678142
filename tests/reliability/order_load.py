"""The same load with all that people do to orders: edits, parcels, returns, cancelled units, and mistakes."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.reliability.client import Ask, cancel, confirm, create
from tests.reliability.stock_load import StockLoad


def listed(*lines: tuple[int, int]) -> list[dict[str, int]]:
    return [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]


def verb(order_id: int, path: str, body: Any, key: str = "", method: str = "POST") -> Ask:
    return Ask(method, f"/orders/{order_id}{path}", body, key, order_id)


def edited(order_id: int, body: Any, key: str = "") -> Ask:
    return verb(order_id, "", body, key, "PATCH")


class OrderLoad(StockLoad):
    """One third of the time the stockroom and its buyers, two thirds an order that lives a full life."""

    async def _turn(self) -> None:
        turns: list[Callable[[], Awaitable[None]]] = [super()._turn, self._live, self._live]
        await self._chance.choice(turns)()

    async def _live(self) -> None:
        lines = [self._line() for _ in range(self._chance.randint(1, 3))]
        placed = await self._tell(create(lines, self._key()))
        if placed is None or placed.status != 201:
            return
        order_id: int = placed.json["id"]
        self.lived.add(order_id)
        if await self._tell(confirm(order_id, self._key())) is None:
            return
        for _ in range(self._chance.randint(1, 5)):
            if await self._tell(self._next(order_id, lines)) is None:
                return
        if self._chance.random() < 0.3:
            await self._undo_the_last(order_id)
        if self._chance.random() < 0.3:
            await self._tell(cancel(order_id, self._key()))

    def _next(self, order_id: int, lines: list[tuple[int, int]]) -> Ask:
        one = (self._chance.choice(lines)[0], 1)
        here = self._chance.choice(self._sites)
        other = [(product_id, self._chance.randint(1, 3)) for product_id, _ in lines]
        back = {"disposition": self._chance.choice(["restock", "write_off"]), "location": here}
        asks = [
            edited(order_id, {"items": listed(*other, self._line())}, self._key()),
            edited(order_id, {"payment_status": "paid"}, self._key()),
            verb(order_id, "/fulfillments", {"items": listed(one)}, self._key()),
            verb(order_id, "/fulfillments", {"location": here}, self._key()),
            verb(order_id, "/fulfillments", {}, self._key()),
            verb(order_id, "/cancellations", {"items": listed(one)}, self._key()),
            verb(order_id, "/returns", {"items": listed(one), **back}, self._key()),
            verb(order_id, "/notes", {"text": "called"}, self._key()),
        ]
        return self._chance.choice(asks)

    async def _undo_the_last(self, order_id: int) -> None:
        """Of what was sent as far as this client knows, by two who ask at once."""
        numbers = [
            reply.json["id"]
            for ask, reply in self.answers.items()
            if ask.about == order_id and ask.path.endswith("/fulfillments") and reply.status == 201
        ]
        if numbers:
            path = f"/fulfillments/{numbers[-1]}/undo"
            await self._walk([verb(order_id, path, None, self._key()) for _ in range(2)])
