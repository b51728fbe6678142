"""What people type into the forms of products and stock, as the operations take it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlencode

from leafcraft.products.rules import NAME_CHARS_MAX, SKU_CHARS_MAX
from leafcraft.stock.tables import NOTE_CHARS_MAX, REFERENCE_CHARS_MAX
from leafcraft.web.fields import Fields, whole

LIMITS = {
    "name": NAME_CHARS_MAX,
    "sku": SKU_CHARS_MAX,
    "note": NOTE_CHARS_MAX,
    "reference": REFERENCE_CHARS_MAX,
}
"""How many characters the fields take, by their names: no more than the operations do."""

_AMOUNT = re.compile(r"-?\d{1,18}([.,]\d{1,18})?", re.ASCII)


def amount(text: str) -> Decimal | str:
    """An amount of money, with a point or a comma."""
    return Decimal(text.replace(",", ".")) if _AMOUNT.fullmatch(text) else text


def optional(form: Fields, name: str) -> int | str | None:
    """A whole number, or None where the field was left blank."""
    text = form.one(name)
    return whole(text) if text else None


def address(path: str, query: Mapping[str, object]) -> str:
    """The path with what of the query says something."""
    said = urlencode({name: value for name, value in query.items() if value not in {None, ""}})
    return f"{path}?{said}" if said else path
