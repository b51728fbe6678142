"""What comes in about orders over the wire."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from leafcraft.accounts import rules as accounts
from leafcraft.accounts.rules import EMAIL_CHARS_MAX
from leafcraft.orders.rules import (
    CARRIER_CHARS_MAX,
    HOLD_MINUTES_MAX,
    HOLD_REASON_CHARS_MAX,
    LINE_NO_MAX,
    LINES_MAX,
    NOTE_CHARS_MAX,
    ORDERS_AT_ONCE_MAX,
    PAYMENT_REFERENCE_CHARS_MAX,
    REFERENCE_CHARS_MAX,
    RETURN_REASON_CHARS_MAX,
    TRACKING_CHARS_MAX,
    Disposition,
    Payment,
    Status,
)
from leafcraft.orders.store import Details
from leafcraft.orders.units import Wanted
from leafcraft.orders.views import Q_CHARS_MAX, OrderFilter
from leafcraft.stock.given import Code
from leafcraft.stock.rules import MAIN_CODE
from leafcraft.web import free, wire
from leafcraft.web.paging import ListQuery

CUSTOMER_NAME_CHARS_MAX = 200
PHONE_CHARS_MAX = 64
CUSTOMER_CHARS_MAX = 16 * 1024
"""Of what a shop keeps of a customer in members of its own, as JSON."""

HoldMinutes = Annotated[
    int,
    Field(
        strict=True, ge=1, le=HOLD_MINUTES_MAX, description="how long stock is held for the order"
    ),
]
Reference = Annotated[
    wire.PlainText,
    StringConstraints(min_length=1, max_length=REFERENCE_CHARS_MAX),
    Field(description="the merchant's own number, unique if given"),
]
Note = Annotated[wire.FreeText, StringConstraints(min_length=1, max_length=NOTE_CHARS_MAX)]
HoldReason = Annotated[
    wire.PlainText, StringConstraints(min_length=1, max_length=HOLD_REASON_CHARS_MAX)
]
PaymentReference = Annotated[
    wire.PlainText, StringConstraints(min_length=1, max_length=PAYMENT_REFERENCE_CHARS_MAX)
]
Carrier = Annotated[wire.PlainText, StringConstraints(min_length=1, max_length=CARRIER_CHARS_MAX)]
Tracking = Annotated[wire.PlainText, StringConstraints(min_length=1, max_length=TRACKING_CHARS_MAX)]
ReturnReason = Annotated[
    wire.PlainText, StringConstraints(min_length=1, max_length=RETURN_REASON_CHARS_MAX)
]


def _address(given: str) -> str:
    accounts.email(given)
    return given


Email = Annotated[
    wire.PlainText,
    StringConstraints(max_length=EMAIL_CHARS_MAX),
    AfterValidator(_address),
    Field(json_schema_extra={"format": "email"}),
]


CustomerName = Annotated[wire.PlainText, Field(max_length=CUSTOMER_NAME_CHARS_MAX)]
Phone = Annotated[wire.PlainText, Field(max_length=PHONE_CHARS_MAX)]


class Customer(wire.Body):
    """Who ordered: the members that the service searches by, and whatever else a shop wants to keep,
    such as addresses and metadata."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: CustomerName | None = None
    company: CustomerName | None = None
    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        free.check(self.model_extra, chars_max=CUSTOMER_CHARS_MAX)
        return self

    def document(self) -> str:
        """As it is kept: what was given, and nothing that was not."""
        return wire.dump(self.model_dump(exclude_unset=True)).decode()


class NewItem(wire.Body):
    product_id: wire.BodyId
    quantity: wire.Quantity

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.product_id, self.quantity)


class LineItem(NewItem):
    """Units of a product on an order, of one line of it or of whichever there are."""

    line: Annotated[int, Field(strict=True, ge=1, le=LINE_NO_MAX)] | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.product_id, self.quantity, self.line)


Items = Annotated[list[NewItem], Field(min_length=1, max_length=LINES_MAX)]
LineItems = Annotated[list[LineItem], Field(min_length=1, max_length=LINES_MAX)]


class NewOrder(wire.Body):
    """What is ordered; ids, prices and totals are the service's to give."""

    items: Items
    hold_minutes: HoldMinutes | None = None
    reference: Reference | None = None
    customer: Customer | None = None
    note: Note | None = None

    @property
    def details(self) -> Details:
        return Details(self.reference, *kept(self.customer), self.note)


def kept(customer: Customer | None) -> tuple[str | None, str | None]:
    """A customer as it is kept, and the e-mail address as it is compared."""
    if customer is None:
        return None, None
    return customer.document(), customer.email and accounts.email(customer.email)


class NewOrders(wire.Body):
    orders: Annotated[list[NewOrder], Field(min_length=1, max_length=ORDERS_AT_ONCE_MAX)]


class OrderEdit(wire.Body):
    """What becomes something else; what is left out stays, and what is null is taken away."""

    items: wire.LeftOutOr[Items] = None
    reference: Reference | None = None
    customer: Customer | None = None
    note: Note | None = None
    on_hold_reason: Annotated[
        HoldReason | None, Field(description="why it must not be fulfilled for now; null: it may")
    ] = None
    payment_status: wire.LeftOutOr[Payment] = None
    payment_reference: PaymentReference | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What was given, by the names of an order's fields."""
        given = self.model_fields_set - {"items", "customer"}
        fields = {name: getattr(self, name) for name in given}
        if self.payment_status is not None:
            fields["payment_status"] = self.payment_status.value
        if "customer" in self.model_fields_set:
            fields["customer"], fields["customer_email"] = kept(self.customer)
        return fields


class NewHold(wire.Body):
    hold_minutes: HoldMinutes


class OrderIds(wire.Body):
    order_ids: Annotated[list[wire.BodyId], Field(min_length=1, max_length=ORDERS_AT_ONCE_MAX)]


class CancelledItems(wire.Body):
    items: LineItems


class NewFulfillment(wire.Body):
    """What is sent: these items, or all that is open; from one location, if it is named."""

    items: LineItems | None = None
    location: Code | None = None
    carrier: Carrier | None = None
    tracking_number: Tracking | None = None


class FulfilledIds(OrderIds):
    """Orders of which all that is open is sent."""

    location: Code | None = None
    carrier: Carrier | None = None


class FulfillmentEdit(wire.Body):
    """What is left out stays, and what is null is taken away."""

    carrier: Carrier | None = None
    tracking_number: Tracking | None = None

    @property
    def fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewReturn(wire.Body):
    """What has come back, and whether it goes on sale again."""

    items: LineItems
    disposition: Disposition
    reason: ReturnReason | None = None
    location: Code = MAIN_CODE


class NewNote(wire.Body):
    text: Note


class OrderQuery(ListQuery):
    sort: Literal["id", "-id", "created_at", "-created_at"] = "id"
    q: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=Q_CHARS_MAX,
            description="what words of the reference, the customer, or a sku begin with",
        ),
    ] = None
    ids: Annotated[wire.GivenIds | None, Field(description="several orders at once")] = None
    status: Status | None = None
    reference: Reference | None = None
    product_id: Annotated[int | None, Field(ge=1, le=wire.ID_MAX)] = None
    customer_email: Email | None = None
    created_after: wire.GivenTime | None = None
    created_before: wire.GivenTime | None = None

    def chosen(self) -> OrderFilter:
        return OrderFilter(
            self.q,
            self.status,
            self.reference,
            self.product_id,
            self.customer_email and accounts.email(self.customer_email),
            self.created_after,
            self.created_before,
            self.ids,
        )


class PartQuery(ListQuery):
    sort: Literal["id", "-id"] = "id"
