"""The life of an order: what may follow what, and how much it comes to."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from leafcraft.errors import Code, Refusal
from leafcraft.money import AMOUNT_MINOR_MAX
from leafcraft.stock.rules import Demand

HOLD_MINUTES_MAX = 31 * 24 * 60
LINES_MAX = 500
ORDERS_AT_ONCE_MAX = 500


class Status(StrEnum):
    """As it stands on the wire. Pending -> Confirmed -> Fulfilled; Cancelled and Expired are ends."""

    PENDING = "Pending"
    CONFIRMED = "Confirmed"
    FULFILLED = "Fulfilled"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"


class Line(NamedTuple):
    """So many of a product, at the price of the moment the order was placed."""

    product_id: int
    quantity: int
    unit_price_minor: int


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
    lines: Sequence[Line] = ()

    @property
    def holds(self) -> bool:
        """Whether it was promised stock before it is confirmed."""
        return self.status is Status.PENDING and self.expires_at is not None

    @property
    def demands(self) -> list[Demand]:
        return demands(self.lines)


def demands(lines: Sequence[Line]) -> list[Demand]:
    return [
        Demand(line_no, line.product_id, line.quantity)
        for line_no, line in enumerate(lines, start=1)
    ]


def total(lines: Sequence[Line]) -> int | Refusal:
    """What the lines come to, in the currency's smallest unit; refused when it can't be told exactly."""
    amount = sum(line.quantity * line.unit_price_minor for line in lines)
    if amount > AMOUNT_MINOR_MAX:
        error = {"pointer": "/items", "detail": "the order's total is too large"}
        return Refusal(Code.VALIDATION_ERROR, "The body is not valid.", errors=[error])
    return amount


def refuse_confirm(order: Order) -> Refusal | None:
    """Only a Pending order can be confirmed, or held until it is."""
    match order.status:
        case Status.PENDING:
            return None
        case Status.EXPIRED:
            return Refusal(Code.ORDER_EXPIRED, f"Order {order.id} has expired.", order_id=order.id)
    return _not(Code.ORDER_NOT_PENDING, order, "only a Pending order can be confirmed or held")


def refuse_cancel(order: Order) -> Refusal | None:
    """A Pending or a Confirmed order can be cancelled, once."""
    match order.status:
        case Status.PENDING | Status.CONFIRMED:
            return None
        case Status.CANCELLED:
            return _not(Code.ORDER_ALREADY_CANCELLED, order, "an order is cancelled once")
        case Status.EXPIRED:
            return Refusal(Code.ORDER_EXPIRED, f"Order {order.id} has expired.", order_id=order.id)
    return _not(Code.ORDER_NOT_CANCELLABLE, order, "nothing of it is left to cancel")


def _not(code: Code, order: Order, why: str) -> Refusal:
    detail = f"Order {order.id} is {order.status}; {why}."
    return Refusal(code, detail, order_id=order.id, order_status=order.status)


def confirmed(order: Order, now: int) -> Order:
    return order._replace(
        status=Status.CONFIRMED, version=order.version + 1, updated_at=now, confirmed_at=now
    )


def held(order: Order, until: int, now: int) -> Order:
    return order._replace(expires_at=until, version=order.version + 1, updated_at=now)


def expired(order: Order, now: int) -> Order:
    return order._replace(status=Status.EXPIRED, version=order.version + 1, updated_at=now)


def seen(order: Order, now: int) -> Order:
    """The order as it is at this moment, whether or not anybody has come to write that down."""
    ended = order.holds and order.expires_at is not None and order.expires_at <= now
    return order._replace(status=Status.EXPIRED) if ended else order


def cancelled(order: Order, now: int) -> Order:
    return order._replace(
        status=Status.CANCELLED, version=order.version + 1, updated_at=now, cancelled_at=now
    )
