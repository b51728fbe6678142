"""Lists of products as people narrow them, and what lies where of the products on a page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from leafcraft.products.console_given import address
from leafcraft.products.rules import NAME_CHARS_MAX
from leafcraft.web.fields import Fields
from leafcraft.web.visit import Visit

ROWS = 50
"""Products a page."""

ON_SALE = {"archived": False}
SHOWN: Mapping[str, Mapping[str, bool]] = {
    "": ON_SALE,
    "low": {**ON_SALE, "low_stock": True},
    "in": {**ON_SALE, "in_stock": True},
    "out": {**ON_SALE, "in_stock": False},
    "archived": {"archived": True},
}
"""The filters of a list, and what each asks of products."""
SHOWS = (
    ("", "All on sale"),
    ("low", "Low"),
    ("in", "In stock"),
    ("out", "Out of stock"),
    ("archived", "Archived"),
)
SORTS = (("name", "By name"), ("-created_at", "Newest first"))

Json = Mapping[str, Any]
Levels = Mapping[int, Mapping[str, Json]]
"""Stock levels by product and location."""


class Narrowed(NamedTuple):
    """Which products a list shows, and in which order."""

    q: str = ""
    show: str = ""
    sort: str = ""
    where: str = ""
    cursor: str = ""

    @classmethod
    def read(cls, query: Fields) -> "Narrowed":
        """What an address says; what it can't mean is left out."""
        show, sort = query.one("show"), query.one("sort")
        return cls(
            query.one("q")[:NAME_CHARS_MAX],
            show if show in SHOWN else "",
            sort if sort in dict(SORTS[1:]) else "",
            query.one("where"),
            query.one("cursor"),
        )

    def address(self, path: str) -> str:
        return address(path, self._asdict())

    @property
    def narrow(self) -> bool:
        return bool(self.q or self.show)


class Part(NamedTuple):
    """A page of products, and the query of the next one; empty: there is none."""

    products: Sequence[Json]
    next_query: str


async def products(visit: Visit, narrowed: Narrowed) -> Part:
    """The products of one page. Raises Refusal."""
    found = await visit.ask(
        "list_products",
        q=narrowed.q,
        sort=narrowed.sort or SORTS[0][0],
        cursor=narrowed.cursor,
        limit=ROWS,
        **SHOWN[narrowed.show],
    )
    return Part(found.document, found.next_query)


async def levels(visit: Visit, product_ids: Iterable[int]) -> Levels:
    """What lies where of these products. Raises Refusal."""
    by_product: dict[int, dict[str, Json]] = {number: {} for number in product_ids}
    if not by_product:
        return by_product
    wanted = ",".join(map(str, by_product))
    for row in await visit.all("list_stock_levels", product_ids=wanted):
        by_product[row["product_id"]][row["location"]] = row
    return by_product


async def locations(visit: Visit) -> Sequence[Json]:
    """The places that hold stock, those that serve first first. Raises Refusal."""
    return await visit.all("list_locations", sort="priority")


def is_low(product: Json) -> bool:
    """Whether no more than the reorder point is available."""
    point = product["reorder_point"]
    return point is not None and product["stock_quantity"] <= point
