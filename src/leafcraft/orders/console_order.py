"""An order's own page: what it is, how far it has come, and all that can be done to it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leafcraft.accounts.console_people import people
from leafcraft.idempotency import Answer
from leafcraft.orders import console_lines
from leafcraft.orders.console_limits import LIMITS
from leafcraft.orders.console_lines import names, reasons
from leafcraft.orders.console_story import Story
from leafcraft.orders.rules import Payment, Status
from leafcraft.web import fields
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Document, Problem, Visit

pages = Pages("orders")

ENTRIES = 30
ENTRIES_MAX = 500
"""Of a timeline: at first, and on request."""
HOLD_CHOICES = (
    *((15, "15 minutes"), (60, "1 hour"), (240, "4 hours"), (1440, "1 day")),
    *((4320, "3 days"), (10080, "1 week"), (43200, "30 days")),
)
"""Minutes, and what people call them."""
KNOWN = {"name": "Name", "company": "Company", "email": "E-mail", "phone": "Phone"}
"""Of a customer; what else a shop keeps is shown as it is."""


class Act(NamedTuple):
    """What a button of the page does; `form` is the one to show again when it is refused."""

    operation: str
    said: str
    form: str = ""


@pages.get("/orders/{order_id}")
async def order(visit: Visit, order_id: int) -> Answer:
    return await shown(visit, order_id)


async def shown(
    visit: Visit, order_id: int, *, problem: Problem | None = None, form: str = ""
) -> Answer:
    """The page as it is now; after a refusal with why, and the form as it was filled in."""
    found = (await visit.ask("get_order", order_id)).document
    known = await console_lines.products(visit, _product_ids(found))
    sent, returned, (entries, earlier) = (
        await visit.all("list_fulfillments", order_id),
        await visit.all("list_returns", order_id),
        await _entries(visit, order_id),
    )
    called = names({**known, **await _others(visit, entries, known)})
    team = await people(visit)
    story = Story(visit, found["currency"], called, team)
    return visit.page(
        "orders/order.html",
        limits=LIMITS,
        problem=problem,
        form=form,
        order=found,
        lines=await console_lines.lines(visit, found, known),
        names=called,
        why=reasons(found),
        may=visit.may("edit_order"),
        sent=sent,
        returned=returned,
        entries=[story.entry(entry) for entry in entries],
        earlier=earlier,
        who=team.who,
        customer=facts(found["customer"]),
        holds=HOLD_CHOICES,
        payments=[(one.value, one.value.capitalize()) for one in Payment],
        life=[Status.PENDING.value, Status.CONFIRMED.value, Status.FULFILLED.value],
    )


def _product_ids(found: Document) -> Sequence[int]:
    return [item["product_id"] for item in found["items"]]


async def _entries(visit: Visit, order_id: int) -> tuple[list[Document], bool]:
    """The timeline, the newest first; and whether there is more of it."""
    limit = ENTRIES_MAX if visit.query.one("story") == "all" else ENTRIES
    found = await visit.ask("get_order_timeline", order_id, sort="-id", limit=limit)
    return found.document, bool(found.next_query)


async def _others(
    visit: Visit, entries: Sequence[Document], known: Mapping[int, Document]
) -> Mapping[int, Document]:
    """Products that the order once had, and has no more."""
    told = {item["product_id"] for entry in entries for item in _told_items(entry["data"])}
    return await console_lines.products(visit, told - known.keys())


def _told_items(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    items = data.get("items") or []
    return [one for both in items for one in both] if items and _is_pair(items) else items


def _is_pair(items: Sequence[Any]) -> bool:
    return isinstance(items[0], list)


def facts(customer: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What a shop knows of a customer, as terms and texts."""
    about = customer or {}
    known = [(term, str(about[name])) for name, term in KNOWN.items() if about.get(name)]
    rest = [
        (name.replace("_", " ").capitalize(), text)
        for name, value in about.items()
        if name not in KNOWN and (text := _text(value))
    ]
    return known + rest


def _text(value: Any) -> str:
    """Something free in lines."""
    if isinstance(value, Mapping):
        return "\n".join(filter(None, map(_text, value.values())))
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    return "" if value is None else str(value)


# ── what its buttons do ──────────────────────────────────────────────────────


async def act(visit: Visit, ids: Sequence[int], doing: Act, *, body: Document = None) -> Answer:
    """Does it, and shows the order; `ids` are the order's, and those of what else it is about."""
    done = await visit.do(doing.operation, *ids, body=body)
    if done.problem:
        return await shown(visit, ids[0], problem=done.problem, form=doing.form)
    return visit.see(f"/console/orders/{ids[0]}", said=doing.said)


@pages.post("/orders/{order_id}/confirm")
async def confirm(visit: Visit, order_id: int) -> Answer:
    said = f"Order {order_id} is confirmed, and its stock reserved."
    return await act(visit, [order_id], Act("confirm_order_by_post", said))


@pages.post("/orders/{order_id}/hold")
async def hold(visit: Visit, order_id: int) -> Answer:
    minutes = fields.whole(visit.form.one("hold_minutes"))
    doing = Act("hold_order", f"The stock of order {order_id} is held.", "hold")
    return await act(visit, [order_id], doing, body={"hold_minutes": minutes})


@pages.post("/orders/{order_id}/put-on-hold")
async def put_on_hold(visit: Visit, order_id: int) -> Answer:
    said = f"Order {order_id} is on hold: it can't be fulfilled for now."
    doing = Act("edit_order", said, "put-on-hold")
    body = {"on_hold_reason": visit.form.one("on_hold_reason")}
    return await act(visit, [order_id], doing, body=body)


@pages.post("/orders/{order_id}/take-off-hold")
async def take_off_hold(visit: Visit, order_id: int) -> Answer:
    doing = Act("edit_order", f"Order {order_id} is no longer on hold.")
    return await act(visit, [order_id], doing, body={"on_hold_reason": None})


@pages.post("/orders/{order_id}/payment")
async def payment(visit: Visit, order_id: int) -> Answer:
    status = visit.form.one("payment_status")
    reference = visit.form.one("payment_reference") or None
    body = {"payment_status": status, "payment_reference": reference}
    doing = Act("edit_order", f"Order {order_id} is {status}.", "payment")
    return await act(visit, [order_id], doing, body=body)


@pages.post("/orders/{order_id}/cancel")
async def cancel(visit: Visit, order_id: int) -> Answer:
    said = f"Order {order_id} is cancelled; what it had reserved is available again."
    return await act(visit, [order_id], Act("cancel_order_by_post", said))


@pages.post("/orders/{order_id}/notes")
async def note(visit: Visit, order_id: int) -> Answer:
    doing = Act("add_order_note", "The note is on the timeline.", "note")
    return await act(visit, [order_id], doing, body={"text": visit.form.one("text")})
