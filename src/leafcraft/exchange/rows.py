"""Rows of a CSV file on their way in: what is wrong with one is told by its line and column; knows no slice.

RFC 4180 in UTF-8; where the header has tabs and no commas, as cells copied out of a spreadsheet do,
tabs take their place. No more than a row is held in memory.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, NamedTuple

ROW_BYTES_MAX = 64 * 1024
CELL_CHARS_MAX = 4000
NAME_SHOWN_CHARS_MAX = 64
"""How much is repeated of a column's name that nobody knows."""

BOM = b"\xef\xbb\xbf"


class Bad(NamedTuple):
    """What is wrong, and where: the line on which the row begins, and the cell's column."""

    line: int
    column: str
    """Empty: the whole row."""
    detail: str


class Wrong(NamedTuple):
    """A row that can't be, or an order of several: where it begins, and all that is bad about it."""

    line: int
    bad: Sequence[Bad]


class Row(NamedTuple):
    """A row's cells by column, trimmed, without the empty ones."""

    line: int
    cells: Mapping[str, str]


class Columns(NamedTuple):
    """What a file may have. What is ignored is there because an export has it."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


class _Lines:
    """The file's lines as text, and how many there were. Raises _TooLong, and holds no more than that."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._room = ROW_BYTES_MAX
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._room + 1)
        self._room -= len(line)
        if self._room < 0:
            raise _TooLong
        if not line:
            raise StopIteration
        if not self.read:
            line = line.removeprefix(BOM)
        self.read += 1
        # A byte that is no UTF-8 becomes a surrogate, and is told of when it has its column.
        return line.decode("utf-8", "surrogateescape")

    def next_row(self) -> int:
        """Forgets the row before; the line on which the next one begins."""
        self._room = ROW_BYTES_MAX
        return self.read + 1


class _TooLong(Exception):
    """A row exceeds ROW_BYTES_MAX. Where the next one would begin can't be told."""


def read(file: IO[bytes], columns: Columns) -> Iterator[Row | Bad]:
    """The file's rows, from its beginning. After a header that is wrong there are none."""
    file.seek(0)
    delimiter = _delimiter(file)
    file.seek(0)
    found = _split(_Lines(file), delimiter)
    header = next(found, None)
    match header:
        case None:
            yield Bad(1, "", "the file is empty")
        case Bad():
            yield header
        case line, names:
            wrong = list(_wrong_names(line, names, columns))
            yield from wrong or _rows(found, [name.lower() for name in names], columns)


def _delimiter(file: IO[bytes]) -> str:
    """What the header, the first line that is not blank, has between its cells."""
    while (line := file.readline(ROW_BYTES_MAX)) and not line.strip():
        pass
    return "\t" if b"\t" in line and b"," not in line else ","


def _split(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]] | Bad]:
    """Cells, trimmed, with the line on which they begin. Spreadsheets leave rows of nothing but commas
    behind, so what is blank is no row."""
    # Strict: a quote in the wrong place would otherwise put one cell's text into another.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.next_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Bad(line, "", f"is no CSV: {error}")
            continue
        except _TooLong:
            more = "is a quote left open?"
            yield Bad(
                line, "", f"is longer than {ROW_BYTES_MAX} bytes; {more} Nothing after it was read"
            )
            return
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield line, cells


def _wrong_names(line: int, names: Sequence[str], columns: Columns) -> Iterator[Bad]:
    known = columns.required | columns.optional | columns.ignored
    seen: set[str] = set()
    for name in names:
        shown = name[:NAME_SHOWN_CHARS_MAX].encode("utf-8", "replace").decode()
        if name.lower() in seen:
            yield Bad(line, shown, "the column is there twice")
        elif name.lower() not in known:
            yield Bad(
                line,
                shown,
                f"is no column; there are {', '.join(sorted(known))}, with commas between",
            )
        seen.add(name.lower())
    for missing in sorted(columns.required - seen):
        yield Bad(line, missing, "the column is missing")


def _rows(
    found: Iterable[tuple[int, list[str]] | Bad], names: Sequence[str], columns: Columns
) -> Iterator[Row | Bad]:
    for row in found:
        if isinstance(row, Bad):
            yield row
            continue
        line, cells = row
        if len(cells) != len(names):
            yield Bad(line, "", f"has {len(cells)} cells, and the header {len(names)}")
            continue
        filled = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
        wrong = [Bad(line, name, why) for name, cell in filled.items() if (why := _wrong(cell))]
        if wrong:
            yield from wrong
        else:
            yield Row(line, {n: c for n, c in filled.items() if n not in columns.ignored})


def _wrong(cell: str) -> str:
    """What no cell may have, whatever it is for."""
    if len(cell) > CELL_CHARS_MAX:
        return f"must have at most {CELL_CHARS_MAX} characters"
    if "\0" in cell:
        return "must not contain the character U+0000"
    if not cell.isascii() and any("\udc80" <= char <= "\udcff" for char in cell):
        return "is not UTF-8"
    return ""
