"""How programs ask about orders."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.bulk import Many
from leafcraft.db import Reader
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.idempotency import Answer
from leafcraft.orders import actions, holds, schemas, store
from leafcraft.orders.actions import Cancel, Confirm, Create
from leafcraft.orders.holds import Hold
from leafcraft.orders.rules import Order
from leafcraft.stock.rules import Strategy
from leafcraft.web import problems, wire
from leafcraft.web.call import Asked, Call
from leafcraft.web.operations import Operations, Promise

orders = Operations("/orders", "Orders")

CREATES = Promise(
    "create_order",
    Permission.ORDERS_WRITE,
    schemas.Order,
    status=201,
    refuses=(Code.PRODUCT_NOT_FOUND, Code.PRODUCT_ARCHIVED, Code.INSUFFICIENT_STOCK),
)
CONFIRMS = Promise(
    "confirm_order",
    Permission.ORDERS_WRITE,
    schemas.Moved,
    refuses=(Code.NOT_FOUND, Code.INSUFFICIENT_STOCK, Code.ORDER_NOT_PENDING, Code.ORDER_EXPIRED),
)
CANCELS = Promise(
    "cancel_order",
    Permission.ORDERS_WRITE,
    schemas.Moved,
    refuses=(
        Code.NOT_FOUND,
        Code.ORDER_ALREADY_CANCELLED,
        Code.ORDER_NOT_CANCELLABLE,
        Code.ORDER_EXPIRED,
    ),
)


@orders.post("/create_order", CREATES)
@orders.post("/", CREATES._replace(name="create_order_at_root"))
async def create_order(call: Asked, body: schemas.NewOrder) -> Answer:
    """Place an order. It is Pending, and takes no stock until it is confirmed, unless it holds some."""
    items = [(item.product_id, item.quantity) for item in body.items]
    strategy = _strategy(call)
    command = Create(items, call.currency.code, call.by, body.hold_minutes, strategy)
    return await call.write(actions.create, command, _created)


@orders.get(
    "/", Promise(name="list_orders", permission=Permission.ORDERS_READ, answers=list[schemas.Order])
)
async def list_orders(call: Asked, query: Annotated[schemas.OrderQuery, Query()]) -> Answer:
    """The orders, a page at a time; the `Link` header leads to the next one."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await store.page(reader, page, query.chosen()))
        return wire.listing([schemas.order(one) for one in shown], more)

    return await call.read((store.TOPIC,), load)


@orders.get(
    "/{order_id}",
    Promise(
        name="get_order",
        permission=Permission.ORDERS_READ,
        answers=schemas.Order,
        refuses=[Code.NOT_FOUND],
    ),
)
async def get_order(call: Asked, order_id: wire.Id) -> Answer:
    """One order."""

    async def load(reader: Reader) -> Answer:
        await store.mind_holds(reader)
        found = await store.by_id(reader, [order_id])
        if order_id not in found:
            raise not_found("order", order_id)
        return _shown(found[order_id])

    return await call.read((store.TOPIC,), load)


@orders.patch("/{order_id}/confirm", CONFIRMS)
@orders.post("/{order_id}/confirm", CONFIRMS._replace(name="confirm_order_by_post"))
async def confirm_order(call: Asked, order_id: wire.Id) -> Answer:
    """Check stock and take it, all lines or none."""
    command = Confirm(order_id, call.by, _strategy(call))
    return await call.write(actions.confirm, command, _confirmed)


@orders.post(
    "/confirm",
    Promise(
        name="confirm_orders",
        permission=Permission.ORDERS_WRITE,
        answers=schemas.Results,
    ),
)
async def confirm_orders(call: Asked, body: schemas.OrderIds) -> Answer:
    """Confirm many orders, each for itself; results come in the order asked."""
    strategy = _strategy(call)
    command = Many([Confirm(order_id, call.by, strategy) for order_id in body.order_ids])
    return await call.write(
        actions.confirm_many,
        command,
        lambda outcomes: _results(call, body.order_ids, outcomes),
        weight=len(body.order_ids),
    )


@orders.patch("/{order_id}/cancel", CANCELS)
@orders.post("/{order_id}/cancel", CANCELS._replace(name="cancel_order_by_post"))
async def cancel_order(call: Asked, order_id: wire.Id) -> Answer:
    """Cancel a Pending or a Confirmed order; what it had reserved is available again, once."""
    return await call.write(actions.cancel, Cancel(order_id, call.by), _cancelled)


@orders.post(
    "/{order_id}/hold",
    Promise(
        name="hold_order",
        permission=Permission.ORDERS_WRITE,
        answers=schemas.Order,
        refuses=CONFIRMS.refuses,
    ),
)
async def hold_order(call: Asked, order_id: wire.Id, body: schemas.NewHold) -> Answer:
    """Hold a Pending order's stock for so many minutes from now; a hold there is already is
    prolonged, never cut short."""
    strategy = _strategy(call)
    command = Hold(order_id, body.hold_minutes, call.by, strategy)
    return await call.write(holds.hold, command, _shown)


def _strategy(call: Call) -> Strategy:
    return Strategy(call.runtime.settings.allocation)


def _shown(order: Order) -> Answer:
    return wire.tagged(200, order.version, schemas.order(order))


def _created(order: Order) -> Answer:
    document = schemas.order(order)
    return wire.tagged(201, order.version, document, location=f"/orders/{order.id}")


def _confirmed(order: Order) -> Answer:
    return _moved("Order Confirmed successfully", order)


def _cancelled(order: Order) -> Answer:
    return _moved("Order cancelled", order)


def _moved(message: str, order: Order) -> Answer:
    shown = _shown(order)
    body = wire.dump({"message": message, "order": orjson.Fragment(shown.body)})
    return shown._replace(body=body)


def _results(call: Call, order_ids: Sequence[int], outcomes: Sequence[Order | Refusal]) -> Answer:
    results = [
        _result(call, order_id, outcome)
        for order_id, outcome in zip(order_ids, outcomes, strict=True)
    ]
    return Answer(200, wire.dump({"results": results}))


def _result(call: Call, order_id: int, outcome: Order | Refusal) -> dict[str, Any]:
    if not isinstance(outcome, Refusal):
        return {"order_id": order_id, "status_code": 200}
    problem = problems.document(outcome, f"/orders/{order_id}/confirm", call.request_id)
    return {"order_id": order_id, "status_code": problem["status"], "problem": problem}
