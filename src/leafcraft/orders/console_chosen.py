"""Many orders at once: what people do with those that they have chosen from the list."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from leafcraft.idempotency import Answer
from leafcraft.orders.console import LIST
from leafcraft.orders.console_lines import products
from leafcraft.web.console import own_path
from leafcraft.web.fields import Fields, wanted_id
from leafcraft.web.pages import Pages
from leafcraft.web.visit import Problem, Visit

pages = Pages("orders")

NONE_CHOSEN = "No orders were chosen: tick some first. Nothing was done."
NOTHING_SAID = "Nothing was done: choose a button for what becomes of the chosen orders."


class Verb(NamedTuple):
    """What can be done with many orders."""

    operation: str
    label: str
    done: str


VERBS = {
    "confirm": Verb("confirm_orders", "Confirm", "confirmed"),
    "fulfill": Verb("fulfill_orders", "Fulfill", "fulfilled"),
    "cancel": Verb("cancel_orders", "Cancel", "cancelled"),
}


@pages.post("/orders/chosen")
async def do_with_chosen(visit: Visit) -> Answer:
    act, ids, back = visit.form.one("act"), _chosen(visit.form), _back(visit.form)
    if not ids or act not in VERBS:
        return visit.see(back, said=NOTHING_SAID if ids else NONE_CHOSEN)
    verb = VERBS[act]
    done = await visit.do(verb.operation, body={"order_ids": ids}, key=_part(act, ids))
    results = [] if done.problem else done.document["results"]
    refused = [one for one in results if "problem" in one]
    return visit.page(
        "orders/chosen.html",
        problem=done.problem,
        act=act,
        back=back,
        verb=verb,
        done=[one for one in results if "problem" not in one],
        refused=refused,
        again=ids if done.problem else [one["order_id"] for one in refused],
        names=await product_names(visit, [one["problem"] for one in refused]),
    )


def _chosen(form: Fields) -> list[int]:
    """Each order once, in the order of the list."""
    return [number for number in dict.fromkeys(map(wanted_id, form.all("ids"))) if number]


def _back(form: Fields) -> str:
    """The list as it was when they were chosen."""
    path = own_path(form.one("back"))
    return path if path.startswith(LIST) else LIST


def _part(act: str, ids: Sequence[int]) -> str:
    """Browsers bring a page back as it was left, with its key: other orders are another request."""
    digest = sha256(",".join(map(str, ids)).encode()).hexdigest()
    return f":{act}:{digest[:16]}"


async def product_names(visit: Visit, refusals: Sequence[Problem]) -> Mapping[int, str]:
    """The names of the products that there is not enough of."""
    short = {one["product_id"] for problem in refusals for one in problem.get("shortages", ())}
    known = await products(visit, short)
    return {number: f"{one['name']} ({one['sku']})" for number, one in known.items()}
