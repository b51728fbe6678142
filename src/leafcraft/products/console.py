"""The products as people see them: the list, and adding to it."""

from collections.abc import Sequence

from leafcraft.idempotency import Answer
from leafcraft.products import (
    console_edit,
    console_movements,
    console_moves,
    console_product,
    console_stock,
)
from leafcraft.products.console_given import LIMITS, amount, optional
from leafcraft.products.console_lists import SHOWS, SORTS, Narrowed, is_low, products
from leafcraft.web.fields import whole
from leafcraft.web.pages import Pages, Tab
from leafcraft.web.visit import Problem, Visit

pages = Pages(
    "products",
    Tab("Products", "/console/products", "products", "list_products", "p"),
    Tab("Stock", "/console/stock", "stock", "list_stock_levels", "s"),
)


def all_pages() -> Sequence[Pages]:
    """All that this slice shows."""
    return (
        pages,
        console_product.pages,
        console_edit.pages,
        console_movements.pages,
        console_stock.pages,
        console_moves.pages,
    )


@pages.get("/products")
async def product_list(visit: Visit) -> Answer:
    narrowed = Narrowed.read(visit.query)._replace(where="")
    part = await products(visit, narrowed)
    return visit.page(
        "products/list.html",
        limits=LIMITS,
        products=part.products,
        low={one["id"] for one in part.products if is_low(one)},
        narrowed=narrowed,
        shows=SHOWS,
        sorts=SORTS,
        currency=visit.call.currency.code,
        next_href=visit.next_page("/console/products", part.next_query),
        first_href=visit.first_page("/console/products"),
    )


@pages.get("/products/new")
async def new_product(visit: Visit) -> Answer:
    return _form(visit)


@pages.post("/products/new")
async def add_product(visit: Visit) -> Answer:
    form = visit.form
    body = {
        "name": form.one("name"),
        "price": amount(form.one("price")),
        "stock_quantity": whole(form.one("stock_quantity", "0") or "0"),
        "reorder_point": optional(form, "reorder_point"),
        "reorder_quantity": optional(form, "reorder_quantity"),
        **form.given("sku"),
    }
    done = await visit.do("create_product", body=body)
    if done.problem:
        return _form(visit, done.problem)
    made = done.document
    stock = f", with {made['on_hand']} on hand in main" if made["on_hand"] else ""
    return visit.see(f"/console/products/{made['id']}", said=f"{made['name']} is added{stock}.")


def _form(visit: Visit, problem: Problem | None = None) -> Answer:
    currency = visit.call.currency
    return visit.page(
        "products/new.html",
        limits=LIMITS,
        typed=visit.form,
        problem=problem,
        currency=currency,
        why=_why(visit),
    )


def _why(visit: Visit) -> str:
    return "" if visit.may("create_product") else "Your role can look at products, not add any."
