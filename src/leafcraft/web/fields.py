"""What a person has filled in: the fields of a form or of an address, each maybe more than once."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from leafcraft.web import wire
from leafcraft.web.problems import invalid_parameter

FORM_FIELDS_MAX = 5000
FILES_MAX = 1
MULTIPART = "multipart/form-data"

_WITH_FILE = re.compile(rf'{MULTIPART} *; *boundary=("?)[^\s;"]{{1,70}}\1', re.ASCII)
"""As browsers say it. A `charset` besides would choose how Python decodes the fields, and some of its
encodings take hours over a form, or make text that is none."""
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)


class Fields:
    """Texts by name, in the order in which they came. Browsers send lines that end with CRLF, whatever
    they were given: here they end with LF again, so that what nobody has changed is no different."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = (), unread: Collection[str] = ()) -> None:
        self.pairs = [(name, value.replace("\r\n", "\n")) for name, value in pairs]
        self.unread = unread
        """The names of files that are no UTF-8; they have no text here."""
        self._found: dict[str, list[str]] = {}
        for name, value in self.pairs:
            self._found.setdefault(name, []).append(value)

    @classmethod
    def read(cls, encoded: str) -> "Fields":
        """Raises Refusal `validation_error` for what is no form."""
        try:
            pairs = parse_qsl(
                encoded, keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_MAX
            )
        except ValueError:
            raise invalid_parameter("", "is not UTF-8, or has too many fields") from None
        return cls(pairs)

    def one(self, name: str, default: str = "") -> str:
        """The first one, without white space around it."""
        return self._found.get(name, [default])[0].strip()

    def raw(self, name: str) -> str:
        """The first one as it came: a password may begin with white space."""
        return self._found.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        return self._found.get(name, [])

    def given(self, *names: str) -> dict[str, str]:
        """Those of the names that were filled in: what is left blank is not said at all."""
        return {name: value for name in names if (value := self.one(name))}

    def __contains__(self, name: object) -> bool:
        return name in self._found


def whole(text: str) -> int | str:
    """A whole number; what is none stays as it is, for the operation to refuse."""
    return int(text) if _WHOLE.fullmatch(text) else text


def wanted_id(text: str) -> int:
    """An id as it is written in a form or an address; 0 for what is none."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(wire.ID_MAX))
    number = int(text) if plain else 0
    return number if number <= wire.ID_MAX else 0


async def form(content_type: str, body: bytes) -> Fields:
    """The fields of a form as browsers send them; a file is a field with its text.

    Raises Refusal `validation_error`.
    """
    if content_type.startswith(MULTIPART):
        return await _with_file(content_type, body)
    try:
        return Fields.read(body.decode())
    except UnicodeDecodeError:
        raise invalid_parameter("", "is not UTF-8") from None


async def _with_file(content_type: str, body: bytes) -> Fields:
    if not _WITH_FILE.fullmatch(content_type.strip()):
        raise invalid_parameter("Content-Type", "must name a boundary, and nothing else")

    async def parts() -> Any:
        yield body

    headers = Headers({"content-type": content_type})
    limits: Mapping[str, int] = {"max_files": FILES_MAX, "max_fields": FORM_FIELDS_MAX}
    try:
        parser = MultiPartParser(headers, parts(), **limits, max_part_size=len(body) + 1)
        found = await parser.parse()
        try:
            pairs = [(name, await _text(value)) for name, value in found.multi_items()]
        finally:
            await found.close()
    except (MultiPartException, UnicodeDecodeError, KeyError) as error:
        raise invalid_parameter("", f"is not a form with a file: {error}"[:200]) from None
    unread = [name for name, text in pairs if text is None]
    return Fields([(name, text) for name, text in pairs if text is not None], unread)


async def _text(value: UploadFile | str) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return (await value.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
