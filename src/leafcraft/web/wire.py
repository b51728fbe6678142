"""What values look like on the wire, in both directions."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    StringConstraints,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from leafcraft import sheet, times
from leafcraft.idempotency import Answer
from leafcraft.money import Currency

ID_MAX = 2**63 - 1
QUANTITY_MAX = 1_000_000_000
LIST_ITEMS_MAX = 500
"""What one call may ask for at once."""

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_IDS = re.compile(r"[1-9][0-9]{0,17}(,[1-9][0-9]{0,17})*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Id = Annotated[int, Path(ge=1, le=ID_MAX)]
"""An id in a path."""
BodyId = Annotated[int, Strict(), Field(ge=1, le=ID_MAX)]
"""An id in a body: an integer, and nothing that could pass for one."""
Quantity = Annotated[int, Strict(), Field(ge=1, le=QUANTITY_MAX)]
"""A positive whole number; `true`, `1.0` and `"1"` are not."""


def _not_null(value: object) -> object:
    if value is None:
        raise ValueError("must not be null; leave it out to keep what there is")
    return value


T = TypeVar("T")
LeftOutOr = Annotated[T | SkipJsonSchema[None], BeforeValidator(_not_null)]
"""In an edit: what is left out, None here, stays as it is; on the wire there is no such value."""


def _how_many(given: object) -> str:
    return "many" if isinstance(given, list) else "one"


OneOrMany = Annotated[
    Annotated[T, Tag("one")]
    | Annotated[list[T], Field(min_length=1, max_length=LIST_ITEMS_MAX), Tag("many")],
    Discriminator(_how_many),
]
"""A body that is one thing, or a list of such things."""
Amount = Annotated[Any, WithJsonSchema({"type": "number", "minimum": 0, "examples": [1407.98]})]
"""Money on its way out: an exact JSON number."""
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]


class Body(BaseModel):
    """A JSON body. A member nobody reads is refused: ignoring `hold_minutes` in silence would oversell."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(BaseModel):
    """Query parameters; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _price(value: object, info: ValidationInfo) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("must be a JSON number")
    currency: Currency = (info.context or {})["currency"]
    return currency.minor(Decimal(value))


def _micros(value: object) -> int:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("must be a moment with its offset, such as 2026-01-31T12:00:00Z")
    try:
        return max(times.read(datetime.fromisoformat(value)), 0)
    except OverflowError:
        raise ValueError("must be a moment between the years 1 and 9999") from None


def _day(value: object) -> int:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("must be a date such as 2026-01-31")
    day = times.day(date.fromisoformat(value))
    if day < 0:
        raise ValueError("must be 1970-01-01 or later")
    return day


def _ids(value: object) -> tuple[int, ...]:
    if not isinstance(value, str) or not _IDS.fullmatch(value):
        raise ValueError("must be ids with commas between them, such as 1,2,3")
    ids = tuple(map(int, value.split(",")))
    if len(ids) > LIST_ITEMS_MAX:
        raise ValueError(f"must be at most {LIST_ITEMS_MAX} ids")
    return ids


def _plain(text: str) -> str:
    """No control characters (a NUL cuts texts short elsewhere), no lone surrogates (no UTF-8 for them)."""
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cs"}:
            raise ValueError(f"must not contain the character U+{ord(char):04X}")
    return text


Price = Annotated[
    int,
    PlainValidator(_price),
    WithJsonSchema({"type": "number", "minimum": 0, "examples": [25.99]}),
]
"""Money on its way in: a JSON number of the shop's currency, read exactly, into its smallest unit."""

GivenTime = Annotated[
    int,
    PlainValidator(_micros),
    PlainSerializer(times.write, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment on its way in: RFC 3339, and into microseconds."""

GivenDay = Annotated[
    int,
    PlainValidator(_day),
    PlainSerializer(times.write_day, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A day on its way in: a date, and into its first moment in UTC."""

GivenIds = Annotated[
    tuple[int, ...],
    PlainValidator(_ids),
    PlainSerializer(lambda ids: ",".join(map(str, ids)), when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_IDS.pattern}$", "examples": ["1,2,3"]}),
]
"""Several ids in a query: `1,2,3`."""

PlainText = Annotated[
    str,
    Strict(),
    StringConstraints(strip_whitespace=True),
    AfterValidator(_plain),
    Field(json_schema_extra={"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"}),
]
"""Text without control characters, trimmed."""


def written(text: str) -> str:
    """The same, but for lines and tabs: text as people write it. Raises ValueError."""
    _plain(text.translate(_LAYOUT))
    return text


_LAYOUT = dict.fromkeys(map(ord, "\n\r\t"))
FreeText = Annotated[
    str,
    Strict(),
    StringConstraints(strip_whitespace=True),
    AfterValidator(written),
    Field(
        json_schema_extra={
            "pattern": "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
        }
    ),
]
"""Text as people write it, in lines."""


def amount(minor: int, currency: Currency) -> orjson.Fragment:
    return orjson.Fragment(currency.text(minor))


def moment(at: int | None) -> str | None:
    return None if at is None else times.write(at)


def dump(value: Any) -> bytes:
    return orjson.dumps(value, default=_exact)


def _exact(value: Any) -> orjson.Fragment:
    """A number as it was written; `parse` reads them so."""
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is nothing that goes over the wire")


def parse(body: bytes) -> Any:
    """A JSON document, with every number as it was written (499.90 is a Decimal, never a float).

    Raises ValueError for what is not JSON, NaN and infinities included.
    """
    try:
        return json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ArithmeticError:
        raise ValueError("a number is out of every range") from None


def canonical(document: Any) -> bytes:
    """One spelling for documents that mean the same: the order of members and white space don't count."""
    return orjson.dumps(document, default=str, option=orjson.OPT_SORT_KEYS)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def tagged(status: int, version: int, document: Any, *, location: str = "") -> Answer:
    """An answer about one thing, with its strong `ETag`: the version it was last edited at, and a
    digest of all that is shown of it."""
    body = dump(document)
    return Answer(status, body, f'"{version}.{_digest(body)}"', location)


def shown(document: Any) -> Answer:
    """An answer about one thing that is never edited by `If-Match`, with a digest as its `ETag`."""
    body = dump(document)
    return Answer(200, body, f'"{_digest(body)}"')


def listing(rows: Sequence[Any], next_query: str) -> Answer:
    """A bare array, with the digest of it as its `ETag`, and where the next page begins."""
    body = dump(rows)
    return Answer(200, body, f'"{_digest(body + next_query.encode())}"', next_query=next_query)


def filed(rows: Iterable[Sequence[Any]], filename: str) -> Answer:
    """The rows, a header first, as a CSV file, with the digest of it as its `ETag`."""
    body = sheet.written(rows)
    etag = f'"{_digest(body)}"'
    return Answer(200, body, etag, media=sheet.MEDIA_OUT, filename=filename)


def _digest(shown: bytes) -> str:
    return hashlib.blake2b(shown, digest_size=8).hexdigest()
