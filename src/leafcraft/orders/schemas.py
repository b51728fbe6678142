"""Orders on the wire, as they go out."""

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from leafcraft import money, times
from leafcraft.activity.store import ShownEvent
from leafcraft.orders import parcels, rules
from leafcraft.orders.notes import Noted
from leafcraft.orders.parcels import ParcelLine
from leafcraft.orders.rules import Disposition, Payment, Status
from leafcraft.stock.views import Portioned
from leafcraft.times import NEVER
from leafcraft.web import wire
from leafcraft.web.problems import Problem


class Item(TypedDict):
    """A line: fulfilled + cancelled + what is open = quantity."""

    line: int
    product_id: int
    quantity: int
    unit_price: wire.Amount
    fulfilled: int
    returned: int
    cancelled: int


class Order(TypedDict):
    """An order. `total_amount` is that of all that was ordered, exact, in `currency`; `net_amount`
    is without what was cancelled or returned."""

    id: int
    items: list[Item]
    total_amount: wire.Amount
    net_amount: wire.Amount
    currency: str
    status: Status
    reference: str | None
    customer: dict[str, Any] | None
    note: str | None
    on_hold: bool
    on_hold_reason: str | None
    payment_status: Payment
    payment_reference: str | None
    created_at: wire.Time
    updated_at: wire.Time
    confirmed_at: wire.Time | None
    fulfilled_at: wire.Time | None
    cancelled_at: wire.Time | None
    expires_at: Annotated[
        wire.Time | None, Field(description="when the hold of a Pending order ends, or has ended")
    ]


class Moved(TypedDict):
    """What came of a confirmation or a cancellation."""

    message: str
    order: Order


class Result(TypedDict):
    """One order's part of a bulk call; `problem` says why when it was refused."""

    order_id: int
    status_code: int
    problem: NotRequired[Problem]


class Results(TypedDict):
    results: list[Result]


class Created(TypedDict):
    """One order's part of a bulk creation, by its place among those asked for."""

    index: int
    status_code: int
    order: NotRequired[Order]
    problem: NotRequired[Problem]


class CreatedMany(TypedDict):
    results: list[Created]


class ParcelItem(TypedDict):
    line: int
    product_id: int
    quantity: int
    location: str


class Fulfillment(TypedDict):
    """What was sent at one time; one that was a mistake is undone, and stays."""

    id: int
    order_id: int
    items: list[ParcelItem]
    carrier: str | None
    tracking_number: str | None
    actor: str
    created_at: wire.Time
    undone_at: wire.Time | None


class Return(TypedDict):
    """What came back at one time, and what became of it."""

    id: int
    order_id: int
    items: list[ParcelItem]
    disposition: Disposition
    reason: str | None
    actor: str
    created_at: wire.Time


class ReservedItem(ParcelItem):
    expires_at: Annotated[wire.Time | None, Field(description="when the hold ends, if it is one")]


class Note(TypedDict):
    order_id: int
    text: str
    actor: str
    occurred_at: wire.Time


class Entry(TypedDict):
    """What happened to an order, who did it, when; `data` says more, by the kind of thing it is."""

    id: int
    type: str
    actor: str
    request_id: str
    data: dict[str, Any]
    occurred_at: wire.Time


Counts = TypedDict("Counts", {status.value: int for status in Status})  # type: ignore[misc]


_HELD = {Status.PENDING, Status.EXPIRED}


def order(shown: rules.Order) -> dict[str, Any]:
    currency = money.currency(shown.currency)
    return {
        "id": shown.id,
        "items": [
            {
                "line": line.line_no,
                "product_id": line.product_id,
                "quantity": line.quantity,
                "unit_price": wire.amount(line.unit_price_minor, currency),
                "fulfilled": line.fulfilled,
                "returned": line.returned,
                "cancelled": line.cancelled,
            }
            for line in shown.lines
        ],
        "total_amount": wire.amount(shown.total_minor, currency),
        "net_amount": wire.amount(shown.net_minor, currency),
        "currency": shown.currency,
        "status": shown.status,
        "reference": shown.reference,
        "customer": None if shown.customer is None else orjson.Fragment(shown.customer),
        "note": shown.note,
        "on_hold": shown.on_hold_reason is not None,
        "on_hold_reason": shown.on_hold_reason,
        "payment_status": shown.payment_status,
        "payment_reference": shown.payment_reference,
        "created_at": times.write(shown.created_at),
        "updated_at": times.write(shown.updated_at),
        "confirmed_at": wire.moment(shown.confirmed_at),
        "fulfilled_at": wire.moment(shown.fulfilled_at),
        "cancelled_at": wire.moment(shown.cancelled_at),
        "expires_at": wire.moment(shown.expires_at if shown.status in _HELD else None),
    }


def fulfillment(shown: parcels.Fulfillment) -> dict[str, Any]:
    return {
        "id": shown.id,
        "order_id": shown.order_id,
        "items": _items(shown.lines),
        "carrier": shown.carrier,
        "tracking_number": shown.tracking_number,
        "actor": shown.actor,
        "created_at": times.write(shown.created_at),
        "undone_at": wire.moment(shown.undone_at),
    }


def returned(shown: parcels.Return) -> dict[str, Any]:
    return {
        "id": shown.id,
        "order_id": shown.order_id,
        "items": _items(shown.lines),
        "disposition": shown.disposition,
        "reason": shown.reason,
        "actor": shown.actor,
        "created_at": times.write(shown.created_at),
    }


def _items(lines: Sequence[ParcelLine]) -> list[dict[str, Any]]:
    return [
        {
            "line": one.line_no,
            "product_id": one.product_id,
            "quantity": one.quantity,
            "location": one.location,
        }
        for one in lines
    ]


def reservation(shown: Portioned) -> dict[str, Any]:
    return {
        "line": shown.line_no,
        "product_id": shown.product_id,
        "quantity": shown.quantity,
        "location": shown.location,
        "expires_at": None if shown.expires_at == NEVER else times.write(shown.expires_at),
    }


def note(noted: Noted) -> dict[str, Any]:
    return {**noted._asdict(), "occurred_at": times.write(noted.occurred_at)}


def entry(shown: ShownEvent, currency_code: str) -> dict[str, Any]:
    """An event of an order, with money and moments as they are written everywhere else."""
    currency = money.currency(currency_code)
    data = orjson.loads(shown.data)
    if "total_minor" in data:
        data["total_amount"] = _amounts(data.pop("total_minor"), currency)
    if "expires_at" in data:
        data["expires_at"] = times.write(data["expires_at"])
    return {
        "id": shown.id,
        "type": shown.type,
        "actor": shown.actor,
        "request_id": shown.request_id,
        "data": data,
        "occurred_at": times.write(shown.occurred_at),
    }


def _amounts(minor: Any, currency: money.Currency) -> Any:
    """An edit tells what it was and what it is now."""
    if isinstance(minor, list):
        return [wire.amount(one, currency) for one in minor]
    return wire.amount(minor, currency)
