"""Search: orders by the beginnings of words, along indexes, whether few orders match or many.

A word that few orders have gives their ids at once. One that many have is looked up order by order
instead, in the order of the list: where many match, a page is soon full. Either way a search costs
no more than a few thousand steps along an index, however many orders there are.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, literal, or_, select

from leafcraft.db import Reader
from leafcraft.orders import words
from leafcraft.orders.tables import LineRow, OrderRow, WordRow
from leafcraft.products import store as products

MATCHES_MAX = 5000
"""Orders that are gathered for one word, before it counts as one that many have."""
SKUS_MAX = 100
"""Products whose skus may begin with one word; of more, the first."""


async def found(reader: Reader, asked: str) -> list[ColumnElement[bool]]:
    """Conditions on orders: each word that is asked for begins one of theirs, or a sku on them."""
    gathered: set[int] | None = None
    conditions: list[ColumnElement[bool]] = []
    terms = words.terms(asked)
    if not terms:
        return [false()]
    for term in terms:
        skus = await products.with_sku_like(reader, term, SKUS_MAX)
        matches = await _matches(reader, term, skus)
        if matches is None:
            conditions.append(_looked_up(term, skus))
        else:
            gathered = matches if gathered is None else gathered & matches
    if gathered is not None:
        conditions.append(OrderRow.id.in_(sorted(gathered)))
    return conditions


async def _matches(reader: Reader, term: str, skus: Sequence[int]) -> set[int] | None:
    """The orders that a word finds; None where there are many."""
    spelled = select(WordRow.order_id).where(_begins(term)).limit(MATCHES_MAX + 1)
    matches = {order_id for (order_id,) in await reader.select(spelled)}
    if skus and len(matches) <= MATCHES_MAX:
        lines = select(LineRow.order_id).where(LineRow.product_id.in_(skus))
        matches |= {n for (n,) in await reader.select(lines.limit(MATCHES_MAX + 1))}
    return matches if len(matches) <= MATCHES_MAX else None


def _begins(term: str) -> ColumnElement[bool]:
    """A range of the index: no wildcard, so nothing to escape."""
    return WordRow.word.between(term, term + chr(0x10FFFF))


def _looked_up(term: str, skus: Sequence[int]) -> ColumnElement[bool]:
    """Asked of one order after the other. The limit keeps a database from gathering all matches first."""
    spelled = select(literal(1)).where(WordRow.order_id == OrderRow.id, _begins(term)).limit(1)
    sold = (
        select(literal(1))
        .where(LineRow.order_id == OrderRow.id, LineRow.product_id.in_(skus))
        .limit(1)
    )
    tests = [spelled, sold] if skus else [spelled]
    return or_(*(test.correlate(OrderRow).scalar_subquery() == 1 for test in tests))
