"""What is printed of orders: the slip that goes into the parcel, and the list that goods are picked by."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.orders import console_lines
from leafcraft.orders.console_order import facts
from leafcraft.orders.rules import Status
from leafcraft.web.barcodes import code128
from leafcraft.web.fields import wanted_id
from leafcraft.web.pages import Pages
from leafcraft.web.problems import invalid_parameter
from leafcraft.web.visit import Document, Visit

pages = Pages("orders")

PICKED_ORDERS_MAX = 100
"""On one pick list: more is more than a trolley."""


class Slip(NamedTuple):
    """So many units of a line, in this parcel."""

    product: Document
    ordered: int
    units: int


class Pick(NamedTuple):
    """So many units of a product at a location, and for which orders."""

    product: Document
    units: int
    orders: Sequence[tuple[int, int]]


@pages.get("/orders/{order_id}/packing-slip")
async def packing_slip(visit: Visit, order_id: int) -> Answer:
    """Of one fulfillment; without one, of all that is still to be sent, or else of all that was."""
    order = (await visit.ask("get_order", order_id)).document
    parcel = await _parcel(visit, order_id)
    known = await console_lines.products(visit, (item["product_id"] for item in order["items"]))
    packed = _packed(order, parcel)
    slips = [
        Slip(_product(known, item["product_id"]), item["quantity"], packed[item["line"]])
        for item in order["items"]
        if packed.get(item["line"])
    ]
    return visit.page(
        "orders/packing_slip.html",
        order=order,
        parcel=parcel,
        slips=slips,
        customer=facts(order["customer"]),
        code=_order_code(order),
        barcode=code128,
    )


async def _parcel(visit: Visit, order_id: int) -> Document | None:
    wanted = visit.query.one("fulfillment")
    if not wanted:
        return None
    sent = await visit.all("list_fulfillments", order_id)
    found = next((one for one in sent if str(one["id"]) == wanted), None)
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"Order {order_id} has no fulfillment {wanted}.")
    return found


def _packed(order: Document, parcel: Document | None) -> Mapping[int, int]:
    """Units by line."""
    if parcel is not None:
        units: dict[int, int] = {}
        for item in parcel["items"]:
            units[item["line"]] = units.get(item["line"], 0) + item["quantity"]
        return units
    if order["status"] in {Status.PENDING, Status.CONFIRMED}:
        return {
            one["line"]: one["quantity"] - one["fulfilled"] - one["cancelled"]
            for one in order["items"]
        }
    return {one["line"]: one["fulfilled"] for one in order["items"]}


def _order_code(order: Document) -> str:
    """What a scanner reads: the merchant's own number if it can be a barcode, or else the order's."""
    reference = order["reference"]
    return reference if reference and code128(reference) else str(order["id"])


@pages.get("/orders/{order_id}/pick-list")
async def pick_list(visit: Visit, order_id: int) -> Answer:
    return await _picked(visit, [order_id])


@pages.get("/orders/pick-list")
async def pick_lists(visit: Visit) -> Answer:
    """Of all orders that the address names."""
    numbers = dict.fromkeys(map(wanted_id, visit.query.all("order")))
    wanted = [number for number in numbers if number]
    if not wanted or len(wanted) > PICKED_ORDERS_MAX:
        raise invalid_parameter("order", f"names 1 to {PICKED_ORDERS_MAX} orders")
    return await _picked(visit, wanted)


async def _picked(visit: Visit, order_ids: Sequence[int]) -> Answer:
    orders = await _orders(visit, order_ids)
    reserved = {
        order["id"]: (await visit.ask("list_order_reservations", order["id"])).document
        for order in orders
    }
    known = await console_lines.products(
        visit, (row["product_id"] for rows in reserved.values() for row in rows)
    )
    places = await visit.all("list_locations", sort="priority")
    return visit.page(
        "orders/pick_list.html",
        orders=orders,
        idle=[order for order in orders if not reserved[order["id"]]],
        codes={order["id"]: _order_code(order) for order in orders},
        places=[(place, found) for place in places if (found := _at(place, reserved, known))],
        barcode=code128,
    )


async def _orders(visit: Visit, order_ids: Sequence[int]) -> list[Document]:
    """These orders, in this order. Raises Refusal `not_found`."""
    wanted = ",".join(map(str, order_ids))
    found = await visit.ask("list_orders", ids=wanted, limit=PICKED_ORDERS_MAX)
    known = {order["id"]: order for order in found.document}
    for number in order_ids:
        if number not in known:
            raise Refusal(Code.NOT_FOUND, f"There is no order {number}.")
    return [known[number] for number in order_ids]


def _at(
    place: Document, reserved: Mapping[int, Sequence[Document]], known: Mapping[int, Document]
) -> list[Pick]:
    """What is to be picked at one location, by sku."""
    wanted: dict[int, dict[int, int]] = {}
    for order_id, rows in reserved.items():
        for row in rows:
            if row["location"] == place["code"]:
                by_order = wanted.setdefault(row["product_id"], {})
                by_order[order_id] = by_order.get(order_id, 0) + row["quantity"]
    picks = [
        Pick(_product(known, number), sum(by_order.values()), list(by_order.items()))
        for number, by_order in wanted.items()
    ]
    return sorted(picks, key=lambda pick: str(pick.product["sku"]))


def _product(known: Mapping[int, Document], number: int) -> Document:
    return known.get(number, {"name": f"Product {number}", "sku": str(number)})
