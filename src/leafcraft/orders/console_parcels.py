"""What is sent of an order, what comes back, and which units of it are not wanted any more."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.orders import console_lines
from leafcraft.orders.console_limits import LIMITS
from leafcraft.orders.console_lines import names, reasons
from leafcraft.orders.console_order import Act, act
from leafcraft.orders.rules import Disposition
from leafcraft.web import fields
from leafcraft.web.fields import Fields
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Document, Problem, Visit

pages = Pages("orders")

DISPOSITIONS = (
    (Disposition.RESTOCK.value, "Back into stock"),
    (Disposition.WRITE_OFF.value, "Written off"),
)


class Units(NamedTuple):
    """What a form says of an order's lines, and where on it each item stands."""

    items: Sequence[Document]
    places: Mapping[str, str]


class Task(NamedTuple):
    """A page that asks for units of each line."""

    template: str
    verb: str
    """The name of the verb in lower case, by which it may be refused."""


FULFILL = Task("orders/fulfill.html", "fulfill")
RETURN = Task("orders/return.html", "return")
CANCEL = Task("orders/cancel_units.html", "cancel_units")


async def asking(
    visit: Visit, order_id: int, task: Task, *, problem: Problem | None = None
) -> Answer:
    """The page of a task, with what was typed; where it can't be done, the order's page tells why."""
    check(visit)
    order = (await visit.ask("get_order", order_id)).document
    why = reasons(order)[task.verb]
    if why and not problem:
        return visit.see(f"/console/orders/{order_id}", said=why)
    known = await console_lines.products(visit, (item["product_id"] for item in order["items"]))
    lines = await console_lines.lines(visit, order, known)
    return visit.page(
        task.template,
        limits=LIMITS,
        problem=problem,
        order=order,
        lines=lines,
        names=names(known),
        locations=await locations(visit),
        dispositions=DISPOSITIONS,
    )


def check(visit: Visit) -> None:
    """Raises Refusal `forbidden` for who may look at orders and no more."""
    if not visit.may("edit_order"):
        raise Refusal(Code.FORBIDDEN, "You may look at orders, and not change them.")


async def locations(visit: Visit) -> list[tuple[str, str]]:
    """The locations that are in use, as choices, those that serve first at the top."""
    rows = await visit.all("list_locations", sort="priority")
    return [(one["code"], f"{one['name']} ({one['code']})") for one in rows if one["active"]]


def typed_units(form: Fields, order: Document) -> Units:
    """The items of the lines that say more than nothing."""
    items: list[Document] = []
    places: dict[str, str] = {}
    for item in order["items"]:
        typed = form.one(f"quantity-{item['line']}")
        if typed.strip("0"):
            places[f"/items/{len(items)}/quantity"] = f"/line {item['line']}"
            items.append(
                {
                    "product_id": item["product_id"],
                    "line": item["line"],
                    "quantity": fields.whole(typed),
                }
            )
    return Units(items, places)


def placed(problem: Problem, places: Mapping[str, str]) -> Problem:
    """The problem with its errors beside the fields of the form that they are about."""
    errors = [
        {**error, "pointer": places.get(error.get("pointer", ""), error.get("pointer", ""))}
        for error in problem.get("errors", [])
    ]
    exceeded = [
        {"pointer": f"/line {one['line']}", "detail": _bound(one)}
        for one in problem.get("exceeded", [])
        if "line" in one
    ]
    return {**problem, "errors": errors + exceeded}


def _bound(exceeded: Mapping[str, Any]) -> str:
    if "minimum" in exceeded:
        return f"{exceeded['minimum']} at least: so many are sent or cancelled already"
    return f"{exceeded['possible']} at most"


async def _done(
    visit: Visit, order_id: int, task: Task, *, doing: Act, more: Mapping[str, Any]
) -> Answer:
    """Does it to the units that were typed, or asks again."""
    order = (await visit.ask("get_order", order_id)).document
    units = typed_units(visit.form, order)
    body = {"items": units.items, **more}
    done = await visit.do(doing.operation, order_id, body=body)
    if not done.problem:
        return visit.see(f"/console/orders/{order_id}", said=doing.said)
    problem = placed(done.problem, units.places)
    if not units.items and problem["status"] == 422:
        problem = {**problem, "detail": "Say of at least one line how many.", "errors": []}
    return await asking(visit, order_id, task, problem=problem)


# ── sent ─────────────────────────────────────────────────────────────────────


@pages.get("/orders/{order_id}/fulfill")
async def fulfill_form(visit: Visit, order_id: int) -> Answer:
    return await asking(visit, order_id, FULFILL)


@pages.post("/orders/{order_id}/fulfill")
async def fulfill(visit: Visit, order_id: int) -> Answer:
    how = visit.form.given("location", "carrier", "tracking_number")
    doing = Act("fulfill_order", f"What was sent of order {order_id} has left the stock.")
    return await _done(visit, order_id, FULFILL, doing=doing, more=how)


@pages.post("/orders/{order_id}/fulfillments/{fulfillment_id}/tracking")
async def track(visit: Visit, order_id: int, fulfillment_id: int) -> Answer:
    body = {name: visit.form.one(name) or None for name in ("carrier", "tracking_number")}
    said = f"The tracking of fulfillment {fulfillment_id} is saved."
    doing = Act("edit_fulfillment", said, f"tracking-{fulfillment_id}")
    return await act(visit, [order_id, fulfillment_id], doing, body=body)


@pages.post("/orders/{order_id}/fulfillments/{fulfillment_id}/undo")
async def undo(visit: Visit, order_id: int, fulfillment_id: int) -> Answer:
    said = f"Fulfillment {fulfillment_id} is undone: its goods are on hand and reserved again."
    return await act(visit, [order_id, fulfillment_id], Act("undo_fulfillment", said))


# ── back ─────────────────────────────────────────────────────────────────────


@pages.get("/orders/{order_id}/return")
async def return_form(visit: Visit, order_id: int) -> Answer:
    return await asking(visit, order_id, RETURN)


@pages.post("/orders/{order_id}/return")
async def take_back(visit: Visit, order_id: int) -> Answer:
    how = visit.form.given("location", "reason", "disposition")
    doing = Act("return_order_items", f"What came back of order {order_id} is noted down.")
    return await _done(visit, order_id, RETURN, doing=doing, more=how)


# ── not wanted any more ──────────────────────────────────────────────────────


@pages.get("/orders/{order_id}/cancel-units")
async def cancel_form(visit: Visit, order_id: int) -> Answer:
    return await asking(visit, order_id, CANCEL)


@pages.post("/orders/{order_id}/cancel-units")
async def cancel_units(visit: Visit, order_id: int) -> Answer:
    doing = Act("cancel_order_items", f"These units of order {order_id} are cancelled.")
    return await _done(visit, order_id, CANCEL, doing=doing, more={})
