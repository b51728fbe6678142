"""How programs ask about products."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from leafcraft import times
from leafcraft.accounts.rules import Permission
from leafcraft.db import Reader
from leafcraft.errors import Code, not_found
from leafcraft.idempotency import Answer
from leafcraft.money import Currency
from leafcraft.products import actions, rules, schemas, store
from leafcraft.products.actions import Create, Edit, Stocked
from leafcraft.products.store import Draft, Product
from leafcraft.stock import promises
from leafcraft.stock import views as stock_views
from leafcraft.stock.store import TOPIC as STOCK_TOPIC
from leafcraft.stock.views import NOTHING
from leafcraft.web import wire
from leafcraft.web.call import Asked, Call
from leafcraft.web.operations import Operations, Promise

products = Operations("/products", "Products")
low = Operations("/stock", "Stock")

TOPICS = (store.TOPIC, STOCK_TOPIC)
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
    sku = body.sku or rules.sku_from(body.name)
    draft = Draft(sku, body.name, body.price, body.reorder_point, body.reorder_quantity)
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
        stocked = await _stocked(reader, shown)
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
        return _shown(await _one(reader, product_id), call.currency)

    return await call.read(TOPICS, load)


@products.patch(
    "/{product_id}",
    EDITS._replace(refuses=(*EDITS.refuses, Code.SKU_TAKEN)),
)
async def edit_product(call: Asked, product_id: wire.Id, body: schemas.ProductEdit) -> Answer:
    """Change name, price, sku or reorder point; open orders keep the price they were placed at."""
    reorder = {
        field: getattr(body, field)
        for field in ("reorder_point", "reorder_quantity")
        if field in body.model_fields_set
    }
    edit = Edit(product_id, call.by, body.name, body.price, body.sku, versions=call.versions)
    return await _edit(call, edit._replace(**reorder))


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


@low.get(
    "/low",
    Promise(
        name="list_low_stock", permission=Permission.STOCK_READ, answers=list[schemas.LowStock]
    ),
)
async def list_low_stock(call: Asked, query: Annotated[schemas.LowQuery, Query()]) -> Answer:
    """The products of which no more than the reorder point is available, with advice on what to order."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await store.low_page(reader, page))
        advice = await _advice(reader, await _stocked(reader, shown), query.days)
        return wire.listing(advice, more)

    return await call.look(load)  # a window that ends now is another at every moment


@products.get(
    "/{product_id}/reorder",
    Promise(
        name="get_reorder_advice",
        permission=Permission.STOCK_READ,
        answers=schemas.LowStock,
        refuses=[Code.NOT_FOUND],
    ),
)
async def get_reorder_advice(
    call: Asked, product_id: wire.Id, query: Annotated[schemas.AdviceQuery, Query()]
) -> Answer:
    """How fast a product sells, how long what there is will last, and how much to order."""

    async def load(reader: Reader) -> Answer:
        stocked = await _one(reader, product_id)
        (advice,) = await _advice(reader, [stocked], query.days)
        return wire.shown(advice)

    return await call.look(load)


async def _stocked(reader: Reader, shown: Sequence[Product]) -> list[Stocked]:
    await stock_views.mind_holds(reader)
    totals = await stock_views.totals(reader, (row.id for row in shown))
    return [Stocked(row, totals.get(row.id, NOTHING)) for row in shown]


async def _one(reader: Reader, product_id: int) -> Stocked:
    found = await store.by_id(reader, [product_id])
    if product_id not in found:
        raise not_found("product", product_id)
    (stocked,) = await _stocked(reader, [found[product_id]])
    return stocked


async def _advice(reader: Reader, stocked: Sequence[Stocked], days: int) -> list[schemas.LowStock]:
    since = reader.now - days * times.MICROS_PER_DAY
    demand = await promises.demand(reader, (one.product.id for one in stocked), since)
    return [schemas.low_stock(one, demand.get(one.product.id, 0), days) for one in stocked]


async def _edit(call: Call, command: Edit) -> Answer:
    return await call.write(actions.edit, command, lambda edited: _shown(edited, call.currency))


def _shown(stocked: Stocked, currency: Currency) -> Answer:
    return wire.tagged(200, stocked.product.version, schemas.product(stocked, currency))


def _created(stocked: Stocked, currency: Currency) -> Answer:
    location = f"/products/{stocked.product.id}"
    document = schemas.product(stocked, currency)
    return wire.tagged(201, stocked.product.version, document, location=location)
