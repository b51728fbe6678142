"""Orders taken up together with their stock, changed one command after the other, and put back together."""

from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from leafcraft.db import Transaction
from leafcraft.errors import Refusal, not_found
from leafcraft.orders import rules, store
from leafcraft.orders.holds import held_now, products_of
from leafcraft.orders.rules import Order, Status, Verb
from leafcraft.stock import keeping as stock
from leafcraft.stock import promises
from leafcraft.stock import store as stock_store
from leafcraft.stock.promised import Promised
from leafcraft.stock.rules import Location
from leafcraft.stock.shelf import Shelf


class Needs(NamedTuple):
    """What is wanted beside the orders; `moving` are those whose stock may move, None being all."""

    moving: Container[int] | None = None
    products: Collection[int] = ()
    locations: Collection[str] = ()
    location_ids: Collection[int] = ()

    def moves(self, order: Order) -> bool:
        """Whoever meets a hold that has ended writes it off, whatever they came for."""
        return order.holds or self.moving is None or order.id in self.moving


NOTHING_MORE = Needs()


@dataclass
class Desk:
    """`orders` are as they are by now, after the commands so far; `before` is how they were read."""

    tx: Transaction
    orders: dict[int, Order]
    places: dict[str, Location]
    """The locations in question, by code: nobody closes one meanwhile."""
    shelf: Shelf
    promised: Promised
    before: dict[int, Order]

    @classmethod
    async def take(
        cls, tx: Transaction, order_ids: Iterable[int], needs: Needs = NOTHING_MORE
    ) -> "Desk":
        """Locks the orders, the locations, and then the stock of all products in question."""
        orders = await store.lock(tx, order_ids)
        places = await stock_store.locations(tx, needs.locations, tx.for_share)
        sites = await stock_store.locations_by_id(tx, needs.location_ids, tx.for_share)
        places.update({place.code: place for place in sites.values()})
        touched = products_of(orders.values(), needs.moves) | set(needs.products)
        shelf = await stock.take(tx, touched)
        held = await held_now(tx, orders, shelf)
        confirmed = (order for order in orders.values() if order.status is Status.CONFIRMED)
        firm = [order.id for order in confirmed if needs.moves(order)]
        promised = Promised(shelf, {**held, **await promises.active(tx, firm)})
        return cls(tx, orders, places, shelf, promised, dict(orders))

    def find(self, order_id: int, verb: Verb | None = None) -> Order | Refusal:
        """The order, if this can be done to it."""
        order = self.orders.get(order_id)
        if order is None:
            return not_found("order", order_id)
        return (rules.refuse(verb, order) if verb else None) or order

    def put_back(self) -> None:
        """Writes down all that was done."""
        stock.put_back(self.tx, self.shelf)
        promises.put(self.tx, self.promised.changed)
        changed = [
            (before, self.orders[order_id])
            for order_id, before in self.before.items()
            if self.orders[order_id] != before
        ]
        store.save(self.tx, changed)
        freed = [b.id for b, after in changed if b.holds and not after.holds]
        store.end_holds(self.tx, freed)
