"""The formats of a file: what they are called on the wire and in a file's name, and how each is written."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from leafcraft import sheet
from leafcraft.exchange import json_lines


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


MEDIA: Mapping[Format, str] = {Format.CSV: sheet.MEDIA, Format.JSONL: json_lines.MEDIA}
MEDIA_OUT: Mapping[Format, str] = {Format.CSV: sheet.MEDIA_OUT, Format.JSONL: json_lines.MEDIA}
WRITTEN: Mapping[Format, Callable[[Iterable[Any]], bytes]] = {
    Format.CSV: sheet.written,
    Format.JSONL: json_lines.written,
}

_SUFFIXES = {".jsonl": Format.JSONL, ".ndjson": Format.JSONL}


def of_media(media: str) -> Format:
    """The format of an upload, of which it is known that it is one of these."""
    return next(one for one, said in MEDIA.items() if said == media)


def of_name(name: str) -> Format:
    """What a file's name says it is; CSV where it says nothing."""
    return _SUFFIXES.get(PurePath(name).suffix.lower(), Format.CSV)
