"""The page on which an order is edited: its lines, its reference, its customer, its note.

It works without a script: to look for a product, or to take a line away, the form is sent and shown
again with all that was typed. What somebody else has changed meanwhile is told, and never overwritten
unseen.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from leafcraft.idempotency import Answer
from leafcraft.orders import console_lines
from leafcraft.orders.console_limits import LIMITS
from leafcraft.orders.console_lines import names, reasons
from leafcraft.orders.console_order import KNOWN
from leafcraft.orders.console_parcels import check, placed
from leafcraft.orders.rules import LINES_MAX
from leafcraft.web.fields import Fields, whole
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Document, Problem, Visit

pages = Pages("orders")

FOUND_MAX = 8
"""Products that a search shows: who does not find theirs types more of its name."""
ADDRESS = "address"
"""A member of a customer that people edit as text, where it is one, or lines."""
PLACES = {f"/customer/{name}": f"/customer {name}" for name in KNOWN}


class Row(NamedTuple):
    """A line as it is typed."""

    product_id: int
    quantity: str
    item: Mapping[str, Any] | None = None
    """The order's line that it is, if it was one before."""


class Search(NamedTuple):
    """What a search for more products has come to."""

    words: str = ""
    found: Sequence[Document] = ()
    said: str = ""


NO_SEARCH = Search()


class Typed(NamedTuple):
    """The form as it is shown: what was typed, or what the order is."""

    rows: Sequence[Row]
    fields: Mapping[str, str]
    etag: str


@pages.get("/orders/{order_id}/edit")
async def edit_form(visit: Visit, order_id: int) -> Answer:
    check(visit)
    found = await visit.ask("get_order", order_id)
    if why := reasons(found.document)["edit"]:
        return visit.see(f"/console/orders/{order_id}", said=why)
    return await _form(visit, found.document, _as_is(found.document, found.etag))


@pages.post("/orders/{order_id}/edit")
async def edit(visit: Visit, order_id: int) -> Answer:
    check(visit)
    order = (await visit.ask("get_order", order_id)).document
    typed = _typed(visit.form, order)
    wish, _, which = visit.form.one("do").partition(":")
    words = visit.form.one("add")
    if wish == "remove":
        rows = [row for index, row in enumerate(typed.rows) if str(index) != which]
        return await _form(visit, order, typed._replace(rows=rows))
    if wish == "add":
        return await _form(visit, order, _with(typed, order, whole(which)))
    if wish == "find" or (wish != "save" and words):
        return await _find(visit, order, typed, words=words)
    return await _save(visit, order, typed)


def _as_is(order: Document, etag: str) -> Typed:
    about = order["customer"] or {}
    customer = {name: str(about.get(name) or "") for name in KNOWN}
    address = about.get(ADDRESS, "")
    if isinstance(address, str):
        customer[ADDRESS] = address
    elif _is_lines(address):
        customer[ADDRESS] = "\n".join(address)
    fields = {name: order[name] or "" for name in ("reference", "note")}
    rows = [Row(item["product_id"], str(item["quantity"]), item) for item in order["items"]]
    return Typed(rows, {**customer, **fields}, etag)


def _typed(form: Fields, order: Document) -> Typed:
    pairs = [
        (product_id, quantity.strip())
        for product, quantity in zip(form.all("product"), form.all("quantity"), strict=False)
        if isinstance(product_id := whole(product), int)
    ]
    asked = (*KNOWN, ADDRESS, "reference", "note")
    fields = {name: form.one(name) for name in asked if name in form}
    return Typed(_matched(order, pairs[:LINES_MAX]), fields, form.one("etag"))


def _matched(order: Document, pairs: Iterable[tuple[int, str]]) -> list[Row]:
    """The rows with the lines that they are: the first of a product is its first line, and so on."""
    left = list(order["items"])
    rows = []
    for product_id, quantity in pairs:
        item = next((one for one in left if one["product_id"] == product_id), None)
        if item is not None:
            left.remove(item)
        rows.append(Row(product_id, quantity, item))
    return rows


def _with(typed: Typed, order: Document, product_id: int | str) -> Typed:
    """One more of a product: a line of its own, if there is none yet."""
    pairs = [(row.product_id, row.quantity) for row in typed.rows]
    if isinstance(product_id, str) or any(number == product_id for number, _ in pairs):
        return typed
    return typed._replace(rows=_matched(order, [*pairs, (product_id, "1")]))


async def _find(visit: Visit, order: Document, typed: Typed, *, words: str) -> Answer:
    """Adds the product with this sku, or shows those whose name or sku has the words in it."""
    if not words:
        search = Search(said="Type a sku, or a part of a name.")
        return await _form(visit, order, typed, search=search)
    query = {"archived": False, "limit": FOUND_MAX}
    exact = (await visit.ask("list_products", sku=words, **query)).document
    if exact:
        return await _form(visit, order, _with(typed, order, exact[0]["id"]))
    found = (await visit.ask("list_products", q=words, **query)).document
    said = "" if found else f"No product that is on sale has “{words}” in its name or sku."
    return await _form(visit, order, typed, search=Search(words, found, said))


async def _save(visit: Visit, order: Document, typed: Typed) -> Answer:
    """Says all of it; what is no different changes nothing."""
    kept = [row for row in typed.rows if row.quantity.strip("0") or not row.quantity]
    items = [{"product_id": row.product_id, "quantity": whole(row.quantity)} for row in kept]
    body = {
        "items": items,
        "customer": _customer(order["customer"] or {}, typed.fields),
        **{name: typed.fields.get(name) or None for name in ("reference", "note")},
    }
    done = await visit.do("edit_order", order["id"], body=body, etag=typed.etag)
    if not done.problem:
        return visit.see(f"/console/orders/{order['id']}", said=f"Order {order['id']} is saved.")
    return await _refused(visit, order["id"], typed=typed, kept=kept, problem=done.problem)


async def _refused(
    visit: Visit, order_id: int, *, typed: Typed, kept: Sequence[Row], problem: Problem
) -> Answer:
    """The form again as it was typed, over the order as it is by now."""
    lines = {id(row): index for index, row in enumerate(typed.rows, 1)}
    places = {
        f"/items/{index}/quantity": f"/line {lines[id(row)]}" for index, row in enumerate(kept)
    }
    by_item = {row.item["line"]: lines[id(row)] for row in typed.rows if row.item}
    exceeded = [
        {**one, "line": by_item[one["line"]]}
        for one in problem.get("exceeded", [])
        if one.get("line") in by_item
    ]
    told = placed({**problem, "exceeded": exceeded}, {**places, **PLACES})
    found = await visit.ask("get_order", order_id)
    if problem["status"] == HTTPStatus.PRECONDITION_FAILED:
        # Whoever saves once more has been told, and means it.
        typed = typed._replace(etag=found.etag)
    return await _form(visit, found.document, typed, problem=told)


def _customer(before: Mapping[str, Any], fields: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The customer with what was typed, each member in its place; what the form does not ask for stays
    as it is."""
    typed: dict[str, Any] = {name: fields[name] for name in (*KNOWN, ADDRESS) if name in fields}
    if typed.get(ADDRESS) and _is_lines(before.get(ADDRESS)):
        typed[ADDRESS] = [line.strip() for line in typed[ADDRESS].splitlines() if line.strip()]
    told = {**before, **typed}
    return {name: value for name, value in told.items() if value or name not in typed} or None


def _is_lines(address: object) -> bool:
    """Whether it is kept as it is by an order that was made by hand."""
    return isinstance(address, list) and all(isinstance(line, str) for line in address)


async def _form(
    visit: Visit,
    order: Document,
    typed: Typed,
    *,
    problem: Problem | None = None,
    search: Search = NO_SEARCH,
) -> Answer:
    known = await console_lines.products(visit, (row.product_id for row in typed.rows))
    return visit.page(
        "orders/edit.html",
        limits=LIMITS,
        problem=problem,
        order=order,
        typed=typed,
        known=known,
        names=names(known),
        search=search,
        changed=bool(problem and problem["status"] == HTTPStatus.PRECONDITION_FAILED),
    )
