"""Imports: a file is checked to its end before anything of it is applied, and then applied chunk by chunk."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, NamedTuple

from leafcraft.cause import Cause
from leafcraft.db import Reader
from leafcraft.errors import Code, Refusal
from leafcraft.exchange import products, rows, schemas, stock
from leafcraft.exchange.rows import Bad, Columns, Row
from leafcraft.exchange.rules import Outcome, Tally
from leafcraft.money import Currency
from leafcraft.web.call import Runtime
from leafcraft.writer import Writer

ROWS_PER_CHUNK = 200
"""Less than a transaction may weigh, so that other writes share it and nobody waits long."""
PATIENCE_SECONDS_MAX = 60
PAUSE_SECONDS = 0.5

Tell = Callable[[int], None]
"""Is told how many bytes of the file have been gone through."""


Chunk = Sequence[Any]
"""Rows that are worked on together: lines of their kind, and lists of what is bad about a row."""


class Kind(NamedTuple):
    """What the rows of a file are."""

    name: str
    columns: Columns
    line: Callable[[Row, Currency], Any]
    """A line of the kind, or everything that is bad about the row."""
    foresee: Callable[[Reader, Sequence[Any]], Awaitable[Sequence[Outcome]]]
    action: Any
    command: Callable[[Sequence[Any], Cause], Any]


PRODUCTS = Kind(
    "products",
    Columns(
        frozenset({"sku"}),
        frozenset({"name", "price", "archived", "reorder_point", "reorder_quantity"}),
    ),
    schemas.product,
    products.foresee_products,
    products.import_products,
    products.ImportProducts,
)
STOCK = Kind(
    "stock",
    Columns(
        frozenset({"sku", "on_hand"}), frozenset({"location"}), frozenset({"reserved", "available"})
    ),
    schemas.stock,
    stock.foresee_stock,
    stock.import_stock,
    stock.ImportStock,
)


def _silent(_: int) -> None:
    """Nobody watches."""


async def check(runtime: Runtime, kind: Kind, file: IO[bytes], *, tell: Tell = _silent) -> Tally:
    """What the file's rows would do; changes nothing."""
    tally = Tally()
    for chunk in _chunks(kind, file, runtime.currency):
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
    for chunk in _chunks(kind, file, runtime.currency):
        try:
            outcomes = await _written(runtime.writer, kind, kind.command(_good(chunk), by))
        except Refusal as refusal:
            raise _stopped(refusal, tally) from None
        _count(tally, chunk, outcomes)
        tell(file.tell())
    return tally


def _chunks(kind: Kind, file: IO[bytes], currency: Currency) -> Iterator[Chunk]:
    found = rows.read(file, kind.columns)
    while part := list(islice(found, ROWS_PER_CHUNK)):
        yield [[row] if isinstance(row, Bad) else kind.line(row, currency) for row in part]


def _good(chunk: Chunk) -> Sequence[Any]:
    return [line for line in chunk if not isinstance(line, list)]


def _count(tally: Tally, chunk: Chunk, outcomes: Sequence[Outcome]) -> None:
    """Adds the rows in their order, whether it was the reader or the shop that had something to say."""
    told = iter(outcomes)
    for line in chunk:
        if isinstance(line, list):
            tally.add(line[0].line, line)
        else:
            tally.add(line.line, next(told))


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
