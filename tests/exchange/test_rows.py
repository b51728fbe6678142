"""Rows of a CSV file: told apart as RFC 4180 has it, and what is wrong with one is told where it is."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcraft.exchange.rows import CELL_CHARS_MAX, ROW_BYTES_MAX, Bad, Columns, Row, read
from leafcraft.sheet import written

COLUMNS = Columns(frozenset({"sku"}), frozenset({"name", "price"}), frozenset({"reserved"}))


def rows(content: bytes) -> list[Row | Bad]:
    return list(read(io.BytesIO(content), COLUMNS))


def bad(content: bytes) -> list[tuple[int, str, str]]:
    """All that is wrong; nothing else is there."""
    found = rows(content)
    assert all(isinstance(one, Bad) for one in found), found
    return [(one.line, one.column, one.detail) for one in found if isinstance(one, Bad)]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", b"\n", b"\r\n\r\n", b"\n,,\n , ,\n"])
def test_a_row_is_its_cells_by_column_trimmed(start: bytes, end: bytes, last: bytes) -> None:
    lines = [b"Name, SKU ,reserved", b'"Tea, green ",a, 7 ', b"\xc3\xa9,b,"]
    content = start + end.join(lines)
    assert rows(content + last) == [
        Row(2, {"name": "Tea, green", "sku": "a"}),
        Row(3, {"name": "é", "sku": "b"}),
    ]


def test_a_row_is_found_where_it_begins() -> None:
    content = b'sku,name\n\na,"one\ntwo\r\nthree"\n\nb,x,y\n'
    assert rows(content) == [
        Row(3, {"sku": "a", "name": "one\ntwo\r\nthree"}),
        Bad(7, "", "has 3 cells, and the header 2"),
    ]


def test_an_empty_cell_is_none() -> None:
    assert rows(b'sku,name,price\na,"", \n') == [Row(2, {"sku": "a"})]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b",,\n"])
def test_a_file_may_not_be_empty(content: bytes) -> None:
    assert bad(content) == [(1, "", "the file is empty")]


def test_a_header_alone_is_a_file_of_no_rows() -> None:
    assert rows(b"sku\r\n") == []


def test_everything_that_is_wrong_with_the_header_is_told_and_no_row() -> None:
    every = "is no column; there are name, price, reserved, sku, with commas between"
    assert bad(b"\nname,colour,Name,,\xff\nx\n") == [
        (2, "colour", every),
        (2, "Name", "the column is there twice"),
        (2, "", every),
        (2, "?", every),
        (2, "sku", "the column is missing"),
    ]
    assert [(line, column) for line, column, _ in bad(b"sku;name\na;b\n")] == [
        (1, "sku;name"),
        (1, "sku"),
    ]


@pytest.mark.parametrize(
    ("cell", "detail"),
    [
        (b"x" * (CELL_CHARS_MAX + 1), f"must have at most {CELL_CHARS_MAX} characters"),
        (b"a\x00b", "must not contain the character U+0000"),
        (b"caf\xe9", "is not UTF-8"),
        (b"\xed\xa0\x80", "is not UTF-8"),
        (b"\xc0\x80", "is not UTF-8"),
        (b"\xc3", "is not UTF-8"),
    ],
)
def test_a_cell_that_none_may_be_is_told_with_its_column(cell: bytes, detail: str) -> None:
    content = b"sku,name,price\na,b,1\n" + cell + b"," + cell + b",\nc,d,2\n"
    told = rows(content)
    assert told[1:-1] == [Bad(3, "sku", detail), Bad(3, "name", detail)]
    assert (told[0].line, told[-1].line) == (2, 4)


@pytest.mark.parametrize("row", [b'"a"b,c', b'"a,b', b"a\rb,c"])
def test_what_is_no_csv_is_told_and_the_next_row_is_read(row: bytes) -> None:
    told = rows(b"sku,name\nx,y\n" + row + b"\nz,\n")
    assert isinstance(told[1], Bad)
    assert (told[1].line, told[1].column) == (3, "")
    assert told[1].detail.startswith("is no CSV: ")
    if not row.startswith(b'"a,'):  # a quote that stays open takes all that follows
        assert told[2] == Row(4, {"sku": "z"})


@pytest.mark.parametrize("filling", [b"x", b"x,", b"x\n", b'y","', b"\xc3"])
def test_a_row_without_an_end_is_not_read_to_its_end(filling: bytes) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            return offset + whence

        def readinto(self, buffer: Any) -> int:
            part = (filling * len(buffer))[: len(buffer)]
            if self.started:
                buffer[:] = part
                return len(buffer)
            self.started = True
            head = b'sku,name\na,b\nc,"'
            buffer[: len(head)] = head
            return len(head)

        started = False

    told = list(read(io.BufferedReader(Endless()), COLUMNS))
    assert told[0] == Row(2, {"sku": "a", "name": "b"})
    assert isinstance(told[-1], Bad)
    assert (told[-1].line, f"{ROW_BYTES_MAX}" in told[-1].detail) == (3, True)


CELLS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20
).map(str.strip)


@given(st.lists(st.tuples(CELLS.filter(bool), CELLS, CELLS)))
def test_what_is_written_is_read_again(table: list[tuple[str, str, str]]) -> None:
    content = written([("sku", "name", "price"), *table])
    names = ("sku", "name", "price")
    wanted = [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in table]
    told = rows(content)
    assert [row.cells for row in told if isinstance(row, Row)] == wanted
    assert len(told) == len(wanted)


def test_nothing_is_an_empty_cell_and_truth_a_word() -> None:
    assert written([(None, True, False, 5, '=1,"')]) == b',true,false,5,"=1,"""\r\n'


def test_a_long_file_takes_no_more_memory_than_a_short_one() -> None:
    class Many(io.RawIOBase):
        """A hundred thousand rows, made as they are read."""

        def __init__(self) -> None:
            self._lines: Iterator[bytes] = iter([])

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            self._lines = (b"sku,name\n" if n == 0 else b"s%d,Leaf\n" % n for n in range(100_001))
            return offset + whence

        def readinto(self, buffer: Any) -> int:
            line = next(self._lines, b"")
            buffer[: len(line)] = line
            return len(line)

    tracemalloc.start()
    try:
        assert (
            sum(isinstance(row, Row) for row in read(io.BufferedReader(Many()), COLUMNS)) == 100_000
        )
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


def test_cells_copied_out_of_a_spreadsheet_have_tabs_between_them() -> None:
    content = b'\n sku\tname\tprice\r\na\tTea, green\t\nb\t5" pot\t1\nc\t"two\nlines"\t2\n'
    assert rows(content) == [
        Row(3, {"sku": "a", "name": "Tea, green"}),
        Row(4, {"sku": "b", "name": '5" pot', "price": "1"}),
        Row(5, {"sku": "c", "name": "two\nlines", "price": "2"}),
    ]


def test_a_header_with_commas_has_them_between_its_cells_whatever_else_it_has() -> None:
    assert rows(b"sku,name\t\na,b\tc\n") == [Row(2, {"sku": "a", "name": "b\tc"})]
