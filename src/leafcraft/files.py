"""`leafcraft import` and `leafcraft export`: files, as an operator brings and takes them."""

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from leafcraft.cause import CLI
from leafcraft.errors import StartError
from leafcraft.exchange import actions, exports, formats, imports
from leafcraft.exchange.actions import Close
from leafcraft.exchange.exports import Sheet
from leafcraft.exchange.formats import Format
from leafcraft.exchange.imports import Kind, Tell
from leafcraft.exchange.rules import Tally
from leafcraft.terminal import EXIT_FAILED, out, with_parts
from leafcraft.web.call import Runtime

T = TypeVar("T")

STANDARD = "-"
"""Instead of a file's name: standard input, standard output."""


class Importable(StrEnum):
    PRODUCTS = "products"
    STOCK = "stock"
    ORDERS = "orders"


class Exportable(StrEnum):
    PRODUCTS = "products"
    STOCK = "stock"
    MOVEMENTS = "movements"
    ORDERS = "orders"


KINDS: Mapping[Importable, Mapping[Format, Kind]] = {
    Importable.PRODUCTS: {Format.CSV: imports.PRODUCTS},
    Importable.STOCK: {Format.CSV: imports.STOCK},
    Importable.ORDERS: imports.ORDERS,
}
SHEETS: Mapping[Exportable, Mapping[Format, Sheet]] = {
    Exportable.PRODUCTS: {Format.CSV: exports.PRODUCTS},
    Exportable.STOCK: {Format.CSV: exports.STOCK},
    Exportable.MOVEMENTS: {Format.CSV: exports.MOVEMENTS},
    Exportable.ORDERS: exports.ORDERS,
}

ImportName = Annotated[str, typer.Argument(metavar="FILE", help="The file; - is standard input.")]
ExportName = Annotated[str, typer.Argument(metavar="FILE", help="The file; - is standard output.")]
GivenFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        help="What the file is, where its name doesn't say: jsonl is .jsonl or .ndjson, all else csv.",
    ),
]


def import_command(
    what: Annotated[Importable, typer.Argument(help="What the rows are.")],
    name: ImportName,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it, and change nothing.")
    ] = False,
    given: GivenFormat = None,
) -> None:
    """Bring products, counted stock or orders from a file; all of it is checked before any is applied."""
    kind = _chosen(KINDS[what], name, given)
    with _source(name) as file:
        tally, applied = with_parts(
            lambda parts: _import(parts.runtime, kind, file, dry_run=dry_run)
        )
    for bad in tally.bad:
        where = f"line {bad.line}, {bad.column}" if bad.column else f"line {bad.line}"
        out.print(f"{where}: {bad.detail}", markup=False)
    if tally.bad_total > len(tally.bad):
        out.print(f"… and {tally.bad_total - len(tally.bad)} more")
    out.print(_summary(tally, applied=applied))
    if tally.bad:
        raise typer.Exit(EXIT_FAILED)


def export_command(
    what: Annotated[Exportable, typer.Argument(help="What the rows are.")],
    name: ExportName,
    given: GivenFormat = None,
) -> None:
    """Write products, stock, movements or orders to a file."""
    sheet = _chosen(SHEETS[what], name, given)
    with _target(name) as file:
        lines = with_parts(lambda parts: _export(parts.runtime, sheet, file))
    if name != STANDARD:
        out.print(f"{lines} rows in {name}.", markup=False)


def _chosen(known: Mapping[Format, T], name: str, given: Format | None) -> T:
    """What the file is, by what was said of it or else by its name."""
    wanted = given or formats.of_name(name)
    if wanted not in known:
        raise StartError(f"{name}: this comes and goes as {' or '.join(known)}, not as {wanted}")
    return known[wanted]


async def _import(
    runtime: Runtime, kind: Kind, file: IO[bytes], *, dry_run: bool
) -> tuple[Tally, bool]:
    """What became of the rows, and whether anything was applied."""
    with _progress() as progress:
        tally = await imports.check(runtime, kind, file, tell=_bar(progress, "Checking", file))
        if tally.bad or dry_run:
            return tally, False
        tell = _bar(progress, "Applying", file)
        done = await imports.apply(runtime, kind, file, by=CLI, tell=tell)
    return await runtime.writer.perform(actions.close, Close(kind.name, done, CLI)), True


def _summary(tally: Tally, *, applied: bool) -> str:
    counts = f"{tally.created} created, {tally.updated} updated, {tally.unchanged} unchanged"
    if applied:
        return f"{tally.rows} rows: {counts}, {tally.refused} refused."
    if tally.bad:
        return f"{tally.rows} rows, {tally.refused} of them bad; nothing has changed."
    return f"{tally.rows} rows: {counts}; nothing has changed, this was a dry run."


async def _export(runtime: Runtime, sheet: Sheet, file: IO[bytes]) -> int:
    """How many rows there were."""
    with _progress() as progress:
        task = progress.add_task("Exporting", total=None)
        written = 0

        def tell(rows: int) -> None:
            nonlocal written
            written += rows
            progress.update(task, description=f"{written} rows")

        async for part in exports.parts(runtime, sheet, tell=tell):
            file.write(part)
    return written


def _progress() -> Progress:
    """On standard error, and for people alone: an export may go to standard output."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _bar(progress: Progress, word: str, file: IO[bytes]) -> Tell:
    task = progress.add_task(word, total=file.seek(0, io.SEEK_END))
    return lambda done: progress.update(task, completed=done)


@contextmanager
def _source(name: str) -> Iterator[IO[bytes]]:
    """The file to read. It is read twice, so what comes by standard input or a pipe is kept until the end."""
    try:
        with sys.stdin.buffer if name == STANDARD else Path(name).open("rb") as given:
            if given.seekable():
                yield given
                return
            with tempfile.TemporaryFile() as kept:
                shutil.copyfileobj(given, kept)
                yield kept
    except OSError as error:
        raise StartError(f"{name}: {error.strerror}") from None


@contextmanager
def _target(name: str) -> Iterator[IO[bytes]]:
    try:
        if name == STANDARD:
            yield sys.stdout.buffer
            return
        with Path(name).open("wb") as made:
            yield made
    except OSError as error:
        raise StartError(f"{name}: {error.strerror}") from None
