"""Orders in a CSV file: a row is a line of an order, and rows that follow each other with one
reference are one order."""

from collections.abc import Iterator, Sequence
from typing import IO, Annotated

from leafcraft.exchange import rows, schemas
from leafcraft.exchange.earlier import Earlier
from leafcraft.exchange.orders import GivenItem, GivenOrder
from leafcraft.exchange.rows import Bad, Columns, Row, Wrong
from leafcraft.money import Currency
from leafcraft.orders.given import Customer, CustomerName, Email, Note, Phone, Reference, kept
from leafcraft.orders.rules import LINES_MAX
from leafcraft.orders.store import Details
from leafcraft.products.schemas import Sku
from leafcraft.web import wire

NEEDED = ("reference", "sku", "quantity")
ABOUT = ("customer_name", "customer_email", "customer_phone", "note")
"""What is said of the whole order, by its first row."""
SHOWN = (
    *("id", "status", "line", "product_id", "unit_price", "fulfilled", "returned", "cancelled"),
    *("total_amount", "net_amount", "currency", "on_hold_reason"),
    *("payment_status", "payment_reference", "created_at", "updated_at"),
    *("confirmed_at", "fulfilled_at", "cancelled_at", "expires_at"),
)
"""What an export has beside these, and an import ignores."""
COLUMNS = Columns(frozenset(NEEDED), frozenset(ABOUT), frozenset(SHOWN))


class OrderCells(wire.Body):
    """A line of an order as a row has it; what is empty or absent is None."""

    reference: Reference
    sku: Sku
    quantity: Annotated[wire.Quantity, schemas.Whole]
    customer_name: CustomerName | None = None
    customer_email: Email | None = None
    customer_phone: Phone | None = None
    note: Note | None = None

    @property
    def details(self) -> Details:
        said = {"name": self.customer_name, "email": self.customer_email}
        said["phone"] = self.customer_phone
        known = {name: value for name, value in said.items() if value is not None}
        customer = Customer.model_validate(known) if known else None
        return Details(self.reference, *kept(customer), self.note)


def read(file: IO[bytes], currency: Currency) -> Iterator[GivenOrder | Wrong]:
    """The file's orders, and what is wrong with them as soon as it is found: no more than an order is
    held. Raises Refusal where the disk is full."""
    order: _Gathered | None = None
    with Earlier() as earlier:
        for row in map(_named, rows.read(file, COLUMNS)):
            if isinstance(row, Bad):
                if order is not None:
                    order.right = False  # nobody knows whether the row was one of its own
                yield Wrong(row.line, [row])
                continue
            if order is None or row.cells["reference"] != order.reference:
                if order is not None:
                    yield from order.whole()
                order = _Gathered(row, currency, earlier)
            if bad := order.add(row):
                yield Wrong(order.line, bad)
        if order is not None:
            yield from order.whole()


def _named(row: Row | Bad) -> Row | Bad:
    """A row that names no order belongs to none."""
    if isinstance(row, Row) and "reference" not in row.cells:
        return Bad(row.line, "reference", "must not be empty")
    return row


class _Gathered:
    """An order whose rows are being read."""

    def __init__(self, row: Row, currency: Currency, earlier: Earlier) -> None:
        self.line, self._said = row
        self.reference = row.cells["reference"]
        self.right = True
        self._currency = currency
        self._before = earlier.line_of(self.reference, row.line)
        self._details: Details | None = None
        self._items: list[GivenItem] = []
        self._rows = 0

    def whole(self) -> Iterator[GivenOrder]:
        """The order, if all that was read of it is right."""
        if self.right and self._details is not None:
            yield GivenOrder(
                self.line, self.reference, self._items, self._details, self._currency.code
            )

    def add(self, row: Row) -> Sequence[Bad]:
        """One more row; all that is wrong with it."""
        self._rows += 1
        if self._rows > LINES_MAX:
            return self._too_many(row)
        bad = [*self._again(row), *self._read(row)]
        self.right = self.right and not bad
        return bad

    def _too_many(self, row: Row) -> list[Bad]:
        """Said once: a file may go on like this for ever."""
        self.right = False
        self._items.clear()
        if self._rows > LINES_MAX + 1:
            return []
        return [Bad(row.line, "", f"is one too many: an order has at most {LINES_MAX} lines")]

    def _again(self, row: Row) -> Iterator[Bad]:
        if self._before is not None and self._rows == 1:
            where = f"was on line {self._before} already"
            yield Bad(
                row.line, "reference", f"{where}; the rows of one order must follow each other"
            )
        for name in ABOUT:
            if row.cells.get(name, "") not in ("", self._said.get(name)):
                yield Bad(row.line, name, f"is not what line {self.line} says of the same order")

    def _read(self, row: Row) -> Sequence[Bad]:
        cells = schemas.cells(OrderCells, row, self._currency)
        if not isinstance(cells, OrderCells):
            return cells
        if self._details is None:
            self._details = cells.details
        if self.right:
            self._items.append(GivenItem(row.line, "sku", cells.sku, cells.quantity))
        return []
