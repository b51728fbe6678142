"""Rows and answers of imports: a cell is read by the same types as the member of a JSON body that it stands for."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from leafcraft.exchange.formats import Format
from leafcraft.exchange.orders import OrderFields
from leafcraft.exchange.products import ProductFields, ProductLine
from leafcraft.exchange.rows import Bad, Row
from leafcraft.exchange.rules import CHANGES_MAX, Change, Fate, Tally
from leafcraft.exchange.stock import LevelFields, StockLine
from leafcraft.money import Currency
from leafcraft.products.schemas import Name, ReorderPoint, ReorderQuantity, Sku
from leafcraft.stock.rules import MAIN_CODE, ON_HAND_MAX
from leafcraft.stock.tables import CODE_CHARS_MAX
from leafcraft.web import problems, wire

M = TypeVar("M", bound=BaseModel)

_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_TRUTHS = {"true": True, "false": False}


def _decimal(cell: str) -> Decimal:
    """Not all that Decimal reads: no `1e3`, no digits of other scripts, and no comma."""
    if not _DECIMAL.fullmatch(cell):
        raise ValueError("must be a number such as 25.99")
    return Decimal(cell)


def _whole(cell: str) -> int:
    if not _WHOLE.fullmatch(cell):
        raise ValueError("must be a whole number")
    return int(cell)


def _truth(cell: str) -> bool:
    """In any case, because spreadsheets write TRUE."""
    if cell.lower() not in _TRUTHS:
        raise ValueError("must be true or false")
    return _TRUTHS[cell.lower()]


Price = Annotated[wire.Price, BeforeValidator(_decimal)]
Whole = BeforeValidator(_whole)
Truth = Annotated[bool, BeforeValidator(_truth)]


class ProductCells(wire.Body):
    """A product as a row has it; what is empty or absent is None."""

    sku: Sku
    name: Name | None = None
    price: Price | None = None
    archived: Truth | None = None
    reorder_point: Annotated[ReorderPoint, Whole] | None = None
    reorder_quantity: Annotated[ReorderQuantity, Whole] | None = None


class StockCells(wire.Body):
    """A level as it was counted, as far as it was."""

    sku: Sku
    location: Annotated[wire.PlainText, Field(max_length=CODE_CHARS_MAX)] = MAIN_CODE
    on_hand: Annotated[int, Field(ge=0, le=ON_HAND_MAX), Whole] | None = None


def product(row: Row, currency: Currency) -> ProductLine | Sequence[Bad]:
    found = cells(ProductCells, row, currency)
    if not isinstance(found, ProductCells):
        return found
    return ProductLine(
        row.line,
        found.sku,
        found.name,
        found.price,
        found.archived,
        found.reorder_point,
        found.reorder_quantity,
    )


def stock(row: Row, currency: Currency) -> StockLine | Sequence[Bad]:
    found = cells(StockCells, row, currency)
    if not isinstance(found, StockCells):
        return found
    return StockLine(row.line, found.sku, found.location, found.on_hand)


def cells(model: type[M], row: Row, currency: Currency) -> M | Sequence[Bad]:
    """The row as a model reads it, or everything that is bad about it."""
    try:
        return model.model_validate(row.cells, context={"currency": currency})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return [Bad(row.line, str(one["loc"][0]), _told(one)) for one in found]


def _told(error: ErrorDetails) -> str:
    """In a shop's words where pydantic has a programmer's; an empty cell is no cell."""
    match error["type"]:
        case "missing":
            return "must not be empty"
        case "too_long" | "string_too_long":
            return f"must have at most {error['ctx']['max_length']} characters"
    return problems.told(error)


class ImportQuery(wire.Query):
    dry_run: Annotated[bool, Field(description="whether to check the file and change nothing")] = (
        False
    )
    changes: Annotated[
        int,
        Field(
            ge=0,
            le=CHANGES_MAX,
            description="of a dry run: how many of the rows that would change something are told",
        ),
    ] = 0


class ExportQuery(wire.Query):
    format: Annotated[
        Format, Field(description="`csv`: a row a line of an order; `jsonl`: an order a line")
    ] = Format.CSV


class BadRow(TypedDict):
    """A row that was refused: where it begins, and which of its cells is why (of a JSON document a
    pointer to the member); empty: all of it."""

    line: int
    column: str
    detail: str


class ImportedProduct(TypedDict):
    name: str
    price: wire.Amount
    archived: bool
    reorder_point: int | None
    reorder_quantity: int | None


class ImportedLevel(TypedDict):
    location: str
    on_hand: int
    reserved: int


class ImportedOrder(TypedDict):
    customer: dict[str, Any] | None
    lines: int
    units: int
    total_amount: wire.Amount
    currency: str


ImportedThing = ImportedProduct | ImportedLevel | ImportedOrder


class ImportChange(TypedDict):
    """A row that would change something: where it begins, the sku or the reference that it names, and
    what there is and would be. `before` is null of what is created."""

    line: int
    key: str
    outcome: Literal["created", "updated"]
    before: ImportedThing | None
    after: ImportedThing


class Imported(TypedDict):
    """What became of the rows, or would; an order is one, however many rows it has. `refused` were
    right when the file was checked, and not when they were applied, because something else had
    changed meanwhile. `changes` are there in a dry run that asks for them."""

    dry_run: bool
    rows: int
    created: int
    updated: int
    unchanged: int
    refused: list[BadRow]
    changes: NotRequired[list[ImportChange]]


def foreseen(tally: Tally, currency: Currency) -> Imported:
    """What a dry run tells."""
    told = imported(tally, dry_run=True)
    if tally.changes_max:
        told["changes"] = [_change(one, currency) for one in tally.changes]
    return told


def _change(change: Change, currency: Currency) -> ImportChange:
    return {
        "line": change.line,
        "key": change.key,
        "outcome": "created" if change.fate is Fate.CREATED else "updated",
        "before": None if change.before is None else _thing(change.before, currency),
        "after": _thing(change.after, currency),
    }


def _thing(fields: ProductFields | LevelFields | OrderFields, currency: Currency) -> Any:
    match fields:
        case ProductFields(name, price, archived, point, quantity):
            return {
                "name": name,
                "price": wire.amount(price, currency),
                "archived": archived,
                "reorder_point": point,
                "reorder_quantity": quantity,
            }
        case LevelFields(location, on_hand, reserved):
            return {"location": location, "on_hand": on_hand, "reserved": reserved}
        case OrderFields(customer, lines, units, total):
            return {
                "customer": None if customer is None else orjson.Fragment(customer),
                "lines": lines,
                "units": units,
                "total_amount": wire.amount(total, currency),
                "currency": currency.code,
            }


def imported(tally: Tally, *, dry_run: bool) -> Imported:
    return {
        "dry_run": dry_run,
        "rows": tally.rows,
        "created": tally.created,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "refused": bad_rows(tally),
    }


def bad_rows(tally: Tally) -> Any:
    return [bad._asdict() for bad in tally.bad]
