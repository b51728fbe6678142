"""How programs ask about stock."""

from typing import Annotated

from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.db import Reader
from leafcraft.idempotency import Answer
from leafcraft.stock import schemas, store
from leafcraft.web import wire
from leafcraft.web.call import Asked
from leafcraft.web.operations import Operations, Promise

stock = Operations("/stock", "Stock")


@stock.get(
    "/levels",
    Promise(
        name="list_stock_levels",
        permission=Permission.STOCK_READ,
        answers=list[schemas.Level],
    ),
)
async def list_levels(call: Asked, query: Annotated[schemas.LevelQuery, Query()]) -> Answer:
    """What lies where: on hand, reserved and available of each product at each location."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        rows = await store.levels_page(
            reader, page, product_id=query.product_id, location=query.location
        )
        shown, more = query.cut(rows, "location_id")
        return wire.listing([schemas.level(row) for row in shown], more)

    return await call.read((store.TOPIC,), load)


@stock.get(
    "/movements",
    Promise(
        name="list_stock_movements",
        permission=Permission.STOCK_READ,
        answers=list[schemas.Movement],
    ),
)
async def list_movements(call: Asked, query: Annotated[schemas.MovementQuery, Query()]) -> Answer:
    """The ledger: every change of a stock level, with the balances after it."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await store.movements_page(reader, page, query.chosen()))
        return wire.listing([schemas.movement(row) for row in shown], more)

    return await call.read((store.TOPIC,), load)
