"""Orders on their way into a file: whole ones, a page of so many lines at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from leafcraft import money
from leafcraft.db import Reader
from leafcraft.exchange.order_rows import ABOUT, NEEDED, SHOWN
from leafcraft.money import Currency
from leafcraft.orders import schemas, views
from leafcraft.orders.rules import Order
from leafcraft.products import store as products
from leafcraft.products.store import Product

COLUMNS = (*NEEDED, *ABOUT, *SHOWN)
LINES_PER_PAGE = 500

Products = Mapping[int, Product]
After = tuple[int, int] | None


async def documents(
    reader: Reader, _: Currency, after: After
) -> tuple[Sequence[dict[str, Any]], After]:
    """Orders as the API shows them, with the skus of what was ordered."""
    found, named, last = await _page(reader, after)
    return [_document(order, named) for order in found], last


async def rows(reader: Reader, _: Currency, after: After) -> tuple[Sequence[Sequence[Any]], After]:
    """A row a line of an order."""
    found, named, last = await _page(reader, after)
    return [cells for order in found for cells in _rows(order, named)], last


async def _page(reader: Reader, after: After) -> tuple[Sequence[Order], Products, After]:
    found, more = await views.run(reader, after[0] if after else 0, LINES_PER_PAGE)
    named = await products.by_id(reader, {line.product_id for one in found for line in one.lines})
    return found, named, (found[-1].id, found[-1].id) if more else None


def _document(order: Order, named: Products) -> dict[str, Any]:
    document = schemas.order(order)
    for item in document["items"]:
        item["sku"] = named[item["product_id"]].sku
    return document


def _rows(order: Order, named: Products) -> Iterator[Sequence[Any]]:
    document = _document(order, named)
    currency = money.currency(order.currency)
    about = {
        **document,
        **_customer(order),
        "total_amount": currency.text(order.total_minor),
        "net_amount": currency.text(order.net_minor),
    }
    for item, line in zip(document["items"], order.lines, strict=True):
        cells = {**about, **item, "unit_price": currency.text(line.unit_price_minor)}
        yield [cells.get(name) for name in COLUMNS]


def _customer(order: Order) -> dict[str, Any]:
    """What a row has room for; the whole customer is in the document alone."""
    known = {} if order.customer is None else orjson.loads(order.customer)
    return {f"customer_{name}": known.get(name) for name in ("name", "email", "phone")}
