"""How programs ask about what is sent of orders, and what comes back."""

from typing import Annotated

from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.db import Reader
from leafcraft.errors import Code, not_found
from leafcraft.idempotency import Answer
from leafcraft.orders import fulfillments, given, returns, schemas, store, views
from leafcraft.orders.fulfillments import Fulfill, Track, Undo
from leafcraft.orders.parcels import Fulfillment, Return
from leafcraft.orders.returns import TakeBack
from leafcraft.stock import views as stock
from leafcraft.stock.store import TOPIC as STOCK_TOPIC
from leafcraft.web import wire
from leafcraft.web.call import Asked
from leafcraft.web.operations import Operations, Promise

parcels = Operations("/orders", "Orders")
_CHANGES = Promise(
    "fulfill_order",
    Permission.ORDERS_WRITE,
    schemas.Fulfillment,
    status=201,
    refuses=(
        Code.NOT_FOUND,
        Code.ORDER_NOT_CONFIRMED,
        Code.ORDER_EXPIRED,
        Code.ORDER_ON_HOLD,
        Code.QUANTITY_EXCEEDED,
        Code.INSUFFICIENT_STOCK,
        Code.CONFLICT,
    ),
)


@parcels.post("/{order_id}/fulfillments", _CHANGES)
async def fulfill_order(call: Asked, order_id: wire.Id, body: given.NewFulfillment) -> Answer:
    """Send an order, or a part of it: what is on hand and reserved goes down together. What is to be
    sent from a named location, and is promised elsewhere, is promised there instead, if it can be."""
    items = None if body.items is None else [item.wanted for item in body.items]
    how = (body.location, body.carrier, body.tracking_number)
    return await call.write(fulfillments.fulfill, Fulfill(order_id, call.by, items, *how), _sent)


@parcels.get(
    "/{order_id}/fulfillments",
    Promise(
        name="list_fulfillments",
        permission=Permission.ORDERS_READ,
        answers=list[schemas.Fulfillment],
        refuses=[Code.NOT_FOUND],
    ),
)
async def list_fulfillments(
    call: Asked, order_id: wire.Id, query: Annotated[given.PartQuery, Query()]
) -> Answer:
    """What was sent of an order, in the order in which it was."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        await _check(reader, order_id)
        shown, more = query.cut(await views.fulfillments_page(reader, page, order_id))
        return wire.listing([schemas.fulfillment(one) for one in shown], more)

    return await call.read((store.TOPIC,), load)


@parcels.patch(
    "/{order_id}/fulfillments/{fulfillment_id}",
    Promise(
        name="edit_fulfillment",
        permission=Permission.ORDERS_WRITE,
        answers=schemas.Fulfillment,
        refuses=[Code.NOT_FOUND],
    ),
)
async def edit_fulfillment(
    call: Asked, order_id: wire.Id, fulfillment_id: wire.Id, body: given.FulfillmentEdit
) -> Answer:
    """Say who carries it, and under which number."""
    command = Track(order_id, fulfillment_id, body.fields, call.by)
    return await call.write(fulfillments.track, command, _changed)


@parcels.post(
    "/{order_id}/fulfillments/{fulfillment_id}/undo",
    Promise(
        name="undo_fulfillment",
        permission=Permission.ORDERS_WRITE,
        answers=schemas.Fulfillment,
        refuses=(
            Code.NOT_FOUND,
            Code.ORDER_NOT_CONFIRMED,
            Code.ORDER_ALREADY_CANCELLED,
            Code.ORDER_EXPIRED,
            Code.FULFILLMENT_ALREADY_UNDONE,
            Code.CONFLICT,
        ),
    ),
)
async def undo_fulfillment(call: Asked, order_id: wire.Id, fulfillment_id: wire.Id) -> Answer:
    """Undo a fulfillment that was a mistake, once: its goods are on hand again, and promised to the
    order as before."""
    return await call.write(fulfillments.undo, Undo(order_id, fulfillment_id, call.by), _changed)


@parcels.post(
    "/{order_id}/returns",
    Promise(
        name="return_order_items",
        permission=Permission.ORDERS_WRITE,
        answers=schemas.Return,
        status=201,
        refuses=(
            Code.NOT_FOUND,
            Code.ORDER_NOT_CONFIRMED,
            Code.ORDER_EXPIRED,
            Code.QUANTITY_EXCEEDED,
            Code.CONFLICT,
        ),
    ),
)
async def return_order_items(call: Asked, order_id: wire.Id, body: given.NewReturn) -> Answer:
    """Take back what was sent: `restock` puts it on hand, `write_off` does not."""
    items = [item.wanted for item in body.items]
    how = (body.disposition, call.by, body.reason, body.location)
    return await call.write(returns.take_back, TakeBack(order_id, items, *how), _returned)


@parcels.get(
    "/{order_id}/returns",
    Promise(
        name="list_returns",
        permission=Permission.ORDERS_READ,
        answers=list[schemas.Return],
        refuses=[Code.NOT_FOUND],
    ),
)
async def list_returns(
    call: Asked, order_id: wire.Id, query: Annotated[given.PartQuery, Query()]
) -> Answer:
    """What came back of an order, in the order in which it did."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        await _check(reader, order_id)
        shown, more = query.cut(await views.returns_page(reader, page, order_id))
        return wire.listing([schemas.returned(one) for one in shown], more)

    return await call.read((store.TOPIC,), load)


@parcels.get(
    "/{order_id}/reservations",
    Promise(
        name="list_order_reservations",
        permission=Permission.ORDERS_READ,
        answers=list[schemas.ReservedItem],
        refuses=[Code.NOT_FOUND],
    ),
)
async def list_order_reservations(call: Asked, order_id: wire.Id) -> Answer:
    """Where what an order has been promised lies: all of it, line by line, to be picked."""

    async def load(reader: Reader) -> Answer:
        await _check(reader, order_id)
        await stock.mind_holds(reader)
        found = await stock.promised_to(reader, order_id)
        return wire.listing([schemas.reservation(one) for one in found], "")

    return await call.read((store.TOPIC, STOCK_TOPIC), load)


async def _check(reader: Reader, order_id: int) -> None:
    if order_id not in await store.by_id(reader, [order_id]):
        raise not_found("order", order_id)


def _sent(made: Fulfillment) -> Answer:
    return Answer(201, wire.dump(schemas.fulfillment(made)))


def _changed(made: Fulfillment) -> Answer:
    return Answer(200, wire.dump(schemas.fulfillment(made)))


def _returned(made: Return) -> Answer:
    return Answer(201, wire.dump(schemas.returned(made)))
