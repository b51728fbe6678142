"""How programs bring and take files."""

from typing import Annotated

from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.errors import Code, Refusal
from leafcraft.exchange import actions, formats, schemas
from leafcraft.exchange import exports as exporting
from leafcraft.exchange import imports as importing
from leafcraft.exchange.actions import Close
from leafcraft.exchange.exports import Sheet
from leafcraft.exchange.imports import Kind
from leafcraft.exchange.rules import Tally
from leafcraft.idempotency import Answer
from leafcraft.sheet import MEDIA, MEDIA_OUT
from leafcraft.web import problems, wire
from leafcraft.web.call import Asked, Call, Upload, Uploaded
from leafcraft.web.operations import Operations, Promise
from leafcraft.web.stream import Stream

imports = Operations("/imports", "Imports")
exports = Operations("/exports", "Exports")


@imports.post(
    "/products",
    Promise("import_products", Permission.PRODUCTS_WRITE, schemas.Imported, takes=(MEDIA,)),
)
async def import_products(
    call: Asked, upload: Upload, query: Annotated[schemas.ImportQuery, Query()]
) -> Answer:
    """Create and edit products from a CSV file, by sku; its stock is not touched."""
    return await _imported(call, importing.PRODUCTS, upload, query=query)


@imports.post(
    "/stock",
    Promise("import_stock", Permission.STOCK_WRITE, schemas.Imported, takes=(MEDIA,)),
)
async def import_stock(
    call: Asked, upload: Upload, query: Annotated[schemas.ImportQuery, Query()]
) -> Answer:
    """Set stock to what was counted, from a CSV file, by adjustments where it differs."""
    return await _imported(call, importing.STOCK, upload, query=query)


@imports.post(
    "/orders",
    Promise(
        "import_orders",
        Permission.ORDERS_WRITE,
        schemas.Imported,
        takes=tuple(formats.MEDIA.values()),
    ),
)
async def import_orders(
    call: Asked, upload: Upload, query: Annotated[schemas.ImportQuery, Query()]
) -> Answer:
    """Place orders from a CSV or a JSON Lines file; those whose reference is there already stay as they are."""
    kind = importing.ORDERS[formats.of_media(upload.media)]
    return await _imported(call, kind, upload, query=query)


@exports.get(
    "/products",
    Promise("export_products", Permission.PRODUCTS_READ, answers=None, streams=(MEDIA_OUT,)),
)
async def export_products(call: Asked) -> Stream:
    """All products as a CSV file, which can be imported again."""
    return await _exported(call, exporting.PRODUCTS)


@exports.get(
    "/stock",
    Promise("export_stock", Permission.STOCK_READ, answers=None, streams=(MEDIA_OUT,)),
)
async def export_stock(call: Asked) -> Stream:
    """All stock levels as a CSV file, which can be imported again once it has been counted."""
    return await _exported(call, exporting.STOCK)


@exports.get(
    "/movements",
    Promise("export_stock_movements", Permission.STOCK_READ, answers=None, streams=(MEDIA_OUT,)),
)
async def export_movements(call: Asked) -> Stream:
    """The ledger as a CSV file: every change of a stock level, with the balances after it."""
    return await _exported(call, exporting.MOVEMENTS)


@exports.get(
    "/orders",
    Promise(
        "export_orders",
        Permission.ORDERS_READ,
        answers=None,
        streams=tuple(formats.MEDIA_OUT.values()),
    ),
)
async def export_orders(call: Asked, query: Annotated[schemas.ExportQuery, Query()]) -> Stream:
    """All orders as a CSV or a JSON Lines file; those with a reference can be imported again."""
    return await _exported(call, exporting.ORDERS[query.format])


async def _imported(
    call: Call, kind: Kind, upload: Uploaded, *, query: schemas.ImportQuery
) -> Answer:
    if query.changes and not query.dry_run:
        raise problems.invalid_parameter("changes", "goes with dry_run=true")
    if (earlier := await call.earlier()) is not None:
        return earlier
    foreseen = await importing.check(call.runtime, kind, upload.file, changes_max=query.changes)
    if foreseen.bad:
        raise _refused(foreseen)
    if query.dry_run:
        return Answer(200, wire.dump(schemas.foreseen(foreseen, call.currency)))
    done = await importing.apply(call.runtime, kind, upload.file, by=call.by)
    return await call.write(
        actions.close,
        Close(kind.name, done, call.by),
        lambda tally: Answer(200, wire.dump(schemas.imported(tally, dry_run=False))),
    )


def _refused(tally: Tally) -> Refusal:
    return Refusal(
        Code.VALIDATION_ERROR,
        "The file is not valid; nothing was applied.",
        rows=tally.rows,
        errors_total=tally.bad_total,
        errors=schemas.bad_rows(tally),
    )


async def _exported(call: Call, sheet: Sheet) -> Stream:
    parts = exporting.parts(call.runtime, sheet)
    return await Stream.begun(formats.MEDIA_OUT[sheet.format], sheet.filename, parts)
