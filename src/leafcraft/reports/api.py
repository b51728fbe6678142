"""How programs ask for reports, as JSON or as CSV."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.db import Reader
from leafcraft.idempotency import Answer
from leafcraft.orders.store import TOPIC as ORDERS
from leafcraft.products import store as products
from leafcraft.reports import rules, schemas, views
from leafcraft.reports.schemas import SalesQuery, Shown
from leafcraft.sheet import MEDIA_OUT
from leafcraft.stock.store import TOPIC as STOCK
from leafcraft.times import MICROS_PER_DAY, day_of
from leafcraft.web import wire
from leafcraft.web.call import Asked, Call
from leafcraft.web.operations import Operations, Promise
from leafcraft.web.problems import invalid_parameter

reports = Operations("/reports", "Reports")

_DAY_COLUMNS = tuple(schemas.SalesOfDay.__annotations__)
_PRODUCT_COLUMNS = tuple(schemas.SalesOfProduct.__annotations__)
_VALUE_COLUMNS = ("as_of", "currency", *schemas.LocationValue.__annotations__)


@reports.get(
    "/sales",
    Promise(
        name="report_sales",
        permission=Permission.ORDERS_READ,
        answers=list[schemas.SalesOfDay] | list[schemas.SalesOfProduct],
        also=MEDIA_OUT,
    ),
)
async def report_sales(call: Asked, query: Annotated[SalesQuery, Query()]) -> Answer:
    """What became of the orders confirmed on some days, day by day or by product: without what was
    cancelled since, and net of what came back."""
    by_day = query.by == "day"

    async def load(reader: Reader) -> Answer:
        if query.since is None or query.until is None:
            reader.differs_from(day_of(reader.now) + MICROS_PER_DAY)  # it is another day then
        if by_day:
            shown = await _by_day(call, reader, query)
            return _told(call, shown, columns=_DAY_COLUMNS, filename="sales-by-day.csv")
        shown = await _by_product(call, reader, query)
        return _told(call, shown, columns=_PRODUCT_COLUMNS, filename="sales-by-product.csv")

    return await call.read((ORDERS,) if by_day else (ORDERS, products.TOPIC), load)


@reports.get(
    "/stock-value",
    Promise(
        name="report_stock_value",
        permission=Permission.STOCK_READ,
        answers=schemas.StockValueShown,
        also=MEDIA_OUT,
    ),
)
async def report_stock_value(call: Asked) -> Answer:
    """What is on hand at the products' present prices, in all and by location."""

    async def load(reader: Reader) -> Answer:
        found = await views.stock_value(reader)
        shown = schemas.stock_value(found, reader.now, call.currency)
        if call.media == MEDIA_OUT:
            rows = schemas.rows(_VALUE_COLUMNS, schemas.stock_value_rows(shown))
            return wire.filed(rows, "stock-value.csv")
        return wire.shown(shown)

    return await call.read((products.TOPIC, STOCK), load)


async def _by_day(call: Call, reader: Reader, query: SalesQuery) -> Sequence[Shown]:
    days = query.days(reader.now)
    if query.limit is not None:
        raise invalid_parameter("limit", "is for products; every day is shown")
    found = await views.sales_by_day(reader, days)
    every = rules.every_day(days, found, call.currency.code)
    return [schemas.of_day(place, sold) for place, sold in every]


async def _by_product(call: Call, reader: Reader, query: SalesQuery) -> Sequence[Shown]:
    days, limit = query.days(reader.now), query.limit or schemas.PRODUCTS_DEFAULT
    sales = await views.sales_by_product(reader, days, call.currency.code, limit=limit)
    named = await products.by_id(reader, (one.product_id for one in sales))
    return [schemas.of_product(one, named[one.product_id]) for one in sales]


def _told(call: Call, shown: Sequence[Shown], *, columns: Sequence[str], filename: str) -> Answer:
    if call.media == MEDIA_OUT:
        return wire.filed(schemas.rows(columns, shown), filename)
    return wire.listing(shown, "")
