"""An order that is being made by hand: what has been typed so far, which each step brings along whole."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from leafcraft.web import fields
from leafcraft.web.fields import Fields, wanted_id
from leafcraft.web.visit import Document

SAID = ("reference", "note")
CUSTOMER = ("name", "email", "phone")
ADD, REMOVE = "add", "remove"


class Line(NamedTuple):
    """Some of a product, as it was typed and as it comes out."""

    product: Document
    typed: str
    place: int
    """Which of the order's items it is: problems tell it so."""

    @property
    def quantity(self) -> int:
        """0 while it is no number."""
        asked = fields.whole(self.typed)
        return asked if isinstance(asked, int) else 0

    @property
    def missing(self) -> int:
        """How many more are wanted than can be sold now."""
        available: int = self.product["stock_quantity"]
        return max(self.quantity - max(available, 0), 0)

    @property
    def amount(self) -> Decimal:
        price = Decimal(self.product["price"])
        return self.quantity * price


def wanted(form: Fields) -> dict[int, str]:
    """The quantities that were typed, by product, after the button that was pressed."""
    ids = dict.fromkeys(map(wanted_id, form.all("product")))
    lines = {one: form.one(f"quantity-{one}") for one in ids if one}
    act, _, place = form.one("act").partition(":")
    product_id = wanted_id(place)
    if act == ADD and product_id:
        before = fields.whole(lines.get(product_id, "0"))
        lines[product_id] = str(before + 1) if isinstance(before, int) else "1"
    if act == REMOVE:
        lines.pop(product_id, None)
    return lines


def body(form: Fields, lines: Mapping[int, str]) -> dict[str, Any]:
    """The order as a program would ask for it; what can't be right is for the operation to say."""
    items = [{"product_id": one, "quantity": fields.whole(typed)} for one, typed in lines.items()]
    asked: dict[str, Any] = {"items": items, **form.given(*SAID)}
    if customer := _customer(form):
        asked["customer"] = customer
    if minutes := form.one("hold_minutes"):
        asked["hold_minutes"] = fields.whole(minutes)
    return asked


def no_numbers(asked: Mapping[str, Any]) -> set[str]:
    """Where in the order there should be a whole number, 1 or more, and is none."""
    found = {
        f"/items/{place}/quantity": one["quantity"] for place, one in enumerate(asked["items"])
    }
    found["/hold_minutes"] = asked.get("hold_minutes", 1)
    return {place for place, given in found.items() if not isinstance(given, int) or given < 1}


def _customer(form: Fields) -> dict[str, Any]:
    known: dict[str, Any] = dict(form.given(*CUSTOMER))
    if lines := [line.strip() for line in form.one("address").splitlines() if line.strip()]:
        known["address"] = lines
    return known
