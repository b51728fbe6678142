"""What every change of stock begins and ends with: levels are taken under lock, and put back with their ledger."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Refusal
from leafcraft.stock import promises, rules, store
from leafcraft.stock.rules import Kind, Reorder, Shortage, Why
from leafcraft.stock.shelf import Shelf, Watched
from leafcraft.times import NEVER

OPENING = "opening stock"
SETTLED_AT_ONCE_MAX = 200
NO_REORDER = Reorder()


class Opening(NamedTuple):
    """What a new product starts with."""

    product_id: int
    quantity: int
    by: Cause
    reorder: Reorder = NO_REORDER


async def open_stock(tx: Transaction, openings: Sequence[Opening]) -> None:
    """Gives new products their level in `main`; what lies there from the start is a receipt."""
    shelf = Shelf([], tx.now)
    for opening in openings:
        level = shelf.place(opening.product_id, rules.MAIN)
        if opening.quantity:
            why = Why(Kind.RECEIPT, opening.by, reason=OPENING)
            shelf.move(level, why, on_hand=opening.quantity)
    store.open_levels(tx, shelf.levels)
    put_back(tx, shelf)
    news = {one.product_id: one.reorder for one in openings if one.reorder != NO_REORDER}
    await set_reorder(tx, shelf, news)


async def take(tx: Transaction, product_ids: Iterable[int]) -> Shelf:
    """The levels of these products, locked until the transaction ends, without the holds that have ended."""
    levels, watched = await store.lock(tx, product_ids)
    spread = len({level.product_id for level in levels}) < len(levels)
    shelf = Shelf(levels, tx.now, await store.priorities(tx) if spread else None, watched)
    await _end_holds(tx, shelf)
    return shelf


async def _end_holds(tx: Transaction, shelf: Shelf) -> None:
    """A hold that has ended counts no more, whether or not anybody has come to write it off: so
    whoever comes next does."""
    due = [level for level in shelf.levels if level.held_until <= tx.now]
    if not due:
        return
    product_ids = {level.product_id for level in due}
    shelf.expire(await promises.ended(tx, product_ids, tx.now))
    ends = await promises.next_ends(tx, product_ids)
    for level in due:
        level.held_until = ends.get((level.product_id, level.location_id), NEVER)


class Settle(NamedTuple):
    """Look again when the next hold of each level ends, where one may have ended."""

    by: Cause


async def settle(tx: Transaction, commands: Sequence[Settle]) -> Sequence[int]:
    """How many products there were to look at.

    A hold that was confirmed, cancelled or prolonged leaves its level saying that it ends then:
    were nobody to look, every reader after that moment would.
    """
    due = await store.due(tx, SETTLED_AT_ONCE_MAX)
    put_back(tx, await take(tx, due))
    return [len(due) for _ in commands]


def put_back(tx: Transaction, shelf: Shelf) -> None:
    """Writes down all that was done on the shelf: levels, reservations, and the ledger."""
    _put_levels(tx, shelf)
    store.add_movements(tx, shelf.movements)


async def put_back_numbered(tx: Transaction, shelf: Shelf) -> Sequence[int]:
    """The same; the ids of the shelf's movements."""
    _put_levels(tx, shelf)
    return await store.number_movements(tx, shelf.movements)


def _put_levels(tx: Transaction, shelf: Shelf) -> None:
    changed = shelf.changed
    if changed:
        store.open_levels(tx, [level for level in changed if level.new])
        store.save_levels(tx, changed)
        promises.expire(tx, shelf.expired)
        promises.close(tx, shelf.released)
        promises.add(tx, shelf.reserved)
        store.save_low(tx, shelf.crossed())
    store.save_ends(tx, [level for level in shelf.levels if level.held_until != level.held_read])


async def set_reorder(tx: Transaction, shelf: Shelf, news: Mapping[int, Reorder]) -> None:
    """Says when products on the shelf are low; after it has been put back."""
    watched = {
        product_id: Watched(reorder, reorder.low(shelf.available(product_id)))
        for product_id, reorder in news.items()
    }
    await store.set_reorder(tx, watched)


async def named(tx: Transaction, outcomes: Sequence[Any]) -> Sequence[Any]:
    """Adds to each shortage the sku that people know the product by; a look-up only the refused pay for."""
    skus = await store.skus(tx, {one.product_id for out in outcomes for one in _shortages(out)})
    return [_with_skus(one, skus) if _shortages(one) else one for one in outcomes]


def _shortages(outcome: Any) -> Sequence[Shortage]:
    found = outcome.members.get("shortages", ()) if isinstance(outcome, Refusal) else ()
    return cast("Sequence[Shortage]", found)


def _with_skus(refusal: Refusal, skus: Mapping[int, str]) -> Refusal:
    shortages = [
        {
            "product_id": short.product_id,
            "sku": skus[short.product_id],
            "requested": short.requested,
            "available": short.available,
        }
        for short in _shortages(refusal)
    ]
    return Refusal(refusal.code, refusal.detail, **{**refusal.members, "shortages": shortages})
