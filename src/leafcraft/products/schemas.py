"""Products on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import TypedDict

from leafcraft import times
from leafcraft.money import Currency
from leafcraft.products import rules
from leafcraft.products.actions import Stocked
from leafcraft.products.rules import NAME_CHARS_MAX, OPENING_QUANTITY_MAX, SKU_CHARS_MAX
from leafcraft.products.store import ProductFilter
from leafcraft.stock.rules import advise
from leafcraft.web import wire
from leafcraft.web.paging import ListQuery

Name = Annotated[
    wire.PlainText,
    StringConstraints(min_length=1, max_length=NAME_CHARS_MAX),
    Field(examples=["Tea"]),
]
Sku = Annotated[
    wire.PlainText,
    AfterValidator(rules.sku),
    Field(
        examples=["green-tea-premium"],
        json_schema_extra={"minLength": 1, "maxLength": SKU_CHARS_MAX},
    ),
]
DEMAND_DAYS = 30
DEMAND_DAYS_MAX = 365
DemandDays = Annotated[int, Field(ge=1, le=DEMAND_DAYS_MAX, description="of demand looked back on")]
ReorderPoint = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=wire.QUANTITY_MAX,
        description="low when no more than this is available",
    ),
]
ReorderQuantity = Annotated[
    int,
    Field(strict=True, ge=1, le=wire.QUANTITY_MAX, description="the lot in which it is ordered"),
]


class NewProduct(wire.Body):
    """A product to be; without a sku it gets one made from its name."""

    name: Name
    price: wire.Price
    stock_quantity: Annotated[
        int,
        Field(strict=True, ge=0, le=OPENING_QUANTITY_MAX, description="opening stock in `main`"),
    ] = 0
    sku: Sku | None = None
    reorder_point: ReorderPoint | None = None
    reorder_quantity: ReorderQuantity | None = None


class ProductEdit(wire.Body):
    """What to change; what is left out stays. Stock is never edited: it is received, sold, adjusted."""

    name: wire.LeftOutOr[Name] = None
    price: wire.LeftOutOr[wire.Price] = None
    sku: wire.LeftOutOr[Sku] = None
    reorder_point: ReorderPoint | None = None
    reorder_quantity: ReorderQuantity | None = None


class Product(TypedDict):
    """A thing that is stocked and sold; `stock_quantity` is what can be sold now."""

    id: int
    sku: Annotated[str, Field(max_length=SKU_CHARS_MAX)]
    name: str
    price: wire.Amount
    stock_quantity: int
    on_hand: int
    reserved: int
    archived: bool
    reorder_point: int | None
    reorder_quantity: int | None
    created_at: wire.Time
    updated_at: wire.Time


class ProductQuery(ListQuery):
    sort: Literal["id", "-id", "created_at", "-created_at", "name", "-name"] = "id"
    q: Annotated[
        str | None,
        Field(min_length=1, max_length=NAME_CHARS_MAX, description="part of name or sku"),
    ] = None
    sku: Annotated[str | None, Field(max_length=SKU_CHARS_MAX)] = None
    ids: Annotated[wire.GivenIds | None, Field(description="several products at once")] = None
    archived: bool | None = None
    in_stock: Annotated[bool | None, Field(description="whether something is available")] = None
    low_stock: Annotated[
        bool | None, Field(description="whether no more than the reorder point is available")
    ] = None

    def chosen(self) -> ProductFilter:
        stock = (self.in_stock, self.low_stock)
        return ProductFilter(self.q, self.sku, self.archived, *stock, self.ids)


class LowQuery(ListQuery):
    sort: Literal["id", "-id"] = "id"
    days: DemandDays = DEMAND_DAYS


class AdviceQuery(wire.Query):
    days: DemandDays = DEMAND_DAYS


class LowStock(TypedDict):
    """A product beside its reorder point: how fast it sells, how long it lasts, what to order.

    The demand is what orders were promised in the last `days` days, less what they gave back. The
    suggestion brings what is available up to the reorder point and that demand on top, in whole
    lots of `reorder_quantity`.
    """

    product_id: int
    sku: str
    name: str
    on_hand: int
    reserved: int
    available: int
    reorder_point: int | None
    reorder_quantity: int | None
    demand_per_day: float
    days_of_cover: float | None
    suggested_quantity: int


def low_stock(stocked: Stocked, demand: int, days: int) -> LowStock:
    shown, stock = stocked
    advice = advise(stock.available, demand, days=days, reorder=stock.reorder)
    return {
        "product_id": shown.id,
        "sku": shown.sku,
        "name": shown.name,
        "on_hand": stock.on_hand,
        "reserved": stock.reserved,
        "available": stock.available,
        "reorder_point": stock.reorder.point,
        "reorder_quantity": stock.reorder.quantity,
        "demand_per_day": advice.demand_per_day,
        "days_of_cover": advice.days_of_cover,
        "suggested_quantity": advice.suggested_quantity,
    }


def product(stocked: Stocked, currency: Currency) -> Product:
    shown, stock = stocked
    return {
        "id": shown.id,
        "sku": shown.sku,
        "name": shown.name,
        "price": wire.amount(shown.price_minor, currency),
        "stock_quantity": stock.available,
        "on_hand": stock.on_hand,
        "reserved": stock.reserved,
        "archived": shown.archived,
        "reorder_point": stock.reorder.point,
        "reorder_quantity": stock.reorder.quantity,
        "created_at": times.write(shown.created_at),
        "updated_at": times.write(shown.updated_at),
    }
