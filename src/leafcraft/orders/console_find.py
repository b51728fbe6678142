"""What the command palette finds: a few orders and products, as fast as one types."""

from leafcraft.idempotency import Answer
from leafcraft.orders.console import numbered
from leafcraft.orders.views import Q_CHARS_MAX
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Document, Visit

pages = Pages("orders")

FOUND_MAX = 5
"""Of each kind."""


@pages.get("/find")
async def find(visit: Visit) -> Answer:
    """A piece of a page, for who has typed something; empty where nothing has been."""
    words = visit.query.one("q")[:Q_CHARS_MAX]
    return visit.page(
        "orders/find.html",
        orders=await _orders(visit, words),
        products=await _products(visit, words),
    )


async def _orders(visit: Visit, words: str) -> list[Document]:
    """The one of this number first, then the newest."""
    if not words or not visit.may("list_orders"):
        return []
    first = await numbered(visit, words)
    found = (await visit.ask("list_orders", q=words, sort="-id", limit=FOUND_MAX)).document
    known = {one["id"] for one in first}
    return [*first, *(one for one in found if one["id"] not in known)][:FOUND_MAX]


async def _products(visit: Visit, words: str) -> list[Document]:
    if not words or not visit.may("list_products"):
        return []
    found: list[Document] = (
        await visit.ask("list_products", q=words, sort="name", limit=FOUND_MAX)
    ).document
    return found
