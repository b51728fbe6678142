"""What happened, in the words of those who work here."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "order.created": "Order placed",
    "order.confirmed": "Order confirmed",
    "order.held": "Stock held for the order",
    "order.expired": "Hold ended, order expired",
    "order.edited": "Order edited",
    "order.noted": "Note added",
    "order.put_on_hold": "Order put on hold",
    "order.taken_off_hold": "Order taken off hold",
    "order.payment_changed": "Payment changed",
    "order.partly_fulfilled": "Part of the order sent",
    "order.fulfilled": "Order sent",
    "order.tracking_changed": "Tracking changed",
    "order.fulfillment_undone": "Fulfillment undone",
    "order.partly_cancelled": "Part of the order cancelled",
    "order.cancelled": "Order cancelled",
    "order.returned": "Goods returned",
    "product.created": "Product added",
    "product.edited": "Product edited",
    "product.archived": "Product archived",
    "product.unarchived": "Product back on sale",
    "stock.received": "Stock received",
    "stock.adjusted": "Stock adjusted",
    "stock.transferred": "Stock transferred",
    "stock.reversed": "Stock movement reversed",
    "location.created": "Location added",
    "location.edited": "Location edited",
    "products.imported": "Products imported",
    "stock.imported": "Stock imported",
    "orders.imported": "Orders imported",
    "user.added": "User added",
    "user.edited": "User edited",
    "user.signed_in": "Signed in",
    "user.sign_in_failed": "Sign-in failed",
    "user.signed_out": "Signed out",
    "user.signed_out_everywhere": "Signed out everywhere",
    "user.session_revoked": "Session ended: a token was used twice",
    "user.password_changed": "Password changed",
    "user.password_rehashed": "Password stored anew",
    "api_key.created": "API key made",
    "api_key.removed": "API key taken away",
    "signing_key.added": "Signing key added",
    "settings.changed": "Settings changed",
}
"""By an event's type."""


SUBJECTS: Final[Mapping[str, str]] = {
    "order": "Order",
    "product": "Product",
    "stock": "Stock",
    "location": "Location",
    "user": "User",
    "api_key": "API key",
    "signing_key": "Signing key",
    "settings": "Settings",
}
"""What something happened to."""


def subject(kind: str, number: int) -> str:
    """`order`, 12 -> `Order 12`; what there is one of has no number."""
    name = SUBJECTS.get(kind) or kind.replace("_", " ").capitalize()
    return f"{name} {number}" if number else name


def told(fact: str) -> str:
    """`order.confirmed` -> `Order confirmed`."""
    return WORDS.get(fact) or fact.replace(".", " ").replace("_", " ").capitalize()
