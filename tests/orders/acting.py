"""What people do to orders, one word each, and all that can be read of them."""

from collections.abc import Sequence
from typing import Any

from httpx2 import Response

from tests.builders import Json, Shop, found, wanted
from tests.orders.holding import availability, location, receive, rows

Line = tuple[Json, int]
Move = tuple[str, int, str, int, int]
"""A movement: kind, product, location, on hand, reserved."""


def items(*lines: Line) -> list[Json]:
    listed: list[Json] = wanted(*lines)["items"]
    return listed


async def do(shop: Shop, order: Json, verb: str, body: Any = None, **options: Any) -> Response:
    return await shop.post(f"/orders/{order['id']}/{verb}", body, **options)


async def edit(shop: Shop, order: Json, **fields: Any) -> Response:
    return await shop.patch(f"/orders/{order['id']}", fields)


async def reorder(shop: Shop, order: Json, *lines: Line) -> Response:
    """Asks for other lines."""
    return await edit(shop, order, items=items(*lines))


async def send(shop: Shop, order: Json, *lines: Line, **how: Any) -> Response:
    """Without lines, all that is open."""
    return await do(shop, order, "fulfillments", {**_listed(lines), **how})


async def take_back(
    shop: Shop, order: Json, *lines: Line, disposition: str = "restock", **how: Any
) -> Response:
    body = {"items": items(*lines), "disposition": disposition, **how}
    return await do(shop, order, "returns", body)


async def drop(shop: Shop, order: Json, *lines: Line) -> Response:
    """Cancels some units."""
    return await do(shop, order, "cancellations", {"items": items(*lines)})


async def undo(shop: Shop, order: Json, sent: Json) -> Response:
    return await do(shop, order, f"fulfillments/{sent['id']}/undo")


def _listed(lines: Sequence[Line]) -> Json:
    return {"items": items(*lines)} if lines else {}


async def confirmed(shop: Shop, *lines: Line) -> Json:
    return await shop.confirm(await shop.order(*lines))


async def sent(shop: Shop, order: Json, *lines: Line, **how: Any) -> Json:
    return found(await send(shop, order, *lines, **how), 201)


async def parcels(shop: Shop, order: Json, what: str = "fulfillments") -> list[Json]:
    return await rows(shop, f"/orders/{order['id']}/{what}")


def contents(parcel: Json) -> list[tuple[int, str, int]]:
    """Line, location and units of what was sent or came back."""
    return [(one["line"], one["location"], one["quantity"]) for one in parcel["items"]]


def units(order: Json) -> list[tuple[int, int, int, int]]:
    """Of each line: ordered, fulfilled, returned, cancelled."""
    names = ("quantity", "fulfilled", "returned", "cancelled")
    return [(*(line[name] for name in names),) for line in order["items"]]


async def ledger(shop: Shop, order: Json) -> list[Move]:
    """The movements of an order, the oldest first."""
    return [
        (
            *(one[name] for name in ("kind", "product_id", "location")),
            *(one["on_hand_delta"], one["reserved_delta"]),
        )
        for one in await rows(shop, f"/stock/movements?order_id={order['id']}&limit=500")
    ]


async def timeline(shop: Shop, order: Json) -> list[Json]:
    return await rows(shop, f"/orders/{order['id']}/timeline")


async def story(shop: Shop, order: Json) -> list[str]:
    """The types of its timeline's entries, without the noun."""
    return [one["type"].removeprefix("order.") for one in await timeline(shop, order)]


async def promised(shop: Shop, product: Json) -> list[tuple[int, str, int]]:
    """Order, location and units of each open reservation."""
    shown = (await availability(shop, product))["reservations"]
    return [(one["order_id"], one["location"], one["quantity"]) for one in shown]


async def all_there_is(shop: Shop) -> Any:
    """Everything, down to the reservations, the parcels and the timelines."""
    products, orders, *more = await shop.everything()
    return [
        *(products, orders, *more),
        found(await shop.get("/orders/counts")),
        [await promised(shop, product) for product in products],
        [
            (
                await timeline(shop, order),
                await parcels(shop, order),
                await parcels(shop, order, "returns"),
            )
            for order in orders
        ],
    ]


async def two_places(shop: Shop, here: int, there: int) -> Json:
    """A product with so many units in main and so many in the annex, which serves second."""
    if (await shop.get("/locations/?limit=500")).json()[-1]["code"] == "main":
        await location(shop, "annex")
    product = await shop.product(stock=here)
    if there:
        await receive(shop, product, there, "annex")
    return product
