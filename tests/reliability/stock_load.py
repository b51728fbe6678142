"""The same load with a stockroom: goods come, go and are carried about, orders hold, mistakes are taken back."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.reliability.client import Ask, cancel, confirm
from tests.reliability.load import Load
from tests.reliability.stockroom import (
    MAIN,
    adjust,
    hold,
    holding,
    moved,
    open_site,
    receipt,
    receive,
    reverse,
    transfer,
)


class StockLoad(Load):
    """Buyers half of the time, and whoever works in the stockroom the other half."""

    async def prepare(self) -> None:
        self._sites = [MAIN, *[(await open_site(self._client)).code for _ in range(2)]]

    async def _turn(self) -> None:
        turns: list[Callable[[], Awaitable[None]]] = [
            super()._turn,
            self._hold,
            self._arrive,
            self._carry,
            self._correct,
        ]
        await self._chance.choice(turns)()

    async def _hold(self) -> None:
        """An order that holds from the start, or from a little later on."""
        placed = await self._tell(holding([self._line()], 60, self._key()))
        if placed is None or placed.status != 201:
            return
        order_id = placed.json["id"]
        last = self._chance.choice([confirm, cancel])
        steps = [hold(order_id, self._chance.randint(1, 90) + 60, self._key())]
        await self._walk([*steps, last(order_id, self._key())][: self._chance.randint(0, 2)])

    async def _arrive(self) -> None:
        """Goods come in, one by one or as a list, in which something may be refused."""
        here = self._chance.choice(self._sites)
        product_id, quantity = self._line()
        if self._chance.random() < 0.5:
            await self._tell(receive(product_id, quantity, here, self._key()))
            return
        rows: list[dict[str, Any]] = [receipt(*self._line(), here) for _ in range(5)]
        rows.insert(self._chance.randint(0, 5), receipt(product_id, quantity, "nowhere"))
        await self._tell(Ask("POST", "/stock/receipts", rows, self._key()))

    async def _carry(self) -> None:
        there, here = self._chance.sample(self._sites, 2)
        await self._mistaken(transfer(*self._line(), (there, here), self._key()))

    async def _correct(self) -> None:
        product_id, quantity = self._line()
        delta = quantity if self._chance.random() < 0.5 else -quantity
        here = self._chance.choice(self._sites)
        await self._mistaken(adjust(product_id, delta, here, self._key()))

    async def _mistaken(self, ask: Ask) -> None:
        """Every second time it is taken back, and every fourth time twice, which is refused."""
        done = await self._tell(ask)
        if done is None or done.status != 201:
            return
        number = self._chance.choice(moved(done))["id"]
        again = self._chance.choice([0, 0, 1, 2])
        await self._walk([reverse(number, self._key()) for _ in range(again)])
