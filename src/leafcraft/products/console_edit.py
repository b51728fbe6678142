"""A product is edited, taken out of sale, and put back on sale."""

from leafcraft.errors import Code, Kind
from leafcraft.idempotency import Answer
from leafcraft.products.console_given import LIMITS, amount, optional
from leafcraft.products.console_product import show
from leafcraft.web.fields import Fields
from leafcraft.web.pages import Pages
from leafcraft.web.problems import STATUS
from leafcraft.web.visit import Document, Problem, Visit

pages = Pages("products")

EDITED = ("name", "price", "sku", "reorder_point", "reorder_quantity")


@pages.get("/products/{product_id}/edit")
async def edit_form(visit: Visit, product_id: int) -> Answer:
    found = await visit.ask("get_product", product_id)
    return _form(visit, found.document, etag=found.etag, typed=_typed(found.document))


@pages.post("/products/{product_id}/edit")
async def edit(visit: Visit, product_id: int) -> Answer:
    form = visit.form
    body = {
        "name": form.one("name"),
        "price": amount(form.one("price")),
        "sku": form.one("sku"),
        "reorder_point": optional(form, "reorder_point"),
        "reorder_quantity": optional(form, "reorder_quantity"),
    }
    done = await visit.do("edit_product", product_id, body=body, etag=form.one("etag"))
    if done.problem is None:
        said = f"{done.document['name']} is saved."
        return visit.see(f"/console/products/{product_id}", said=said)
    found = await visit.ask("get_product", product_id)
    # Whoever has been told what the product is by now may save over it.
    stale = done.problem["code"] == Code.PRECONDITION_FAILED.word
    etag = found.etag if stale else form.one("etag")
    return _form(visit, found.document, etag=etag, typed=form, problem=done.problem)


@pages.post("/products/{product_id}/archive")
async def archive(visit: Visit, product_id: int) -> Answer:
    return await _sale(visit, product_id, "archive_product", said="is taken out of sale")


@pages.post("/products/{product_id}/unarchive")
async def unarchive(visit: Visit, product_id: int) -> Answer:
    return await _sale(visit, product_id, "unarchive_product", said="is back on sale")


async def _sale(visit: Visit, product_id: int, operation: str, *, said: str) -> Answer:
    done = await visit.do(operation, product_id)
    if done.problem:
        return await show(visit, product_id, problem=done.problem)
    return visit.see(f"/console/products/{product_id}", said=f"{done.document['name']} {said}.")


def _form(
    visit: Visit,
    product: Document,
    *,
    etag: str,
    typed: Fields,
    problem: Problem | None = None,
) -> Answer:
    return visit.page(
        "products/edit.html",
        limits=LIMITS,
        product=product,
        etag=etag,
        typed=typed,
        problem=problem,
        stale=bool(problem and problem["status"] == STATUS[Kind.STALE]),
        currency=visit.call.currency,
    )


def _typed(product: Document) -> Fields:
    """The product as its own form shows it."""
    shown = {name: product[name] for name in EDITED}
    return Fields([(name, "" if value is None else str(value)) for name, value in shown.items()])
