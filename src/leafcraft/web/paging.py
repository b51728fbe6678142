"""Lists on the wire: `limit`, `sort` and an opaque `cursor` that fits only the list it came from."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import orjson
from pydantic import Field

from leafcraft.db import Page
from leafcraft.errors import Refusal
from leafcraft.web import wire
from leafcraft.web.problems import invalid_parameter

T = TypeVar("T")

PAGE_ROWS_MAX = 500
PAGE_ROWS_DEFAULT = 100
CURSOR_CHARS_MAX = 1024
_PLACE = {"limit", "cursor"}


class ListQuery(wire.Query):
    """What every list takes. A list narrows `sort` to its own columns and adds its filters."""

    limit: Annotated[int, Field(ge=1, le=PAGE_ROWS_MAX, description="rows a page")] = (
        PAGE_ROWS_DEFAULT
    )
    cursor: Annotated[
        str | None,
        Field(max_length=CURSOR_CHARS_MAX, description="from the `Link` header of the page before"),
    ] = None
    sort: str = "id"

    def page(self) -> Page:
        """Raises Refusal `validation_error` for a cursor that is not of this list."""
        after = None if self.cursor is None else _decode(self.cursor, self._kind())
        return Page(self.limit, self.sort, after)

    def cut(self, rows: Sequence[T], id_of: str = "id") -> tuple[Sequence[T], str]:
        """The page's own rows, and the query of the next page (empty: there is none)."""
        if len(rows) <= self.limit:
            return rows, ""
        shown = rows[: self.limit]
        last, column = shown[-1], self.sort.removeprefix("-")
        cursor = _encode(self._kind(), getattr(last, column), getattr(last, id_of))
        asked = self.model_dump(mode="json", exclude_unset=True) | {"cursor": cursor}
        return shown, urlencode(asked)

    def _kind(self) -> str:
        """Fingerprint of order and filters: a cursor means nothing under others."""
        chosen = self.model_dump_json(exclude=_PLACE)
        return hashlib.sha256(f"{type(self).__name__}{chosen}".encode()).hexdigest()[:12]


def _encode(kind: str, value: Any, key: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([kind, value, key])).decode().rstrip("=")


def _fits(number: int) -> bool:
    """Whether a column can hold it, and it is a number: JSON's `true` is none."""
    return not isinstance(number, bool) and -wire.ID_MAX <= number <= wire.ID_MAX


def _decode(cursor: str, kind: str) -> tuple[Any, int]:
    refusal: Refusal = invalid_parameter("cursor", "is not a cursor of this list and these filters")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise refusal from None
    match found:
        case [str(made_for), int() | str() as value, int(key)] if made_for == kind:
            if _fits(key) and (isinstance(value, str) or _fits(value)):
                return value, key
    raise refusal
