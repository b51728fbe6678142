"""The life of an order: what may follow what, and how much it comes to."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from leafcraft.errors import Code, Refusal
from leafcraft.money import AMOUNT_MINOR_MAX
from leafcraft.stock.rules import Demand

HOLD_MINUTES_MAX = 31 * 24 * 60
LINES_MAX = 500
LINE_NO_MAX = 1_000_000
ORDERS_AT_ONCE_MAX = 500
REFERENCE_CHARS_MAX = 64
NOTE_CHARS_MAX = 1000
HOLD_REASON_CHARS_MAX = 200
PAYMENT_REFERENCE_CHARS_MAX = 255
CARRIER_CHARS_MAX = 100
TRACKING_CHARS_MAX = 100
RETURN_REASON_CHARS_MAX = 200


class Status(StrEnum):
    """As it stands on the wire. Pending -> Confirmed -> Fulfilled; Cancelled and Expired are ends."""

    PENDING = "Pending"
    CONFIRMED = "Confirmed"
    FULFILLED = "Fulfilled"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"


class Verb(StrEnum):
    """What can be done to an order, as far as its state has a say in it."""

    HOLD = "hold"
    CONFIRM = "confirm"
    EDIT = "edit"
    FULFILL = "fulfill"
    UNDO = "undo a fulfillment"
    CANCEL = "cancel"
    CANCEL_UNITS = "cancel units"
    RETURN = "return"


Step = tuple[Status, ...] | Code
"""The states that a verb may lead to, or why it is refused."""

_P, _C, _F, _X = Status.PENDING, Status.CONFIRMED, Status.FULFILLED, Status.CANCELLED


_CANCELLED = (Code.ORDER_NOT_CANCELLABLE, Code.ORDER_ALREADY_CANCELLED)


def _row(*steps: Step) -> Mapping[Status, Step]:
    """Of a Pending, a Confirmed, a Fulfilled and a Cancelled order; an Expired one has expired."""
    row = dict(zip((_P, _C, _F, _X), steps, strict=True))
    return {**row, Status.EXPIRED: Code.ORDER_EXPIRED}


LIFE: Mapping[Verb, Mapping[Status, Step]] = {
    Verb.HOLD: _row((_P,), *3 * (Code.ORDER_NOT_PENDING,)),
    Verb.CONFIRM: _row((_C,), *3 * (Code.ORDER_NOT_PENDING,)),
    Verb.EDIT: _row((_P,), (_C, _F), *2 * (Code.ORDER_NOT_EDITABLE,)),
    Verb.FULFILL: _row(Code.ORDER_NOT_CONFIRMED, (_C, _F), *2 * (Code.ORDER_NOT_CONFIRMED,)),
    Verb.UNDO: _row(Code.ORDER_NOT_CONFIRMED, (_C,), (_C,), Code.ORDER_ALREADY_CANCELLED),
    Verb.CANCEL: _row((_X,), (_X,), *_CANCELLED),
    Verb.CANCEL_UNITS: _row((_P, _X), (_C, _F, _X), *_CANCELLED),
    Verb.RETURN: _row(Code.ORDER_NOT_CONFIRMED, (_C,), (_F,), (_X,)),
}
"""The life cycle: verb x state. Notes and payments are for every state alike."""

_WHY = {
    Verb.HOLD: "only a Pending order can be confirmed or held",
    Verb.CONFIRM: "only a Pending order can be confirmed or held",
    Verb.EDIT: "only a Pending or a Confirmed order can be edited",
    Verb.FULFILL: "only what is open of a Confirmed order can be fulfilled",
    Verb.UNDO: "only a Confirmed or a Fulfilled order can have its goods back as if never sent",
    Verb.CANCEL: "nothing of it is left to cancel",
    Verb.CANCEL_UNITS: "nothing of it is left to cancel",
    Verb.RETURN: "nothing of it has been sent",
}


class Payment(StrEnum):
    """Whether an order is paid, as the shop was told; it decides nothing here."""

    UNPAID = "unpaid"
    PAID = "paid"
    REFUNDED = "refunded"


class Disposition(StrEnum):
    """What becomes of what comes back."""

    RESTOCK = "restock"
    WRITE_OFF = "write_off"


class Line(NamedTuple):
    """So many of a product, at the price of the moment the line was ordered.

    A line keeps its number as long as it is there: fulfilled + open + cancelled = quantity.
    """

    line_no: int
    product_id: int
    quantity: int
    unit_price_minor: int
    fulfilled: int = 0
    returned: int = 0
    cancelled: int = 0

    @property
    def open(self) -> int:
        """What is still to be sent."""
        return self.quantity - self.fulfilled - self.cancelled

    @property
    def kept(self) -> int:
        """What the customer gets and keeps, as far as one can tell by now."""
        return self.quantity - self.cancelled - self.returned


class Order(NamedTuple):
    id: int
    status: Status
    total_minor: int
    currency: str
    version: int
    created_at: int
    updated_at: int
    confirmed_at: int | None
    cancelled_at: int | None
    expires_at: int | None = None
    """When the hold of a Pending order ends, or that of an Expired one has ended."""
    fulfilled_at: int | None = None
    reference: str | None = None
    """The merchant's own number."""
    customer: str | None = None
    """A JSON object."""
    customer_email: str | None = None
    """In its one spelling."""
    note: str | None = None
    on_hold_reason: str | None = None
    """Why it must not be fulfilled for now; None: it may."""
    payment_status: str = Payment.UNPAID.value
    payment_reference: str | None = None
    lines: Sequence[Line] = ()

    @property
    def holds(self) -> bool:
        """Whether it was promised stock before it is confirmed."""
        return self.status is Status.PENDING and self.expires_at is not None

    @property
    def demands(self) -> list[Demand]:
        """What is still to be sent, line by line."""
        return demands(self.lines)

    @property
    def net_minor(self) -> int:
        """What it comes to without what was cancelled or came back."""
        return sum(line.kept * line.unit_price_minor for line in self.lines)

    def at(self, status: Status, now: int) -> "Order":
        """The order in another state, and the next version of it."""
        return self._replace(status=status, version=self.version + 1, updated_at=now)


def demands(lines: Sequence[Line]) -> list[Demand]:
    return [
        Demand(line.line_no, line.product_id, open_units)
        for line in lines
        if (open_units := line.open)
    ]


def total(lines: Sequence[Line]) -> int | Refusal:
    """What the lines come to, in the currency's smallest unit; refused when it can't be told exactly."""
    amount = sum(line.quantity * line.unit_price_minor for line in lines)
    if amount > AMOUNT_MINOR_MAX:
        error = {"pointer": "/items", "detail": "the order's total is too large"}
        return Refusal(Code.VALIDATION_ERROR, "The body is not valid.", errors=[error])
    return amount


def why_not(verb: Verb, status: Status) -> str | None:
    """Why this is never done to an order in this state, as the end of a sentence; None when it may be."""
    step = LIFE[verb][status]
    if not isinstance(step, Code):
        return None
    if step is Code.ORDER_EXPIRED:
        return "its hold has ended, and it with it"
    if step is Code.ORDER_ALREADY_CANCELLED and verb is not Verb.UNDO:
        return "an order is cancelled once"
    return _WHY[verb]


def refuse(verb: Verb, order: Order) -> Refusal | None:
    """Why this can't be done to the order in its state; None when it can."""
    step = LIFE[verb][order.status]
    if not isinstance(step, Code):
        return None
    if step is Code.ORDER_EXPIRED:
        return Refusal(step, f"Order {order.id} has expired.", order_id=order.id)
    detail = f"Order {order.id} is {order.status}; {why_not(verb, order.status)}."
    return Refusal(step, detail, order_id=order.id, order_status=order.status)


def confirmed(order: Order, now: int) -> Order:
    return order.at(Status.CONFIRMED, now)._replace(confirmed_at=now)


def held(order: Order, until: int, now: int) -> Order:
    return order.at(Status.PENDING, now)._replace(expires_at=until)


def expired(order: Order, now: int) -> Order:
    return order.at(Status.EXPIRED, now)


def seen(order: Order, now: int) -> Order:
    """The order as it is at this moment, whether or not anybody has come to write that down; in the
    version that it will be then."""
    ended = order.holds and order.expires_at is not None and order.expires_at <= now
    return order._replace(status=Status.EXPIRED, version=order.version + 1) if ended else order


def cancelled(order: Order, now: int) -> Order:
    """All that is still open is cancelled."""
    lines = [line._replace(cancelled=line.quantity - line.fulfilled) for line in order.lines]
    return order.at(Status.CANCELLED, now)._replace(cancelled_at=now, lines=lines)


def with_lines(order: Order, lines: Sequence[Line], *, verb: Verb, now: int) -> Order:
    """The order after a verb has changed its lines. Where nothing is open any more, it is Fulfilled if
    anything of it was sent, and Cancelled if not."""
    after = order.at(order.status, now)._replace(lines=tuple(lines))
    if any(line.open for line in lines):
        if order.status is Status.FULFILLED:
            after = after._replace(status=Status.CONFIRMED, fulfilled_at=None)
    elif order.status in {Status.PENDING, Status.CONFIRMED}:
        if any(line.fulfilled for line in lines):
            after = after._replace(status=Status.FULFILLED, fulfilled_at=now)
        else:
            after = after._replace(status=Status.CANCELLED, cancelled_at=now)
    step = LIFE[verb][order.status]
    if isinstance(step, Code) or after.status not in step:
        raise AssertionError(f"{verb}: {order.status} -> {after.status}")
    return after
