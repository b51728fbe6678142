"""The lines of an order as its pages show them: what is sold, how far it has come, and where it lies."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from leafcraft.orders.rules import Status, Verb, why_not
from leafcraft.web.visit import Document, Visit
from leafcraft.web.wire import LIST_ITEMS_MAX


class Place(NamedTuple):
    location: str
    units: int


class ShownLine(NamedTuple):
    """A line with all that helps to decide about it."""

    line: int
    product_id: int
    name: str
    sku: str
    price: Decimal
    quantity: int
    fulfilled: int
    returned: int
    cancelled: int
    reserved: Sequence[Place] = ()
    """Promised to this line."""
    available: Sequence[Place] = ()
    """There for anybody, where it is still to be promised."""
    short: int = 0
    """Units of the product that the whole order lacks."""

    @property
    def open(self) -> int:
        return self.quantity - self.fulfilled - self.cancelled

    @property
    def returnable(self) -> int:
        return self.fulfilled - self.returned

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity


async def products(visit: Visit, product_ids: Iterable[int]) -> Mapping[int, Document]:
    """What these products are, by id, as far as the visitor may know it."""
    if not visit.may("list_products"):
        return {}
    wanted = sorted(set(product_ids))
    found: dict[int, Document] = {}
    for first in range(0, len(wanted), LIST_ITEMS_MAX):
        some = _listed(wanted[first : first + LIST_ITEMS_MAX])
        rows = (await visit.ask("list_products", ids=some, limit=LIST_ITEMS_MAX)).document
        found.update((row["id"], row) for row in rows)
    return found


def names(found: Mapping[int, Document]) -> Mapping[int, str]:
    """What people call the products."""
    return {number: str(one["name"]) for number, one in found.items()}


async def lines(
    visit: Visit, order: Document, known: Mapping[int, Document]
) -> Sequence[ShownLine]:
    """The order's lines; while something is open of them, with where it is."""
    shown = [_line(item, known) for item in order["items"]]
    if order["status"] not in {Status.PENDING, Status.CONFIRMED}:
        return shown
    reserved = (await visit.ask("list_order_reservations", order["id"])).document
    promised = [
        one._replace(reserved=[_place(row) for row in reserved if row["line"] == one.line])
        for one in shown
    ]
    return promised if reserved else await _supplied(visit, promised)


async def _supplied(visit: Visit, shown: Sequence[ShownLine]) -> Sequence[ShownLine]:
    """The same with what there is of what is still to be promised; demand is summed per product."""
    wanted: dict[int, int] = {}
    for one in shown:
        wanted[one.product_id] = wanted.get(one.product_id, 0) + one.open
    levels = await visit.all("list_stock_levels", product_ids=_listed(wanted))
    there: dict[int, list[Place]] = {}
    for level in levels:
        if level["available"]:
            place = Place(level["location"], level["available"])
            there.setdefault(level["product_id"], []).append(place)
    return [
        one._replace(
            available=(found := there.get(one.product_id, [])),
            short=max(wanted[one.product_id] - sum(place.units for place in found), 0),
        )
        for one in shown
    ]


def _line(item: Mapping[str, Any], known: Mapping[int, Document]) -> ShownLine:
    product = known.get(item["product_id"], {"name": f"Product {item['product_id']}", "sku": ""})
    return ShownLine(
        item["line"],
        item["product_id"],
        product["name"],
        product["sku"],
        Decimal(item["unit_price"]),
        **{name: item[name] for name in ("quantity", "fulfilled", "returned", "cancelled")},
    )


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["location"], row["quantity"])


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def reasons(order: Document) -> dict[str, str]:
    """Why each verb can't be done to the order at present, by the verb's name in lower case; nothing
    where it can be."""
    status = Status(order["status"])
    found = {verb.name.lower(): sentence(why_not(verb, status) or "") for verb in Verb}
    if order["on_hold"]:
        found["fulfill"] = found["fulfill"] or "It is on hold. Take it off hold first."
    if not any(item["fulfilled"] for item in order["items"]):
        found["return"] = found["return"] or "Nothing of it has been sent."
    elif all(item["fulfilled"] == item["returned"] for item in order["items"]):
        found["return"] = found["return"] or "All that was sent has come back."
    return found


def sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""
