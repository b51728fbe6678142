"""What happens to stock, as parts of what happens to products and orders."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.stock import rules, store
from leafcraft.stock.rules import Kind, Shelf, Why

OPENING = "opening stock"


class Opening(NamedTuple):
    """What a new product starts with."""

    product_id: int
    quantity: int
    by: Cause


def open_stock(tx: Transaction, openings: Sequence[Opening]) -> None:
    """Gives new products their level in `main`; what lies there from the start is a receipt."""
    products = [opening.product_id for opening in openings]
    shelf = Shelf(store.open_levels(tx, products, rules.MAIN))
    for product_id, quantity, by in openings:
        if quantity:
            shelf.receive(
                product_id, rules.MAIN, quantity, why=Why(Kind.RECEIPT, by, reason=OPENING)
            )
    put_back(tx, shelf)


async def shelf(tx: Transaction, product_ids: Iterable[int]) -> Shelf:
    """The levels of these products, locked until the transaction ends."""
    return Shelf(await store.lock(tx, product_ids))


def put_back(tx: Transaction, shelf: Shelf) -> None:
    """Writes down all that was done on the shelf: levels, reservations, and the ledger."""
    changed = shelf.changed
    if changed:
        store.save_levels(tx, changed)
        store.close_reservations(tx, shelf.released)
        store.add_reservations(tx, shelf.reserved)
        store.add_movements(tx, shelf.movements)
