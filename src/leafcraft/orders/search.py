"""Search: orders by the beginnings of words, and by the skus on them."""

from collections.abc import Callable, Sequence
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


async def found(reader: Reader, asked: str) -> list[Narrowing]:
    """Each word that is asked for begins one of an order's, or a sku on it; none: nothing is found."""
    return [
        await _narrowing(reader, term, word) for word in asked.split() for term in words.terms(word)
    ]


async def _narrowing(reader: Reader, term: str, word: str) -> Narrowing:
    """Skus are known by the word as it was given, all else by the term that is made of it."""
    skus = await products.with_sku_like(reader, word, SKUS_MAX)
    only = await _only_word(reader, term)
    spelled = select(WordRow.order_id).where(_spelled(WordRow.word, term, only))
    sold = select(LineRow.order_id).where(LineRow.product_id.in_(skus))
    return Narrowing(
        [spelled, sold] if skus else [spelled],
        partial(_looked_up, partial(_spelled, term=term, only=only), skus),
        elsewhere=True,
        leads=only is not None and not skus,
    )


async def _only_word(reader: Reader, term: str) -> str | None:
    """The word that begins so, if there is one alone: its orders are noted in their order."""
    word = select(WordRow.word).where(_spelled(WordRow.word, term, None)).limit(1)
    first = await reader.select(word.order_by(WordRow.word.asc()))
    last = await reader.select(word.order_by(WordRow.word.desc()))
    return first[0][0] if first and first == last else None


def _spelled(word: Any, term: str, only: str | None) -> ColumnElement[bool]:
    """A range of the index: no wildcard, so nothing to escape."""
    found: ColumnElement[bool] = word.between(term, term + LAST) if only is None else word == only
    return found


def _looked_up(
    spelled: Callable[[Any], ColumnElement[bool]], skus: Sequence[int], key: Any
) -> ColumnElement[bool]:
    word = aliased(WordRow)
    tests = [there(select(word.word).where(word.order_id == key, spelled(word.word)))]
    if skus:
        sold = aliased(LineRow)
        lines = select(sold.order_id).where(sold.order_id == key, sold.product_id.in_(skus))
        tests.append(there(lines))
    return or_(*tests)
