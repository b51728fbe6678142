"""Moving stock by hand: a product's stock alone on a page, and what its forms do."""

from typing import Any

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.products.console_editor import COUNTED, LESS, OPERATIONS, Editor
from leafcraft.products.console_given import LIMITS
from leafcraft.products.console_stock import GRID, Shown, grid, narrowed_of
from leafcraft.stock.rules import MAIN_CODE
from leafcraft.web.console import own_path
from leafcraft.web.fields import whole
from leafcraft.web.pages import PREFIX, Pages
from leafcraft.web.visit import Document, Problem, Visit

pages = Pages("products")

Body = dict[str, Any]


@pages.get("/stock/{product_id}/adjust")
async def adjust_form(visit: Visit, product_id: int) -> Answer:
    return await _alone(visit, product_id, "adjust")


@pages.get("/stock/{product_id}/receive")
async def receive_form(visit: Visit, product_id: int) -> Answer:
    return await _alone(visit, product_id, "receive")


@pages.get("/stock/{product_id}/transfer")
async def transfer_form(visit: Visit, product_id: int) -> Answer:
    return await _alone(visit, product_id, "transfer")


@pages.post("/stock/{product_id}/adjust")
async def adjust(visit: Visit, product_id: int) -> Answer:
    """Counted, or so many more or less; a count holds only while on hand is what was shown with it."""
    form = visit.form
    quantity, mode = whole(form.one("quantity")), form.one("mode") or COUNTED
    body: Body = {
        "location": form.one("location") or MAIN_CODE,
        "reason": form.one("reason"),
        **form.given("note"),
    }
    if mode == COUNTED:
        body["counted"] = quantity
        if expected := form.one("expected"):
            body["expected_on_hand"] = whole(expected)
    else:
        body["delta"] = -quantity if mode == LESS and isinstance(quantity, int) else quantity
    return await _do(visit, product_id, "adjust", body=body)


@pages.post("/stock/{product_id}/receive")
async def receive(visit: Visit, product_id: int) -> Answer:
    form = visit.form
    body = {
        "quantity": whole(form.one("quantity")),
        "location": form.one("location") or MAIN_CODE,
        **form.given("reference"),
    }
    return await _do(visit, product_id, "receive", body=body)


@pages.post("/stock/{product_id}/transfer")
async def transfer(visit: Visit, product_id: int) -> Answer:
    form = visit.form
    body = {
        "quantity": whole(form.one("quantity")),
        "from_location": form.one("location"),
        "to_location": form.one("to_location"),
    }
    return await _do(visit, product_id, "transfer", body=body)


async def _do(visit: Visit, product_id: int, verb: str, *, body: Body) -> Answer:
    done = await visit.do(OPERATIONS[verb], body={"product_id": product_id, **body})
    if done.problem:
        return await _again(visit, product_id, verb, problem=done.problem)
    product = (await visit.ask("get_product", product_id)).document
    return visit.see(f"{_back(visit)}#p{product_id}", said=_said(product["name"], done.document))


def _said(name: str, moved: Document) -> str:
    """What has become of it, in numbers."""
    movements = moved.get("movements", [moved])
    now = ", ".join(f"{one['on_hand_after']} on hand in {one['location']}" for one in movements)
    first = movements[0]
    before = first["on_hand_after"] - first["on_hand_delta"]
    was = ", as before" if not first["on_hand_delta"] else f" (it was {before})"
    return f"{name}: {now}{was if len(movements) == 1 else ''}."


async def _again(visit: Visit, product_id: int, verb: str, *, problem: Problem) -> Answer:
    """The form with what was typed and why it was refused, on the page that it was on."""
    back = _back(visit)
    product = (await visit.ask("get_product", product_id)).document
    editor = await Editor.open(visit, product, verb, back=back, problem=problem)
    narrowed = narrowed_of(back)
    if narrowed is None or editor is None:
        return _shown(visit, editor)
    return await grid(visit, Shown(narrowed), editor)


async def _alone(visit: Visit, product_id: int, verb: str) -> Answer:
    product = (await visit.ask("get_product", product_id)).document
    return _shown(visit, await Editor.open(visit, product, verb, back=_back(visit)))


def _shown(visit: Visit, editor: Editor | None) -> Answer:
    if editor is None:
        raise Refusal(Code.FORBIDDEN, "Your role can look at stock, not move it.")
    return visit.page("products/move.html", limits=LIMITS, editor=editor, problem=editor.problem)


def _back(visit: Visit) -> str:
    """The page that a form came from."""
    given = visit.form.one("back") or visit.query.one("back") or GRID
    own = own_path(given.partition("#")[0])
    return GRID if own == PREFIX else own
