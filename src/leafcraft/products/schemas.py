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


class NewProduct(wire.Body):
    """A product to be; without a sku it gets one made from its name."""

    name: Name
    price: wire.Price
    stock_quantity: Annotated[
        int,
        Field(strict=True, ge=0, le=OPENING_QUANTITY_MAX, description="opening stock in `main`"),
    ] = 0
    sku: Sku | None = None


class ProductEdit(wire.Body):
    """What to change; what is left out stays. Stock is never edited: it is received, sold, adjusted."""

    name: wire.LeftOutOr[Name] = None
    price: wire.LeftOutOr[wire.Price] = None
    sku: wire.LeftOutOr[Sku] = None


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
    created_at: wire.Time
    updated_at: wire.Time


class ProductQuery(ListQuery):
    sort: Literal["id", "-id", "created_at", "-created_at", "name", "-name"] = "id"
    q: Annotated[
        str | None,
        Field(min_length=1, max_length=NAME_CHARS_MAX, description="part of name or sku"),
    ] = None
    sku: Annotated[str | None, Field(max_length=SKU_CHARS_MAX)] = None
    archived: bool | None = None
    in_stock: Annotated[bool | None, Field(description="whether something is available")] = None

    def chosen(self) -> ProductFilter:
        return ProductFilter(self.q, self.sku, self.archived, self.in_stock)


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
        "created_at": times.write(shown.created_at),
        "updated_at": times.write(shown.updated_at),
    }
