"""An order by hand: products are looked for and put on it, it is said whose it is, and it is placed.

It is one form that is sent to itself with each step, so it needs no script, and nothing is stored
before the order is placed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.orders import console_draft as draft
from leafcraft.orders.console import LIST
from leafcraft.orders.console_chosen import product_names
from leafcraft.orders.console_draft import Line
from leafcraft.orders.console_limits import LIMITS
from leafcraft.orders.console_lines import products
from leafcraft.products.rules import NAME_CHARS_MAX
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Document, Problem, Visit

pages = Pages("orders")

PLACE, CONFIRM = "place", "confirm"
RESULTS_MAX = 8
"""Of what was looked for."""
FIRST_MAX = 5
"""Shown while nothing is looked for."""
NO_NUMBER = "must be a whole number, 1 or more"
SENT_BEFORE = {
    "title": "This form has already placed an order",
    "detail": "It was sent before, with something else in it. Look for that order first; "
    "to place this one as well, send the form once more.",
}


@pages.get("/orders/new")
async def new_order(visit: Visit) -> Answer:
    return await _form(visit, {})


@pages.post("/orders/new")
async def step(visit: Visit) -> Answer:
    lines = draft.wanted(visit.form)
    act = visit.form.one("act")
    if act not in {PLACE, CONFIRM}:
        return await _form(visit, lines)
    asked = draft.body(visit.form, lines)
    placed = await visit.do("create_order", body=asked, key=f":{PLACE}")
    if placed.problem:
        return await _form(visit, lines, _worded(placed.problem, draft.no_numbers(asked)))
    return await _after(visit, placed.document, confirm=act == CONFIRM)


async def _after(visit: Visit, order: Document, *, confirm: bool) -> Answer:
    """On to the order. If it can't be confirmed it stays Pending, and is told why."""
    place = f"{LIST}/{order['id']}"
    if not confirm:
        return visit.see(place, said=f"Order {order['id']} is placed.")
    confirmed = await visit.do("confirm_order_by_post", order["id"], key=f":{CONFIRM}")
    if confirmed.problem is None:
        return visit.see(place, said=f"Order {order['id']} is placed and confirmed.")
    why = await _in_a_sentence(visit, confirmed.problem)
    return visit.see(place, said=f"Order {order['id']} is placed, but still Pending. {why}")


async def _in_a_sentence(visit: Visit, problem: Problem) -> str:
    """Why an order is not confirmed, with the products that are missing by name."""
    if "shortages" not in problem:
        return str(problem["detail"])
    names = await product_names(visit, [problem])
    missing = [
        f"{one['requested'] - one['available']} of {names.get(one['product_id'], 'a product')}"
        for one in problem["shortages"]
    ]
    return f"Not enough stock to confirm it; missing are {', '.join(missing)}."


async def _form(visit: Visit, wanted: Mapping[int, str], problem: Problem | None = None) -> Answer:
    """The page with all that has been typed. Raises Refusal `forbidden`."""
    if not visit.may("create_order"):
        raise Refusal(Code.FORBIDDEN, "Your role may look at orders, but not place any.")
    lines = await _lines(visit, wanted)
    short = [one["product_id"] for one in (problem or {}).get("shortages", ())]
    return visit.page(
        "orders/new.html",
        limits=LIMITS,
        problem=problem,
        form=visit.form,
        currency=visit.call.currency.code,
        lines=lines,
        total=sum(line.amount for line in lines),
        results=await _results(visit),
        on_it={line.product["id"] for line in lines},
        names={line.product["id"]: line.product["name"] for line in lines},
        levels=await _levels(visit, short),
    )


async def _lines(visit: Visit, wanted: Mapping[int, str]) -> list[Line]:
    known = await products(visit, wanted)
    return [
        Line(known[product_id], typed, place)
        for place, (product_id, typed) in enumerate(wanted.items())
        if product_id in known
    ]


async def _results(visit: Visit) -> list[Document]:
    """The products that are looked for; while nothing is, the first by name."""
    words = visit.form.one("q")[:NAME_CHARS_MAX]
    most = RESULTS_MAX if words else FIRST_MAX
    found: list[Document] = (
        await visit.ask("list_products", q=words, archived=False, sort="name", limit=most)
    ).document
    return found


async def _levels(visit: Visit, ids: Sequence[int]) -> Mapping[int, list[Document]]:
    """Where there is something of the products that there is not enough of."""
    if not ids or not visit.may("list_stock_levels"):
        return {}
    wanted = ",".join(map(str, ids))
    levels: dict[int, list[Document]] = {}
    for level in await visit.all("list_stock_levels", product_ids=wanted):
        if level["available"] > 0:
            levels.setdefault(level["product_id"], []).append(level)
    return levels


def _worded(problem: Problem, no_numbers: Collection[str]) -> dict[str, Any]:
    """A problem in this page's words, where it has better ones."""
    worded = {**problem}
    if problem["code"] == Code.IDEMPOTENCY_KEY_REUSED.word:
        worded |= SENT_BEFORE
    if "errors" in problem:
        worded["errors"] = [
            {**error, "detail": NO_NUMBER} if error.get("pointer") in no_numbers else error
            for error in problem["errors"]
        ]
    return worded
