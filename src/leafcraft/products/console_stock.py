"""The stock grid: what lies where of each product, counted and corrected in its place; and what is low."""

from typing import NamedTuple
from urllib.parse import urlsplit

from leafcraft.idempotency import Answer
from leafcraft.products.console_editor import Editor
from leafcraft.products.console_given import LIMITS, address
from leafcraft.products.console_lists import (
    ROWS,
    SHOWS,
    Json,
    Narrowed,
    Part,
    is_low,
    levels,
    locations,
    products,
)
from leafcraft.products.schemas import DEMAND_DAYS
from leafcraft.web.fields import Fields, wanted_id
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Visit

pages = Pages("products")

GRID = "/console/stock"
LOW = "/console/stock/low"


class Shown(NamedTuple):
    """What a grid shows: which products, and the form within it, if one is open."""

    narrowed: Narrowed
    verb: str = ""
    product_id: int = 0


@pages.get("/stock")
async def stock_grid(visit: Visit) -> Answer:
    query = visit.query
    at = wanted_id(query.one("at"))
    return await grid(visit, Shown(Narrowed.read(query), query.one("do"), at))


async def grid(visit: Visit, shown: Shown, editor: Editor | None = None) -> Answer:
    """The grid, with a form that came back with a problem, or one that was asked for."""
    narrowed = shown.narrowed
    part = await products(visit, narrowed)
    places = [one for one in await locations(visit) if one["active"]]
    level_of = await levels(visit, (one["id"] for one in part.products))
    chosen = [one for one in places if one["code"] == narrowed.where]
    editor = editor or await _asked(visit, shown, part)
    return visit.page(
        "products/grid.html",
        limits=LIMITS,
        problem=editor and editor.problem,
        editor=editor,
        narrowed=narrowed,
        products=part.products,
        low={one["id"] for one in part.products if is_low(one)},
        levels=level_of,
        places=places,
        wheres=[("", "All locations"), *((place["code"], place["name"]) for place in places)],
        columns=chosen or places,
        shows=SHOWS,
        links=_links(narrowed, Fields.read(part.next_query).one("cursor")),
    )


async def _asked(visit: Visit, shown: Shown, part: Part) -> Editor | None:
    """The form that an address asks for, beside a product that is on the page."""
    for product in part.products:
        if product["id"] == shown.product_id:
            back = shown.narrowed.address(GRID)
            return await Editor.open(visit, product, shown.verb, back=back)
    return None


def _links(narrowed: Narrowed, cursor: str) -> Json:
    here = narrowed.address(GRID)
    return {
        "here": here,
        "open": f"{here}{'&' if '?' in here else '?'}",
        "next": narrowed._replace(cursor=cursor).address(GRID) if cursor else "",
        "first": narrowed._replace(cursor="").address(GRID) if narrowed.cursor else "",
    }


def narrowed_of(back: str) -> Narrowed | None:
    """What the grid showed that a form came from; None: it came from elsewhere."""
    parts = urlsplit(back)
    return Narrowed.read(Fields.read(parts.query)) if parts.path == GRID else None


@pages.get("/stock/low")
async def low_stock(visit: Visit) -> Answer:
    cursor = visit.query.one("cursor")
    found = await visit.ask("list_low_stock", cursor=cursor, limit=ROWS)
    return visit.page(
        "products/low.html",
        days=DEMAND_DAYS,
        rows=found.document,
        here=address(LOW, {"cursor": cursor}),
        next_href=visit.next_page(LOW, found.next_query),
        first_href=visit.first_page(LOW),
    )
