"""How programs ask about orders."""

from typing import Annotated

import orjson
from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.db import Reader
from leafcraft.errors import Code, not_found
from leafcraft.idempotency import Answer
from leafcraft.orders import actions, edits, given, holds, notes, schemas, store, views
from leafcraft.orders.actions import Cancel, Confirm, Create
from leafcraft.orders.edits import CancelItems, Edit
from leafcraft.orders.holds import Hold
from leafcraft.orders.notes import Note, Noted
from leafcraft.orders.rules import Order
from leafcraft.stock.rules import Strategy
from leafcraft.web import wire
from leafcraft.web.call import Asked, Call
from leafcraft.web.operations import Operations, Promise

orders = Operations("/orders", "Orders")

CREATES = Promise(
    "create_order",
    Permission.ORDERS_WRITE,
    schemas.Order,
    status=201,
    refuses=(
        Code.PRODUCT_NOT_FOUND,
        Code.PRODUCT_ARCHIVED,
        Code.INSUFFICIENT_STOCK,
        Code.REFERENCE_TAKEN,
    ),
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
EDITS = Promise(
    "edit_order",
    Permission.ORDERS_WRITE,
    schemas.Order,
    edits=True,
    refuses=(
        Code.NOT_FOUND,
        Code.PRODUCT_NOT_FOUND,
        Code.PRODUCT_ARCHIVED,
        Code.INSUFFICIENT_STOCK,
        Code.REFERENCE_TAKEN,
        Code.ORDER_NOT_EDITABLE,
        Code.ORDER_EXPIRED,
        Code.QUANTITY_EXCEEDED,
        Code.CONFLICT,
        Code.PRECONDITION_FAILED,
    ),
)


@orders.post("/create_order", CREATES)
@orders.post("/", CREATES._replace(name="create_order_at_root"))
async def create_order(call: Asked, body: given.NewOrder) -> Answer:
    """Place an order. It is Pending, and takes no stock until it is confirmed, unless it holds some."""
    return await call.write(actions.create, creation(call, body), _created)


def creation(call: Call, body: given.NewOrder) -> Create:
    items = [(item.product_id, item.quantity) for item in body.items]
    strategy = allocation(call)
    return Create(items, call.currency.code, call.by, body.hold_minutes, strategy, body.details)


@orders.get(
    "/", Promise(name="list_orders", permission=Permission.ORDERS_READ, answers=list[schemas.Order])
)
async def list_orders(call: Asked, query: Annotated[given.OrderQuery, Query()]) -> Answer:
    """The orders, a page at a time; the `Link` header leads to the next one."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await views.page(reader, page, query.chosen()))
        return wire.listing([schemas.order(one) for one in shown], more)

    return await call.read((store.TOPIC,), load)


@orders.get(
    "/counts",
    Promise(name="count_orders", permission=Permission.ORDERS_READ, answers=schemas.Counts),
)
async def count_orders(call: Asked) -> Answer:
    """How many orders are in each state."""

    async def load(reader: Reader) -> Answer:
        counted = await views.counts(reader)
        return wire.shown({status.value: orders for status, orders in counted.items()})

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
        await views.mind_holds(reader)
        found = await store.by_id(reader, [order_id])
        if order_id not in found:
            raise not_found("order", order_id)
        return shown(found[order_id])

    return await call.read((store.TOPIC,), load)


@orders.patch("/{order_id}", EDITS)
async def edit_order(call: Asked, order_id: wire.Id, body: given.OrderEdit) -> Answer:
    """Change a Pending or a Confirmed order: what is ordered (of a Confirmed one only the difference
    is moved in stock, all of it or none), what is said about it, whether it is on hold.
    Whether it is paid can be said of any order."""
    items = None if body.items is None else [item.wanted for item in body.items]
    strategy = allocation(call)
    command = Edit(order_id, call.by, body.fields, items, call.versions, strategy)
    return await call.write(edits.edit, command, shown)


@orders.patch("/{order_id}/confirm", CONFIRMS)
@orders.post("/{order_id}/confirm", CONFIRMS._replace(name="confirm_order_by_post"))
async def confirm_order(call: Asked, order_id: wire.Id) -> Answer:
    """Check stock and take it, all lines or none."""
    command = Confirm(order_id, call.by, allocation(call))
    return await call.write(actions.confirm, command, _confirmed)


@orders.patch("/{order_id}/cancel", CANCELS)
@orders.post("/{order_id}/cancel", CANCELS._replace(name="cancel_order_by_post"))
async def cancel_order(call: Asked, order_id: wire.Id) -> Answer:
    """Cancel a Pending or a Confirmed order, or what has not been sent of it; what that had reserved
    is available again, once."""
    return await call.write(actions.cancel, Cancel(order_id, call.by), _cancelled)


@orders.post(
    "/{order_id}/cancellations",
    CANCELS._replace(
        name="cancel_order_items",
        answers=schemas.Order,
        refuses=(*CANCELS.refuses, Code.QUANTITY_EXCEEDED),
    ),
)
async def cancel_order_items(call: Asked, order_id: wire.Id, body: given.CancelledItems) -> Answer:
    """Cancel some units of an order's lines. When nothing is open any more, the order is Fulfilled if
    anything of it was sent, and Cancelled if not."""
    command = CancelItems(order_id, [item.wanted for item in body.items], call.by)
    return await call.write(edits.cancel_items, command, shown)


@orders.post(
    "/{order_id}/hold",
    Promise(
        name="hold_order",
        permission=Permission.ORDERS_WRITE,
        answers=schemas.Order,
        refuses=CONFIRMS.refuses,
    ),
)
async def hold_order(call: Asked, order_id: wire.Id, body: given.NewHold) -> Answer:
    """Hold a Pending order's stock for so many minutes from now; a hold there is already is
    prolonged, never cut short."""
    strategy = allocation(call)
    command = Hold(order_id, body.hold_minutes, call.by, strategy)
    return await call.write(holds.hold, command, shown)


@orders.get(
    "/{order_id}/timeline",
    Promise(
        name="get_order_timeline",
        permission=Permission.ORDERS_READ,
        answers=list[schemas.Entry],
        refuses=[Code.NOT_FOUND],
    ),
)
async def get_order_timeline(
    call: Asked, order_id: wire.Id, query: Annotated[given.PartQuery, Query()]
) -> Answer:
    """What happened to an order, who did it and when, with the notes that people added."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        found = await store.by_id(reader, [order_id])
        if order_id not in found:
            raise not_found("order", order_id)
        entries, more = query.cut(await views.timeline_page(reader, page, order_id))
        return wire.listing([schemas.entry(one, found[order_id].currency) for one in entries], more)

    return await call.read((store.TOPIC,), load)


@orders.post(
    "/{order_id}/notes",
    Promise(
        name="add_order_note",
        permission=Permission.ORDERS_WRITE,
        answers=schemas.Note,
        status=201,
        refuses=[Code.NOT_FOUND],
    ),
)
async def add_order_note(call: Asked, order_id: wire.Id, body: given.NewNote) -> Answer:
    """Add a note to an order's timeline; it is never changed."""
    return await call.write(notes.note, Note(order_id, body.text, call.by), _noted)


def allocation(call: Call) -> Strategy:
    """Which locations serve first, by the shop's settings."""
    return Strategy(call.runtime.settings.allocation)


def shown(order: Order) -> Answer:
    return wire.tagged(200, order.version, schemas.order(order))


def _created(order: Order) -> Answer:
    document = schemas.order(order)
    return wire.tagged(201, order.version, document, location=f"/orders/{order.id}")


def _confirmed(order: Order) -> Answer:
    return _moved("Order Confirmed successfully", order)


def _cancelled(order: Order) -> Answer:
    return _moved("Order cancelled", order)


def _moved(message: str, order: Order) -> Answer:
    told = shown(order)
    body = wire.dump({"message": message, "order": orjson.Fragment(told.body)})
    return told._replace(body=body)


def _noted(noted: Noted) -> Answer:
    return Answer(201, wire.dump(schemas.note(noted)))
