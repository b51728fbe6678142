"""Documents of a JSON Lines file, in and out: what is wrong with one is told by its line; knows no slice.

One JSON document a line in UTF-8. Neither way holds more than a line in memory.
"""

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

from leafcraft.exchange.rows import BOM, Bad
from leafcraft.web import wire
from leafcraft.web.body import BODY_BYTES_MAX

MEDIA = "application/x-ndjson"
LINE_BYTES_MAX = BODY_BYTES_MAX
"""As much as the same document may have as the body of a request."""
WHY_CHARS_MAX = 200


class Document(NamedTuple):
    """What stands on a line."""

    line: int
    value: Any


def read(file: IO[bytes]) -> Iterator[Document | Bad]:
    """The file's documents, from its beginning; what is blank is none, so a file may be empty."""
    file.seek(0)
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            yield Bad(number, "", f"is longer than {LINE_BYTES_MAX} bytes")
            _skip(file, line)
            continue
        if number == 1:
            line = line.removeprefix(BOM)
        if line.strip():
            yield _parsed(number, line)


def _skip(file: IO[bytes], part: bytes) -> None:
    """Goes to the end of a line that is too long, and holds no more than a part of it."""
    while part and not part.endswith(b"\n"):
        part = file.readline(LINE_BYTES_MAX)


def _parsed(number: int, line: bytes) -> Document | Bad:
    try:
        return Document(number, wire.parse(line.rstrip()))
    except UnicodeDecodeError:
        return Bad(number, "", "is not UTF-8")
    except json.JSONDecodeError as error:
        return Bad(number, "", f"is not JSON: {error.msg} (character {error.colno})")
    except ValueError as error:
        return Bad(number, "", f"is not JSON: {error}"[:WHY_CHARS_MAX])


def written(documents: Iterable[Any]) -> bytes:
    """Documents as they stand in a file."""
    return b"".join(wire.dump(document) + b"\n" for document in documents)
