"""A product's ledger, page by page; and what was done by mistake is taken back."""

from collections.abc import Sequence
from typing import NamedTuple

from leafcraft.accounts.console_people import people
from leafcraft.idempotency import Answer
from leafcraft.products.console_lists import ROWS, Json
from leafcraft.stock.rules import REVERSIBLE, Kind
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Problem, Visit

pages = Pages("products")

KINDS: Sequence[tuple[str, str]] = (
    ("", "Every kind"),
    (Kind.RECEIPT, "Receipts"),
    (Kind.ADJUSTMENT, "Adjustments"),
    (Kind.TRANSFER_OUT, "Transfers out"),
    (Kind.TRANSFER_IN, "Transfers in"),
    (Kind.RESERVE, "Reserved"),
    (Kind.RELEASE, "Released"),
    (Kind.FULFILL, "Fulfilled"),
    (Kind.RETURN, "Returned"),
)


SAID = {
    Kind.TRANSFER_OUT: "Transfer out",
    Kind.TRANSFER_IN: "Transfer in",
    Kind.RESERVE: "Reserved",
    Kind.RELEASE: "Released",
    Kind.FULFILL: "Fulfilled",
    Kind.RETURN: "Returned",
}
"""Of the kinds whose names are not what people say."""


class Line(NamedTuple):
    """A movement as it is shown."""

    movement: Json
    said: str
    by: str
    reversible: bool


async def lines(visit: Visit, movements: Sequence[Json]) -> list[Line]:
    """The movements, with who did each, and whether it can be taken back by whoever looks."""
    may = visit.may("reverse_movement")
    team = await people(visit)
    return [
        Line(one, _said(one["kind"]), team.who(one["actor"]), may and _open(one))
        for one in movements
    ]


def _open(movement: Json) -> bool:
    """Whether a movement may be taken back: once, and none that takes another back."""
    tied = movement["reversed_by"] or movement["reverses"]
    return movement["kind"] in REVERSIBLE and not tied


def _said(kind: str) -> str:
    return SAID.get(Kind(kind), kind.capitalize())


@pages.get("/products/{product_id}/movements")
async def movement_list(visit: Visit, product_id: int) -> Answer:
    return await _ledger(visit, product_id)


@pages.post("/products/{product_id}/movements/{movement_id}/reverse")
async def reverse(visit: Visit, product_id: int, movement_id: int) -> Answer:
    done = await visit.do("reverse_movement", movement_id)
    if done.problem:
        return await _ledger(visit, product_id, problem=done.problem)
    written = done.document["movements"]
    now = ", ".join(f"{one['on_hand_after']} on hand in {one['location']}" for one in written)
    home = f"/console/products/{product_id}"
    path = f"{home}/movements" if visit.form.one("from") == "movements" else home
    return visit.see(path, said=f"Movement {movement_id} is taken back: {now}.")


async def _ledger(visit: Visit, product_id: int, *, problem: Problem | None = None) -> Answer:
    product = (await visit.ask("get_product", product_id)).document
    asked = visit.query.one("kind")
    kind = asked if asked in dict(KINDS) else ""
    found = await visit.ask(
        "list_stock_movements",
        product_id=product_id,
        kind=kind,
        sort="-id",
        cursor=visit.query.one("cursor"),
        limit=ROWS,
    )
    path = f"/console/products/{product_id}/movements"
    return visit.page(
        "products/movements.html",
        product=product,
        lines=await lines(visit, found.document),
        problem=problem,
        kinds=KINDS,
        kind=kind,
        path=path,
        next_href=visit.next_page(path, found.next_query),
        first_href=visit.first_page(path),
    )
