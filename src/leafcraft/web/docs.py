"""The page to read the API and to try it: Swagger UI, without the internet and without inline code.

The files of Swagger UI come from the package `fastapi-swagger`, of which nothing else is used.
Whoever signs in on this page types a password into it: no other site has a part in it.
"""

import gzip
import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi_swagger import resources  # type: ignore[import-untyped]

from leafcraft.web.compression import takes_gzip

KEPT_SECONDS = 3600
"""How long a browser need not ask again for a file of Swagger UI, and so how long an update may take."""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leafcraft API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The document behind it is <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/init.js"></script>
</body>
</html>
"""
"""Its addresses are relative, so that it works behind a proxy that serves it under a prefix."""

INIT = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: "none",
});
"""

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",  # Swagger UI sets its styles by script, which needs no 'unsafe-inline'
    "img-src 'self' data:",  # the arrows and locks in its style sheet
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_HEADERS = {
    "content-security-policy": "; ".join(_POLICY),
    "cross-origin-opener-policy": "same-origin",
    "vary": "accept-encoding",
}


class _File(NamedTuple):
    """One file as it is sent: plain, and compressed where that makes it smaller."""

    media_type: str
    plain: bytes
    packed: bytes
    digest: str
    caching: str


def router() -> APIRouter:
    """`/docs` and, below it, exactly the files that it refers to; open to everybody."""
    pages = APIRouter()
    for path, load in _FILES.items():
        pages.add_route(path, _endpoint(load), methods=["GET"])
    return pages


def _text(text: str, media_type: str) -> Callable[[], _File]:
    return cache(lambda: _file(text.encode(), media_type, caching="no-cache"))


def _resource(name: str, media_type: str) -> Callable[[], _File]:
    """Read when it is first asked for: a service whose page nobody opens keeps nothing in memory."""
    place = files(resources).joinpath(name)
    return cache(lambda: _file(place.read_bytes(), media_type, caching=f"max-age={KEPT_SECONDS}"))


def _file(plain: bytes, media_type: str, *, caching: str) -> _File:
    packed = gzip.compress(plain, mtime=0)
    digest = hashlib.sha256(plain).hexdigest()[:32]
    smaller = packed if len(packed) < len(plain) else plain
    return _File(media_type, plain, smaller, digest, caching)


_FILES = {
    "/docs": _text(PAGE, "text/html; charset=utf-8"),
    "/docs/init.js": _text(INIT, "text/javascript; charset=utf-8"),
    "/docs/swagger-ui-bundle.js": _resource(
        "swagger-ui-bundle.js", "text/javascript; charset=utf-8"
    ),
    "/docs/swagger-ui.css": _resource("swagger-ui.css", "text/css; charset=utf-8"),
    "/docs/favicon-32x32.png": _resource("favicon-32x32.png", "image/png"),
}


def _endpoint(load: Callable[[], _File]) -> Callable[[Request], Response]:
    def serve(request: Request) -> Response:  # not async: it may read and compress, in a thread
        file = load()
        packed = file.packed is not file.plain and takes_gzip(
            ",".join(request.headers.getlist("accept-encoding"))
        )
        etag = f'"{file.digest}{"-gzip" if packed else ""}"'
        headers = {**_HEADERS, "etag": etag, "cache-control": file.caching}
        if etag in _tags(request.headers.getlist("if-none-match")):
            return Response(None, 304, headers)
        if packed:
            headers["content-encoding"] = "gzip"
        body = file.packed if packed else file.plain
        return Response(body, headers={**headers, "content-type": file.media_type})

    return serve


def _tags(held: Iterable[str]) -> set[str]:
    return {tag.strip().removeprefix("W/") for line in held for tag in line.split(",")}
