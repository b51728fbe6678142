"""Files for tests, and the words to bring and take them."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from httpx2 import Response

from tests.builders import Json, Shop, found, problem

CSV = "text/csv"
JSONL = "application/x-ndjson"


def sheet(*rows: Sequence[Any], end: str = "\r\n") -> bytes:
    """A file of plain cells."""
    return "".join(f"{','.join(map(str, row))}{end}" for row in rows).encode()


def numbered(count: int, price: str = "12.5") -> bytes:
    """A file of so many products."""
    return sheet(
        ("sku", "name", "price"), *((f"leaf-{n}", f"Leaf {n}", price) for n in range(count))
    )


def documents(*given: Any) -> bytes:
    """A file of one JSON document a line."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in given)


def kind_of(content: Any) -> str:
    """The media type of a file: of what a test brings, JSON Lines alone begin with a brace."""
    return JSONL if isinstance(content, bytes) and content[:1] == b"{" else CSV


async def bring(
    shop: Shop,
    what: str,
    content: Any,
    *,
    dry_run: bool | None = None,
    key: str | None = None,
    media: str | None = None,
) -> Response:
    query = "" if dry_run is None else f"?dry_run={str(dry_run).lower()}"
    headers = {"content-type": media or kind_of(content)}
    headers |= {"Idempotency-Key": key} if key else {}
    return await shop.client.post(f"/imports/{what}{query}", content=content, headers=headers)


async def brought(shop: Shop, what: str, content: bytes, *, dry_run: bool = False) -> Json:
    """What became of the rows, the counts that are nothing aside."""
    told = found(await bring(shop, what, content, dry_run=dry_run))
    assert told.pop("dry_run") == dry_run
    return {name: value for name, value in told.items() if value}


async def refused(shop: Shop, what: str, content: bytes) -> list[tuple[int, str, str]]:
    """What is wrong with a file, of which nothing has been applied."""
    before = await shop.everything()
    foreseen, told = [
        problem(await bring(shop, what, content, dry_run=dry_run), 422, "validation_error")
        for dry_run in (True, False)
    ]
    assert foreseen["errors"] == told["errors"]
    assert told["errors_total"] == len(told["errors"])
    assert await shop.everything() == before
    return [(bad["line"], bad["column"], bad["detail"]) for bad in told["errors"]]


async def taken(shop: Shop, what: str) -> list[dict[str, str]]:
    """The rows of an export."""
    answer = await shop.get(f"/exports/{what}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def orders(shop: Shop) -> list[Json]:
    """The first 500 orders, the first one first."""
    answer = await shop.get("/orders/", params={"limit": 500})
    assert answer.status_code == 200, answer.text
    shown: list[Json] = answer.json()
    return shown


async def facts(shop: Shop) -> list[tuple[str, Json]]:
    """The events so far, the first one first."""
    answer = await shop.get("/events/", params={"sort": "id", "limit": 500})
    return [(event["type"], event["data"]) for event in answer.json()]
