"""Orders on the wire."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from leafcraft import money, times
from leafcraft.orders import rules
from leafcraft.orders.rules import HOLD_MINUTES_MAX, LINES_MAX, ORDERS_AT_ONCE_MAX, Status
from leafcraft.orders.store import OrderFilter
from leafcraft.web import wire
from leafcraft.web.paging import ListQuery
from leafcraft.web.problems import Problem

HoldMinutes = Annotated[
    int,
    Field(
        strict=True, ge=1, le=HOLD_MINUTES_MAX, description="how long stock is held for the order"
    ),
]


class NewItem(wire.Body):
    product_id: wire.BodyId
    quantity: wire.Quantity


class NewOrder(wire.Body):
    """What is ordered; ids, prices and totals are the service's to give."""

    items: Annotated[list[NewItem], Field(min_length=1, max_length=LINES_MAX)]
    hold_minutes: HoldMinutes | None = None


class NewHold(wire.Body):
    hold_minutes: HoldMinutes


class OrderIds(wire.Body):
    order_ids: Annotated[list[wire.BodyId], Field(min_length=1, max_length=ORDERS_AT_ONCE_MAX)]


class Item(TypedDict):
    product_id: int
    quantity: int
    unit_price: wire.Amount


class Order(TypedDict):
    """An order; `total_amount` is exact, in `currency`."""

    id: int
    items: list[Item]
    total_amount: wire.Amount
    currency: str
    status: Status
    created_at: wire.Time
    updated_at: wire.Time
    confirmed_at: wire.Time | None
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


class OrderQuery(ListQuery):
    sort: Literal["id", "-id", "created_at", "-created_at"] = "id"
    status: Status | None = None
    product_id: Annotated[int | None, Field(ge=1, le=wire.ID_MAX)] = None
    created_after: wire.GivenTime | None = None
    created_before: wire.GivenTime | None = None

    def chosen(self) -> OrderFilter:
        return OrderFilter(
            self.status,
            self.product_id,
            self.created_after,
            self.created_before,
        )


_HELD = {Status.PENDING, Status.EXPIRED}


def order(shown: rules.Order) -> dict[str, Any]:
    currency = money.currency(shown.currency)
    return {
        "id": shown.id,
        "items": [
            {
                "product_id": line.product_id,
                "quantity": line.quantity,
                "unit_price": wire.amount(line.unit_price_minor, currency),
            }
            for line in shown.lines
        ],
        "total_amount": wire.amount(shown.total_minor, currency),
        "currency": shown.currency,
        "status": shown.status,
        "created_at": times.write(shown.created_at),
        "updated_at": times.write(shown.updated_at),
        "confirmed_at": wire.moment(shown.confirmed_at),
        "cancelled_at": wire.moment(shown.cancelled_at),
        "expires_at": wire.moment(shown.expires_at if shown.status in _HELD else None),
    }
