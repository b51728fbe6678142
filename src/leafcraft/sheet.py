"""A sheet: rows as a CSV file on its way out, as RFC 4180 has it, in UTF-8."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

MEDIA = "text/csv"
MEDIA_OUT = "text/csv; charset=utf-8"


def written(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as they stand in a file: None is an empty cell, and what is true is `true`."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
