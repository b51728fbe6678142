"""Exports: the shop's lists as rows, a page at a time.

Each page is a read of its own, so that no connection to the database waits for a slow client.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from leafcraft import times
from leafcraft.db import Page, Reader
from leafcraft.exchange import formats, order_sheets
from leafcraft.exchange.formats import Format
from leafcraft.money import Currency
from leafcraft.products import store as products
from leafcraft.products.store import ProductFilter
from leafcraft.stock import views
from leafcraft.stock.views import NOTHING, MovementFilter, ShownMovement
from leafcraft.web.call import Runtime

ROWS_PER_PAGE = 500

After = tuple[int, int] | None
Rows = Sequence[Any]
"""Cells by column, or documents."""


class Sheet(NamedTuple):
    """A list as a file."""

    name: str
    columns: Sequence[str]
    """Empty, where the rows say themselves what they have."""
    page: Callable[[Reader, Currency, After], Awaitable[tuple[Rows, After]]]
    """Some rows, and after which row the next page begins; None: there is none."""
    format: Format = Format.CSV

    @property
    def filename(self) -> str:
        return f"{self.name}.{self.format}"


def _silent(_: int) -> None:
    """Nobody counts."""


async def parts(
    runtime: Runtime, sheet: Sheet, *, tell: Callable[[int], None] = _silent
) -> AsyncGenerator[bytes, None]:
    """The file, page by page, the header with the first one. Raises Refusal.

    Rows are in the order in which they were made: what is written meanwhile repeats and hides none.
    """
    head: Rows = [sheet.columns] if sheet.columns else []
    after: After = None
    begun = False
    while after is not None or not begun:
        found, after = await _page(runtime, sheet, after)
        yield formats.WRITTEN[sheet.format]([*head, *found])
        tell(len(found))
        head, begun = [], True


async def _page(runtime: Runtime, sheet: Sheet, after: After) -> tuple[Rows, After]:
    return await runtime.database.read(lambda reader: sheet.page(reader, runtime.currency, after))


async def _products(reader: Reader, currency: Currency, after: After) -> tuple[Rows, After]:
    found = await products.page(reader, Page(ROWS_PER_PAGE, "id", after), ProductFilter())
    shown = found[:ROWS_PER_PAGE]
    totals = await views.totals(reader, (one.id for one in shown))
    cells = [
        (
            *(one.sku, one.name, currency.text(one.price_minor), one.archived),
            *totals.get(one.id, NOTHING).reorder,
        )
        for one in shown
    ]
    return cells, (shown[-1].id, shown[-1].id) if len(found) > ROWS_PER_PAGE else None


async def _stock(reader: Reader, _: Currency, after: After) -> tuple[Rows, After]:
    page = Page(ROWS_PER_PAGE, "product_id", after)
    found = await views.levels_page(reader, page, products=None, location=None)
    shown = found[:ROWS_PER_PAGE]
    named = await products.by_id(reader, (one.product_id for one in shown))
    cells = [
        (
            *(named[one.product_id].sku, one.location),
            *(one.on_hand, one.reserved, one.on_hand - one.reserved),
        )
        for one in shown
    ]
    last = (shown[-1].product_id, shown[-1].location_id) if len(found) > ROWS_PER_PAGE else None
    return cells, last


async def _movements(reader: Reader, _: Currency, after: After) -> tuple[Rows, After]:
    found = await views.movements_page(reader, Page(ROWS_PER_PAGE, "id", after), MovementFilter())
    shown = found[:ROWS_PER_PAGE]
    named = await products.by_id(reader, (one.product_id for one in shown))
    cells = [
        (one.id, times.write(one.occurred_at), named[one.product_id].sku, *_told(one))
        for one in shown
    ]
    return cells, (shown[-1].id, shown[-1].id) if len(found) > ROWS_PER_PAGE else None


def _told(one: ShownMovement) -> Sequence[Any]:
    return [getattr(one, name) for name in _TOLD]


_TOLD = (
    *("location", "kind", "on_hand_delta", "reserved_delta", "on_hand_after", "reserved_after"),
    *("order_id", "reason", "reference", "note", "actor"),
)
PRODUCTS = Sheet(
    "products",
    ("sku", "name", "price", "archived", "reorder_point", "reorder_quantity"),
    _products,
)
STOCK = Sheet("stock", ("sku", "location", "on_hand", "reserved", "available"), _stock)
MOVEMENTS = Sheet("movements", ("id", "occurred_at", "sku", *_TOLD), _movements)
ORDERS: Mapping[Format, Sheet] = {
    Format.CSV: Sheet("orders", order_sheets.COLUMNS, order_sheets.rows),
    Format.JSONL: Sheet("orders", (), order_sheets.documents, Format.JSONL),
}
