"""The orders as people look through them: by state, searched and narrowed, the newest first."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from leafcraft import times
from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.orders.console_limits import LIMITS
from leafcraft.orders.rules import Status
from leafcraft.web import problems
from leafcraft.web.fields import Fields, wanted_id
from leafcraft.web.pages import Pages, Tab
from leafcraft.web.problems import invalid_parameter
from leafcraft.web.visit import Document, Visit

pages = Pages("orders", Tab("Orders", "/console/orders", "orders", "list_orders", "o"))

LIST = "/console/orders"
ROWS_MAX = 50
"""On one page."""
NARROWED = ("sku", "email", "from", "to")
"""The filters that are not always in sight."""
KEPT = ("q", *NARROWED, "sort")
"""What stays when another state is looked at."""
OLDEST_FIRST = "oldest"


NOT_NARROWED = {
    "title": "Orders can't be looked for like this",
    "detail": "One of the filters means nothing. Put it right, or clear it.",
}

View = tuple[str, str, str, bool]


class Listed(NamedTuple):
    """A page of orders, and why there is none where there is not."""

    orders: list[Document]
    next_query: str = ""
    problem: Mapping[str, Any] | None = None


@pages.get("/orders")
async def orders(visit: Visit) -> Answer:
    counts = (await visit.ask("count_orders")).document
    query = await _spelled_out(visit)
    try:
        listed = await _listed(visit, query)
    except Refusal as refusal:
        if refusal.code is not Code.VALIDATION_ERROR:
            raise
        if "cursor" in query:  # of other filters, or of another time zone: begin at the beginning
            return visit.see(visit.first_page(LIST))
        problem = problems.document(refusal, visit.path, visit.call.request_id)
        listed = Listed([], problem={**problem, **NOT_NARROWED})
    return visit.page(
        "orders/list.html",
        limits=LIMITS,
        problem=listed.problem,
        orders=listed.orders,
        total=sum(counts.values()),
        views=_views(visit, query, counts),
        query=query,
        here=f"{LIST}?{visit.call.query}",
        narrowed=len(query.given(*NARROWED)),
        clear=LIST if query.given(*KEPT) else "",
        first=visit.first_page(LIST),
        following=visit.next_page(LIST, listed.next_query),
    )


async def _spelled_out(visit: Visit) -> Fields:
    """The address's query, with the product told by its sku, which is how people know it."""
    query = visit.query
    number = wanted_id(query.one("product_id"))
    if not number or not visit.may("get_product"):
        return query
    product = await visit.ask("get_product", number)
    return Fields([*query.pairs, ("sku", product.document["sku"])])


async def _listed(visit: Visit, query: Fields) -> Listed:
    """Raises Refusal `validation_error` for filters that mean nothing."""
    product_id = await _product_id(visit, query)
    found = await visit.ask(
        "list_orders",
        q=query.one("q"),
        status=query.one("status"),
        product_id=product_id,
        customer_email=query.one("email"),
        created_after=_begins(visit, query.one("from"), "from", days=0, micros=-1),
        created_before=_begins(visit, query.one("to"), "to", days=1, micros=0),
        sort="id" if query.one("sort") == OLDEST_FIRST else "-id",
        limit=ROWS_MAX,
        cursor=query.one("cursor"),
    )
    return Listed(
        [*await _by_number(visit, query, found.document), *found.document], found.next_query
    )


async def _product_id(visit: Visit, query: Fields) -> int | None:
    sku = query.one("sku")
    if not sku:
        return None
    found = (await visit.ask("list_products", sku=sku, limit=1)).document
    if not found:
        raise invalid_parameter("sku", f"there is no product with the sku {sku}")
    product_id: int = found[0]["id"]
    return product_id


def _begins(visit: Visit, text: str, name: str, *, days: int, micros: int) -> str:
    """The moment when a day, or one so many days later, begins where the visitor is."""
    if not text:
        return ""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        begins = times.read(datetime.combine(day, time.min, visit.formats.zone))
        return times.write(begins + micros)
    except (ValueError, OverflowError):
        raise invalid_parameter(name, "must be a day such as 2026-01-31") from None


async def _by_number(visit: Visit, query: Fields, others: list[Document]) -> list[Document]:
    """The order whose number was searched for, before those that are found by their words."""
    if query.given(*NARROWED, "cursor"):
        return []
    found = [
        order
        for order in await numbered(visit, query.one("q"))
        if query.one("status") in {"", order["status"]}
    ]
    return [order for order in found if all(order["id"] != other["id"] for other in others)]


async def numbered(visit: Visit, words: str) -> list[Document]:
    """The order with this number, `12` or `#12`; none, where there is none or it isn't a number."""
    number = wanted_id(words.removeprefix("#"))
    if not number:
        return []
    try:
        return [(await visit.ask("get_order", number)).document]
    except Refusal as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
        return []


def _views(visit: Visit, query: Fields, counts: Mapping[str, int]) -> list[View]:
    """The states, each as (title, address, how many, whether it is looked at)."""
    current, number = query.one("status"), visit.formats.number
    every = ("All", _address(query, status=""), number(sum(counts.values())), not current)
    return [every] + [
        (state.value, _address(query, status=state.value), number(counts[state]), state == current)
        for state in Status
    ]


def _address(query: Fields, **changes: str) -> str:
    """This list with other filters, from its beginning."""
    kept = {**query.given("status", *KEPT), **changes}
    wanted = urlencode({name: value for name, value in kept.items() if value})
    return f"{LIST}?{wanted}" if wanted else LIST
