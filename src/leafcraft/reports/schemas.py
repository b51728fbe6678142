"""What reports look like over the wire, as JSON and as rows of a file."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from leafcraft import money, times
from leafcraft.money import Currency
from leafcraft.products.store import Product
from leafcraft.reports import rules
from leafcraft.reports.rules import DAYS_MAX, Days, Place, Sold
from leafcraft.reports.views import ProductSales, StockValue, Worth
from leafcraft.times import day_of
from leafcraft.web import wire
from leafcraft.web.problems import invalid_parameter

PRODUCTS_MAX = 500
PRODUCTS_DEFAULT = 100


class SalesOfDay(TypedDict):
    date: wire.Day
    currency: str
    orders: int
    units: int
    amount: wire.Amount
    returned_units: int
    returned_amount: wire.Amount
    net_amount: wire.Amount


class SalesOfProduct(TypedDict):
    product_id: int
    sku: str
    name: str
    currency: str
    units: int
    amount: wire.Amount
    returned_units: int
    returned_amount: wire.Amount
    net_amount: wire.Amount


class LocationValue(TypedDict):
    location: str
    units: int
    amount: wire.Amount


class StockValueShown(TypedDict):
    as_of: wire.Time
    currency: str
    units: int
    amount: wire.Amount
    products: int
    locations: list[LocationValue]


class SalesQuery(wire.Query):
    by: Literal["day", "product"] = "day"
    since: Annotated[
        wire.GivenDay | None, Field(alias="from", description="the first day; 29 before the last")
    ] = None
    until: Annotated[
        wire.GivenDay | None, Field(alias="to", description="the last day; today unless told")
    ] = None
    limit: Annotated[
        int | None,
        Field(ge=1, le=PRODUCTS_MAX, description=f"products; {PRODUCTS_DEFAULT} unless told"),
    ] = None

    def days(self, now: int) -> Days:
        """Raises Refusal `validation_error` for days that are none, or too many."""
        chosen = rules.days(self.since, self.until, today=day_of(now))
        if chosen.number < 1:
            raise invalid_parameter("from", "must not be after `to`")
        if chosen.number > DAYS_MAX:
            raise invalid_parameter("from", f"must be at most {DAYS_MAX} days, `to` included")
        return chosen


Shown = Mapping[str, Any]


def of_day(place: Place, sold: Sold) -> Shown:
    day, code = place
    return {
        "date": times.write_day(day),
        "currency": code,
        "orders": sold.orders,
        **_sold(sold, money.currency(code)),
    }


def of_product(sales: ProductSales, product: Product) -> Shown:
    return {
        "product_id": sales.product_id,
        "sku": product.sku,
        "name": product.name,
        "currency": sales.currency,
        **_sold(sales, money.currency(sales.currency)),
    }


def _sold(sold: Sold | ProductSales, currency: Currency) -> Shown:
    return {
        "units": sold.units,
        "amount": _exact(sold.amount_minor, currency),
        "returned_units": sold.returned_units,
        "returned_amount": _exact(sold.returned_minor, currency),
        "net_amount": _exact(sold.net_minor, currency),
    }


def stock_value(found: StockValue, now: int, currency: Currency) -> Shown:
    total = Worth()
    for worth in found.places.values():
        total = total.plus(worth)
    return {
        "as_of": times.write(now),
        "currency": currency.code,
        **_worth(total, currency),
        "products": found.products,
        "locations": [
            {"location": code, **_worth(worth, currency)} for code, worth in found.places.items()
        ],
    }


def stock_value_rows(shown: Shown) -> Sequence[Shown]:
    """A row for each location, without the sum of them."""
    about = {"as_of": shown["as_of"], "currency": shown["currency"]}
    return [{**about, **one} for one in shown["locations"]]


def _worth(worth: Worth, currency: Currency) -> Shown:
    return {"units": worth.units, "amount": _exact(worth.amount_minor, currency)}


def rows(columns: Sequence[str], shown: Sequence[Shown]) -> Sequence[Sequence[Any]]:
    """The same as rows of a file, the header first."""
    return [columns, *([one[name] for name in columns] for one in shown)]


def _exact(minor: int, currency: Currency) -> Decimal:
    """Money that can be written into either."""
    return Decimal(currency.text(minor))
