"""Where the console's pages are, by name; what is `{in braces}` is the id of something in the shop."""

from collections.abc import Callable
from typing import Any, Final

SIGNED_OUT: Final = {"sign-in": "/console/sign-in"}
PAGES: Final = {
    **SIGNED_OUT,
    "home": "/console",
    "orders": "/console/orders",
    "new-order": "/console/orders/new",
    "orders-import": "/console/orders/import",
    "pick-lists": "/console/orders/pick-list?order={order}",
    "order": "/console/orders/{order}",
    "edit-order": "/console/orders/{order}/edit",
    "fulfill": "/console/orders/{order}/fulfill",
    "return": "/console/orders/{sent}/return",
    "cancel-units": "/console/orders/{order}/cancel-units",
    "packing-slip": "/console/orders/{order}/packing-slip",
    "pick-list": "/console/orders/{order}/pick-list",
    "products": "/console/products",
    "new-product": "/console/products/new",
    "products-import": "/console/products/import",
    "product": "/console/products/{product}",
    "edit-product": "/console/products/{product}/edit",
    "movements": "/console/products/{product}/movements",
    "stock": "/console/stock",
    "low-stock": "/console/stock/low",
    "stock-import": "/console/stock/import",
    "adjust": "/console/stock/{product}/adjust",
    "receive": "/console/stock/{product}/receive",
    "transfer": "/console/stock/{product}/transfer",
    "activity": "/console/activity",
    "users": "/console/settings/users",
    "user": "/console/settings/users/{user}",
    "keys": "/console/settings/keys",
    "locations": "/console/settings/locations",
    "account": "/console/account",
}

Get = Callable[..., Any]
"""The document at a path; what else is given is the query."""


def places(get: Get) -> dict[str, str]:
    """The pages' paths: of the largest order that waits to be packed, and of what is in it."""
    order = max(get("/orders/", status="Confirmed"), key=lambda one: len(one["items"]))
    ids = {
        "order": order["id"],
        "product": order["items"][0]["product_id"],
        "sent": get("/orders/", status="Fulfilled")[0]["id"],
        "user": get("/users/")[0]["id"],
    }
    return {name: path.format(**ids) for name, path in PAGES.items()}
