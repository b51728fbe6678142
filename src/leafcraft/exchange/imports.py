"""Imports: a file is checked to its end before anything of it is applied, and then applied chunk by chunk."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

from leafcraft.cause import Cause
from leafcraft.db import Reader
from leafcraft.errors import Code, Refusal
from leafcraft.exchange import order_documents, order_rows, orders, products, rows, schemas, stock
from leafcraft.exchange.formats import Format
from leafcraft.exchange.orders import GivenOrder
from leafcraft.exchange.rows import Bad, Columns, Row, Wrong
from leafcraft.exchange.rules import Outcome, Tally
from leafcraft.money import Currency
from leafcraft.web.call import Runtime
from leafcraft.writer import Writer

ROWS_PER_CHUNK = 200
"""Less than a transaction may weigh, so that other writes share it and nobody waits long."""
CHUNK_BYTES_MAX = 1024 * 1024
"""A chunk ends with the row that goes beyond it: a row of orders may be long."""
PATIENCE_SECONDS_MAX = 60
PAUSE_SECONDS = 0.5

Tell = Callable[[int], None]
"""Is told how many bytes of the file have been gone through."""

Read = Callable[[IO[bytes], Currency], Iterator[Any]]
"""The lines of a file from its beginning, each a line of the kind, or a Wrong."""

Chunk = Sequence[Any]
"""Such lines, that are worked on together."""


def _one(_: Any) -> int:
    """A row, as most lines are."""
    return 1


class Kind(NamedTuple):
    """What the rows of a file are."""

    name: str
    read: Read
    foresee: Callable[[Reader, Sequence[Any]], Awaitable[Sequence[Outcome]]]
    action: Any
    command: Callable[[Sequence[Any], Cause], Any]
    rows_of: Callable[[Any], int] = _one
    """How many rows a line is made of."""


def _by_row(columns: Columns, line: Callable[[Row, Currency], Any]) -> Read:
    """Of a kind of which a row of a CSV file is a line: `line` tells which one, or all that is bad."""

    def read(file: IO[bytes], currency: Currency) -> Iterator[Any]:
        for row in rows.read(file, columns):
            found = [row] if isinstance(row, Bad) else line(row, currency)
            yield Wrong(row.line, found) if isinstance(found, list) else found

    return read


PRODUCTS = Kind(
    "products",
    _by_row(
        Columns(
            frozenset({"sku"}),
            frozenset({"name", "price", "archived", "reorder_point", "reorder_quantity"}),
        ),
        schemas.product,
    ),
    products.foresee_products,
    products.import_products,
    products.ImportProducts,
)
STOCK = Kind(
    "stock",
    _by_row(
        Columns(
            frozenset({"sku", "on_hand"}),
            frozenset({"location"}),
            frozenset({"reserved", "available"}),
        ),
        schemas.stock,
    ),
    stock.foresee_stock,
    stock.import_stock,
    stock.ImportStock,
)


def _orders(read: Read) -> Kind:
    def rows_of(order: GivenOrder) -> int:
        return len(order.items)

    foresee, action = orders.foresee_orders, orders.import_orders
    return Kind("orders", read, foresee, action, orders.ImportOrders, rows_of)


ORDERS: Mapping[Format, Kind] = {
    Format.CSV: _orders(order_rows.read),
    Format.JSONL: _orders(order_documents.read),
}


def _silent(_: int) -> None:
    """Nobody watches."""


async def check(
    runtime: Runtime, kind: Kind, file: IO[bytes], *, tell: Tell = _silent, changes_max: int = 0
) -> Tally:
    """What the file's rows would do, the first `changes_max` of them in detail; changes nothing."""
    tally = Tally(changes_max=changes_max)
    chunks = _chunks(kind, file, runtime.currency)
    while chunk := await _next(chunks):
        _count(tally, chunk, await _foreseen(runtime, kind, _good(chunk)))
        tell(file.tell())
    return tally


async def apply(
    runtime: Runtime, kind: Kind, file: IO[bytes], *, by: Cause, tell: Tell = _silent
) -> Tally:
    """What the file's rows have done. Each chunk is a write like any other; the file as a whole is not
    one, but what was applied of it stays right, and the same file may be imported again.

    Raises Refusal.
    """
    tally = Tally()
    chunks = _chunks(kind, file, runtime.currency)
    try:
        while chunk := await _next(chunks):
            outcomes = await _written(runtime.writer, kind, kind.command(_good(chunk), by))
            _count(tally, chunk, outcomes)
            tell(file.tell())
    except Refusal as refusal:
        raise _stopped(refusal, tally) from None
    return tally


async def _next(chunks: Iterator[Chunk]) -> Chunk:
    """The next chunk; empty: there is none. It is read in a thread, because a file of nothing but
    blank lines would keep everybody waiting to its end."""
    return await asyncio.to_thread(next, chunks, ())


def _chunks(kind: Kind, file: IO[bytes], currency: Currency) -> Iterator[Chunk]:
    chunk: list[Any] = []
    rows_read, begun = 0, 0
    for line in kind.read(file, currency):
        chunk.append(line)
        rows_read += 1 if isinstance(line, Wrong) else kind.rows_of(line)
        if rows_read >= ROWS_PER_CHUNK or file.tell() - begun >= CHUNK_BYTES_MAX:
            yield chunk
            chunk, rows_read, begun = [], 0, file.tell()
    if chunk:
        yield chunk


def _good(chunk: Chunk) -> Sequence[Any]:
    return [line for line in chunk if not isinstance(line, Wrong)]


def _count(tally: Tally, chunk: Chunk, outcomes: Sequence[Outcome]) -> None:
    """Adds the rows in their order, whether it was the reader or the shop that had something to say."""
    told = iter(outcomes)
    for line in chunk:
        tally.add(line.line, line.bad if isinstance(line, Wrong) else next(told))


async def _foreseen(runtime: Runtime, kind: Kind, lines: Sequence[Any]) -> Sequence[Outcome]:
    return await runtime.database.read(lambda reader: kind.foresee(reader, lines))


async def _written(writer: Writer, kind: Kind, command: Any) -> Sequence[Outcome]:
    """Waits where others crowd: an import has time, and nobody to try again for it."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS_MAX
    while True:
        try:
            found: Sequence[Outcome] = await writer.submit(
                kind.action, command, lambda outcome: outcome, weight=len(command.lines)
            )
            return found
        except Refusal as refusal:
            late = asyncio.get_running_loop().time() > deadline
            if late or refusal.code is not Code.OVERLOADED:
                raise
        await asyncio.sleep(PAUSE_SECONDS)


def _stopped(refusal: Refusal, tally: Tally) -> Refusal:
    """`overloaded` and its like promise that nothing was applied, which is true of the first chunk alone."""
    if not tally.line:
        return refusal
    code = Code.DATABASE_UNAVAILABLE if refusal.code is Code.OVERLOADED else refusal.code
    return Refusal(
        code,
        f"The import stopped. The rows up to line {tally.line} were applied, and of those that follow it"
        " is not known: import the file again, and what is there already stays as it is.",
        line=tally.line,
    )
