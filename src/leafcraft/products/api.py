"""How programs ask about products."""

from typing import Annotated

from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.db import Reader
from leafcraft.errors import Code, not_found
from leafcraft.idempotency import Answer
from leafcraft.money import Currency
from leafcraft.products import actions, rules, schemas, store
from leafcraft.products.actions import Create, Edit, Stocked
from leafcraft.products.store import Draft
from leafcraft.stock import store as stock_store
from leafcraft.stock.store import NOTHING
from leafcraft.web import wire
from leafcraft.web.call import Asked, Call
from leafcraft.web.operations import Operations, Promise

products = Operations("/products", "Products")

TOPICS = (store.TOPIC, stock_store.TOPIC)
EDITS = Promise(
    "edit_product",
    Permission.PRODUCTS_WRITE,
    schemas.Product,
    refuses=(Code.NOT_FOUND, Code.PRECONDITION_FAILED),
    edits=True,
)


@products.post(
    "/",
    Promise(
        name="create_product",
        permission=Permission.PRODUCTS_WRITE,
        answers=schemas.Product,
        status=201,
        refuses=[Code.SKU_TAKEN],
    ),
)
async def create_product(call: Asked, body: schemas.NewProduct) -> Answer:
    """Add a product; its opening stock is a receipt into `main`."""
    draft = Draft(body.sku or rules.sku_from(body.name), body.name, body.price)
    command = Create(draft, body.stock_quantity, call.by)
    return await call.write(actions.create, command, lambda made: _created(made, call.currency))


@products.get(
    "/",
    Promise(
        name="list_products", permission=Permission.PRODUCTS_READ, answers=list[schemas.Product]
    ),
)
async def list_products(call: Asked, query: Annotated[schemas.ProductQuery, Query()]) -> Answer:
    """The products, a page at a time; the `Link` header leads to the next one."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await store.page(reader, page, query.chosen()))
        totals = await stock_store.totals(reader, (row.id for row in shown))
        stocked = (Stocked(row, totals.get(row.id, NOTHING)) for row in shown)
        return wire.listing([schemas.product(one, call.currency) for one in stocked], more)

    return await call.read(TOPICS, load)


@products.get(
    "/{product_id}",
    Promise(
        name="get_product",
        permission=Permission.PRODUCTS_READ,
        answers=schemas.Product,
        refuses=[Code.NOT_FOUND],
    ),
)
async def get_product(call: Asked, product_id: wire.Id) -> Answer:
    """One product with its stock."""

    async def load(reader: Reader) -> Answer:
        found = await store.by_id(reader, [product_id])
        if product_id not in found:
            raise not_found("product", product_id)
        totals = await stock_store.totals(reader, [product_id])
        stocked = Stocked(found[product_id], totals.get(product_id, NOTHING))
        return _shown(stocked, call.currency)

    return await call.read(TOPICS, load)


@products.patch(
    "/{product_id}",
    EDITS._replace(refuses=(*EDITS.refuses, Code.SKU_TAKEN)),
)
async def edit_product(call: Asked, product_id: wire.Id, body: schemas.ProductEdit) -> Answer:
    """Change name, price or sku; open orders keep the price they were placed at."""
    return await _edit(
        call, Edit(product_id, call.by, body.name, body.price, body.sku, versions=call.versions)
    )


@products.post(
    "/{product_id}/archive",
    EDITS._replace(name="archive_product"),
)
async def archive_product(call: Asked, product_id: wire.Id) -> Answer:
    """Take a product out of sale; its history and its open orders stay."""
    return await _edit(call, Edit(product_id, call.by, archived=True, versions=call.versions))


@products.post(
    "/{product_id}/unarchive",
    EDITS._replace(name="unarchive_product"),
)
async def unarchive_product(call: Asked, product_id: wire.Id) -> Answer:
    """Put an archived product back on sale."""
    return await _edit(call, Edit(product_id, call.by, archived=False, versions=call.versions))


async def _edit(call: Call, command: Edit) -> Answer:
    return await call.write(actions.edit, command, lambda edited: _shown(edited, call.currency))


def _shown(stocked: Stocked, currency: Currency) -> Answer:
    return wire.tagged(200, stocked.product.version, schemas.product(stocked, currency))


def _created(stocked: Stocked, currency: Currency) -> Answer:
    location = f"/products/{stocked.product.id}"
    document = schemas.product(stocked, currency)
    return wire.tagged(201, stocked.product.version, document, location=location)
