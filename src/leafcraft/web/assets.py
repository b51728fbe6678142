"""The console's style sheet, script and icon: each under a name that changes with its content."""

import gzip
import hashlib
from importlib.resources import files
from typing import NamedTuple

from leafcraft.idempotency import Answer
from leafcraft.web.call import Call
from leafcraft.web.compression import takes_gzip

PLACE = "/console/static"
KEPT_SECONDS = 365 * 24 * 3600
PARTED = ("css", "js")
"""What one file is made of from many, so that a browser asks once."""

_MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class _Asset(NamedTuple):
    media: str
    plain: bytes
    packed: bytes


class Assets:
    """Read once; the style sheet and the script are all of their parts, in the order of their names."""

    def __init__(self) -> None:
        parts: dict[str, list[tuple[str, bytes]]] = {}
        for file in files("leafcraft.web").joinpath("static").iterdir():
            kind = file.name.rpartition(".")[2]
            name = f"console.{kind}" if kind in PARTED else file.name
            parts.setdefault(name, []).append((file.name, file.read_bytes()))
        self._paths: dict[str, str] = {}
        self._found: dict[str, _Asset] = {}
        for name, found in parts.items():
            self._add(name, b"\n".join(content for _, content in sorted(found)))

    @property
    def paths(self) -> list[str]:
        return list(self._found)

    def path(self, name: str) -> str:
        """Where a page finds it."""
        return self._paths[name]

    def answer(self, path: str, call: Call) -> Answer:
        asset = self._found[path]
        headers = [
            ("cache-control", f"public, max-age={KEPT_SECONDS}, immutable"),
            ("vary", "accept-encoding"),
        ]
        body = asset.plain
        if takes_gzip(call.header(b"accept-encoding") or ""):
            body = asset.packed
            headers.append(("content-encoding", "gzip"))
        return Answer(200, body, media=asset.media, headers=(*headers,))

    def _add(self, name: str, content: bytes) -> None:
        stem, _, kind = name.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:12]
        path = f"{PLACE}/{stem}.{digest}.{kind}"
        self._paths[name] = path
        self._found[path] = _Asset(_MEDIA[kind], content, gzip.compress(content, mtime=0))
