"""How much the fields of an order's forms take, by their names: no more than the operations do."""

from leafcraft.accounts.rules import EMAIL_CHARS_MAX
from leafcraft.orders.given import CUSTOMER_NAME_CHARS_MAX, PHONE_CHARS_MAX
from leafcraft.orders.rules import (
    CARRIER_CHARS_MAX,
    HOLD_MINUTES_MAX,
    HOLD_REASON_CHARS_MAX,
    NOTE_CHARS_MAX,
    PAYMENT_REFERENCE_CHARS_MAX,
    REFERENCE_CHARS_MAX,
    RETURN_REASON_CHARS_MAX,
    TRACKING_CHARS_MAX,
)
from leafcraft.orders.views import Q_CHARS_MAX
from leafcraft.products.rules import NAME_CHARS_MAX, SKU_CHARS_MAX

LIMITS = {
    "name": CUSTOMER_NAME_CHARS_MAX,
    "company": CUSTOMER_NAME_CHARS_MAX,
    "email": EMAIL_CHARS_MAX,
    "phone": PHONE_CHARS_MAX,
    "reference": REFERENCE_CHARS_MAX,
    "note": NOTE_CHARS_MAX,
    "hold_minutes": HOLD_MINUTES_MAX,
    "hold_reason": HOLD_REASON_CHARS_MAX,
    "payment_reference": PAYMENT_REFERENCE_CHARS_MAX,
    "carrier": CARRIER_CHARS_MAX,
    "tracking_number": TRACKING_CHARS_MAX,
    "return_reason": RETURN_REASON_CHARS_MAX,
    "search": Q_CHARS_MAX,
    "product": NAME_CHARS_MAX,
    "sku": SKU_CHARS_MAX,
}
"""In characters; of the time of a hold in minutes."""
