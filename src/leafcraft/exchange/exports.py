"""Exports: the shop's lists as rows, a page at a time.

Each page is a read of its own, so that no connection to the database waits for a slow client.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from leafcraft.db import Page, Reader
from leafcraft.exchange import rows
from leafcraft.money import Currency
from leafcraft.products import store as products
from leafcraft.products.store import ProductFilter
from leafcraft.web.call import Runtime

ROWS_PER_PAGE = 500

After = tuple[int, int] | None
Rows = Sequence[Sequence[Any]]


class Sheet(NamedTuple):
    """A list as a file."""

    name: str
    columns: Sequence[str]
    page: Callable[[Reader, Currency, After], Awaitable[tuple[Rows, After]]]
    """Some rows, and after which row the next page begins; None: there is none."""


def _silent(_: int) -> None:
    """Nobody counts."""


async def parts(
    runtime: Runtime, sheet: Sheet, *, tell: Callable[[int], None] = _silent
) -> AsyncGenerator[bytes, None]:
    """The file, page by page, the header with the first one. Raises Refusal.

    Rows are in the order in which they were made: what is written meanwhile repeats and hides none.
    """
    head: Rows = [sheet.columns]
    after: After = None
    while head or after is not None:
        found, after = await _page(runtime, sheet, after)
        yield rows.written([*head, *found])
        tell(len(found))
        head = []


async def _page(runtime: Runtime, sheet: Sheet, after: After) -> tuple[Rows, After]:
    return await runtime.database.read(lambda reader: sheet.page(reader, runtime.currency, after))


async def _products(reader: Reader, currency: Currency, after: After) -> tuple[Rows, After]:
    found = await products.page(reader, Page(ROWS_PER_PAGE, "id", after), ProductFilter())
    shown = found[:ROWS_PER_PAGE]
    cells = [(one.sku, one.name, currency.text(one.price_minor), one.archived) for one in shown]
    return cells, (shown[-1].id, shown[-1].id) if len(found) > ROWS_PER_PAGE else None


PRODUCTS = Sheet("products", ("sku", "name", "price", "archived"), _products)
