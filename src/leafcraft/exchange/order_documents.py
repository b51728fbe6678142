"""Orders in a JSON Lines file: a line is an order, as the API takes it, or as it shows one."""

from collections.abc import Iterator, Sequence
from typing import IO, Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from leafcraft.exchange import json_lines
from leafcraft.exchange.earlier import Earlier
from leafcraft.exchange.json_lines import Document
from leafcraft.exchange.orders import GivenItem, GivenOrder
from leafcraft.exchange.rows import Bad, Wrong
from leafcraft.money import Currency
from leafcraft.orders import schemas as orders
from leafcraft.orders.given import Customer, Note, Reference, kept
from leafcraft.orders.rules import LINES_MAX
from leafcraft.orders.store import Details
from leafcraft.products.schemas import Sku
from leafcraft.web import problems, wire

MEMBERS_MAX = 64
"""Of an order, and of an item; more are not looked through."""
BAD_PER_ORDER_MAX = 100
POINTER_CHARS_MAX = 128
"""How much is repeated of where something is wrong."""


def _given(document: Any, shown: frozenset[str]) -> dict[str, Any]:
    """What is given, without what is only shown."""
    if not isinstance(document, dict):
        raise ValueError("must be a JSON object")
    if len(document) > MEMBERS_MAX:
        raise ValueError(f"must have at most {MEMBERS_MAX} members")
    return {name: value for name, value in document.items() if name not in shown}


class ItemMembers(wire.Body):
    """A line of an order. A sku says which product it is in any shop, so an id beside it is not asked."""

    sku: Sku | None = None
    product_id: wire.BodyId | None = None
    quantity: wire.Quantity

    @model_validator(mode="before")
    @classmethod
    def _asked(cls, document: Any) -> Any:
        return _given(document, _ITEM_SHOWN)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.sku is None and self.product_id is None:
            raise ValueError("needs a sku or a product_id")
        return self


class OrderMembers(wire.Body):
    """An order as a line has it."""

    reference: Reference
    items: Annotated[list[ItemMembers], Field(min_length=1, max_length=LINES_MAX)]
    customer: Customer | None = None
    note: Note | None = None

    @model_validator(mode="before")
    @classmethod
    def _asked(cls, document: Any) -> Any:
        return _given(document, _ORDER_SHOWN)


_ITEM_SHOWN = frozenset(orders.Item.__annotations__) - ItemMembers.model_fields.keys()
_ORDER_SHOWN = frozenset(orders.Order.__annotations__) - OrderMembers.model_fields.keys()


def read(file: IO[bytes], currency: Currency) -> Iterator[GivenOrder | Wrong]:
    """The file's orders, and what is wrong with it. Raises Refusal where the disk is full."""
    with Earlier() as earlier:
        for found in json_lines.read(file):
            order = found if isinstance(found, Bad) else _order(found, currency)
            if not isinstance(order, GivenOrder):
                yield Wrong(found.line, [order] if isinstance(order, Bad) else order)
            elif before := earlier.line_of(order.reference, order.line):
                again = f"was on line {before} already; an order comes once"
                yield Wrong(order.line, [Bad(order.line, "/reference", again)])
            else:
                yield order


def _order(found: Document, currency: Currency) -> GivenOrder | Sequence[Bad]:
    try:
        given = OrderMembers.model_validate(found.value)
    except ValidationError as error:
        return list(_wrong(found, error))
    details = Details(given.reference, *kept(given.customer), given.note)
    items = [_item(found.line, place, one) for place, one in enumerate(given.items)]
    return GivenOrder(found.line, given.reference, items, details, currency.code)


def _wrong(found: Document, error: ValidationError) -> Iterator[Bad]:
    for one in error.errors(include_url=False, include_input=False)[:BAD_PER_ORDER_MAX]:
        pointer = problems.pointer(one, found.value)
        yield Bad(found.line, pointer[:POINTER_CHARS_MAX], problems.told(one))


def _item(line: int, place: int, given: ItemMembers) -> GivenItem:
    name = "product_id" if given.sku is None else "sku"
    product = given.sku if given.sku is not None else given.product_id
    if product is None:
        raise AssertionError("an item without a product was valid")
    return GivenItem(line, f"/items/{place}/{name}", product, given.quantity)
