"""One product: what lies where, how that came to be, who it is promised to, and when to order more."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from leafcraft import times
from leafcraft.idempotency import Answer
from leafcraft.products import console_curve
from leafcraft.products.console_lists import Json, is_low, locations
from leafcraft.products.console_movements import lines
from leafcraft.products.schemas import DEMAND_DAYS
from leafcraft.web import charts
from leafcraft.web.charts import Level, Words
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Problem, Visit

pages = Pages("products")

MOVEMENTS_MAX = 500
"""Of the ledger: what the curve is drawn from."""
NEWEST = 8
"""Movements on the product's own page."""
RESERVATIONS_MAX = 50
"""Orders with units of it on the product's own page."""


class Ledger(NamedTuple):
    """The newest movements, and the curve they make."""

    movements: Sequence[Json]
    curve: Markup


@pages.get("/products/{product_id}")
async def product_page(visit: Visit, product_id: int) -> Answer:
    return await show(visit, product_id)


async def show(visit: Visit, product_id: int, *, problem: Problem | None = None) -> Answer:
    """The page, maybe with why something could not be done. Raises Refusal."""
    product = (await visit.ask("get_product", product_id)).document
    shown = {"product": product, "low": is_low(product), "problem": problem}
    if visit.may("list_stock_levels"):
        shown |= await _stock(visit, product)
    return visit.page(
        "products/product.html",
        currency=visit.call.currency.code,
        days=DEMAND_DAYS,
        **{**_NO_STOCK, **shown},
    )


_NO_STOCK = {
    "levels": [],
    "reservations": [],
    "more_reservations": False,
    "orders": {},
    "lines": [],
    "curve": "",
    "advice": None,
    "names": {},
}


async def _stock(visit: Visit, product: Json) -> dict[str, object]:
    number = product["id"]
    why = await visit.ask("get_product_availability", number, limit=RESERVATIONS_MAX)
    places = await locations(visit)
    ledger = await _ledger(visit, why.document)
    names = {one["code"]: one["name"] for one in places}
    return {
        "levels": why.document["levels"],
        "reservations": why.document["reservations"],
        "more_reservations": bool(why.next_query),
        "orders": await _orders(visit, why.document["reservations"]),
        "lines": await lines(visit, ledger.movements[:NEWEST]),
        "curve": ledger.curve,
        "advice": (await visit.ask("get_reorder_advice", number)).document,
        "names": names,
    }


async def _orders(visit: Visit, reservations: Sequence[Json]) -> dict[int, Json]:
    """The orders that have reservations, as far as the visitor may know of them."""
    if not reservations or not visit.may("list_orders"):
        return {}
    wanted = ",".join(str(number) for number in {one["order_id"] for one in reservations})
    found = await visit.ask("list_orders", ids=wanted, limit=RESERVATIONS_MAX)
    return {one["id"]: one for one in found.document}


async def _ledger(visit: Visit, stock: Json) -> Ledger:
    found = await visit.ask(
        "list_stock_movements", product_id=stock["product_id"], sort="-id", limit=MOVEMENTS_MAX
    )
    movements: Sequence[Json] = found.document
    now = times.write(visit.now)
    levels = console_curve.levels(movements, stock["levels"])
    if levels:  # holds that have ended give back at once, and the ledger tells a little later
        levels.append(Level(now, stock["on_hand"], stock["available"]))
    return Ledger(movements, _curve(visit, levels, now))


def _curve(visit: Visit, levels: Sequence[Level], now: str) -> Markup:
    formats = visit.formats
    words = Words(formats.number, formats.plain_moment, short_label=formats.short_day)
    return charts.steps(levels, title="Stock over time", until=now, words=words)
