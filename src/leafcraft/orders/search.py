"""Search: orders by the beginnings of words, and by the skus on them."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import aliased

from leafcraft.db import Reader
from leafcraft.orders import words
from leafcraft.orders.narrow import Narrowing, there
from leafcraft.orders.tables import LineRow, WordRow
from leafcraft.products import store as products

LAST = chr(0x10FFFF)
"""No character comes after it."""
SKUS_MAX = 100
"""Products whose skus may begin with one word; of more, the first."""


async def found(reader: Reader, asked: str) -> AsyncIterator[Narrowing]:
    """Each word that is asked for begins one of an order's, or a sku on it."""
    for term in words.terms(asked):
        skus = await products.with_sku_like(reader, term, SKUS_MAX)
        spelled = select(WordRow.order_id).where(_begins(term))
        sold = select(LineRow.order_id).where(LineRow.product_id.in_(skus))
        places = [spelled, sold] if skus else [spelled]
        leads = not skus and await _is_one_word(reader, term)
        yield Narrowing(places, partial(_looked_up, term, skus), elsewhere=True, leads=leads)


async def _is_one_word(reader: Reader, term: str) -> bool:
    """Whether only one word begins so: its orders are noted in their order."""
    word = select(WordRow.word).where(_begins(term)).limit(1)
    first = await reader.select(word.order_by(WordRow.word.asc()))
    return first == await reader.select(word.order_by(WordRow.word.desc()))


def _begins(term: str) -> ColumnElement[bool]:
    """A range of the index: no wildcard, so nothing to escape."""
    return WordRow.word.between(term, term + LAST)


def _looked_up(term: str, skus: Sequence[int], key: Any) -> ColumnElement[bool]:
    spelled = aliased(WordRow)
    begins = spelled.word.between(term, term + LAST)
    tests = [there(select(spelled.word).where(spelled.order_id == key, begins))]
    if skus:
        sold = aliased(LineRow)
        tests.append(
            there(select(sold.order_id).where(sold.order_id == key, sold.product_id.in_(skus)))
        )
    return or_(*tests)
