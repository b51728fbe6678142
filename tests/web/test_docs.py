"""The docs page: complete by itself, and with nothing in it that its own policy forbids."""

import gzip
import hashlib
import re

import pytest

from tests.builders import Shop, another, problem

pytestmark = pytest.mark.anyio

TYPES = {
    "/docs": "text/html; charset=utf-8",
    "/docs/init.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/favicon-32x32.png": "image/png",
}
SWAGGER_UI = {
    "swagger-ui-bundle.js": "3f6abf70480db7e07914df4c98a77385f22ea585eaf457a3e6415ba0eae2d167",
    "swagger-ui.css": "c3cfe8248c4b0b89673600fb829924eafbac6de4bc4b2b06f5f5243483074d0a",
    "favicon-32x32.png": "3ed612f41e050ca5e7000cad6f1cbe7e7da39f65fca99c02e99e6591056e5837",
}
"""SHA-256 of the files as Swagger UI's makers published them, in swagger-ui-dist 5.34.0 on npm."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize(("path", "media_type"), TYPES.items())
async def test_everybody_may_have_the_page_and_its_files(
    shared_shop: Shop, path: str, media_type: str
) -> None:
    async with another(shared_shop) as stranger:
        answer = await stranger.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_page_names_what_is_served_and_nothing_else(shared_shop: Shop) -> None:
    page = (await shared_shop.get("/docs")).text
    named = {f"/{name}" for name in re.findall(r'(?:src|href)="([^"]*)"', page)}
    assert named == TYPES.keys() - {"/docs"} | {"/openapi.json"}
    for path in named:
        assert (await shared_shop.get(path)).status_code == 200


async def test_the_page_and_its_script_name_no_other_host(shared_shop: Shop) -> None:
    for path in ("/docs", "/docs/init.js"):
        text = (await shared_shop.get(path)).text
        assert "//" not in text


async def test_nothing_on_the_page_is_inline(shared_shop: Shop) -> None:
    page = (await shared_shop.get("/docs")).text
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == ["", ""]
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page, re.IGNORECASE)


@pytest.mark.parametrize(("name", "digest"), SWAGGER_UI.items())
async def test_swagger_ui_is_what_its_makers_published(
    shared_shop: Shop, name: str, digest: str
) -> None:
    answer = await shared_shop.get(f"/docs/{name}")
    assert hashlib.sha256(answer.content).hexdigest() == digest


@pytest.mark.parametrize("path", TYPES)
async def test_what_a_browser_has_is_not_sent_again(shared_shop: Shop, path: str) -> None:
    for coding in ("identity", "gzip, deflate, br"):
        asked = {"accept-encoding": coding}
        first = await shared_shop.get(path, headers=asked)
        held = {**asked, "if-none-match": f'"other", W/{first.headers["etag"]}'}
        second = await shared_shop.get(path, headers=held)
        assert (second.status_code, second.content) == (304, b"")
        assert second.headers["etag"] == first.headers["etag"]
        assert second.headers["cache-control"] == first.headers["cache-control"]


@pytest.mark.parametrize("path", TYPES)
async def test_head_tells_what_get_would(shared_shop: Shop, path: str) -> None:
    got, head = [await shared_shop.client.request(method, path) for method in ("GET", "HEAD")]
    assert head.status_code == 200
    told = ("content-type", "content-length", "etag", "content-security-policy")
    assert [head.headers[name] for name in told] == [got.headers[name] for name in told]


async def test_it_is_compressed_for_those_who_can_read_that(shared_shop: Shop) -> None:
    path = "/docs/swagger-ui-bundle.js"
    request = shared_shop.client.build_request("GET", path, headers={"accept-encoding": "br, GZIP"})
    packed = await shared_shop.client.send(request, stream=True)
    raw = b"".join([part async for part in packed.aiter_raw()])
    await packed.aclose()
    plain = await shared_shop.get(path, headers={"accept-encoding": "identity, gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 3
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    "path",
    [
        "/docs/__init__.py",
        "/docs/../main.py",
        "/docs/%2e%2e/main.py",
        "/docs/..%2f..%2fmain.py",
        "/docs//etc/passwd",
        "/docs/init.js%00",
        "/docs/index.html",
        "/docs/",
    ],
)
async def test_nothing_else_is_served_from_there(shared_shop: Shop, path: str) -> None:
    problem(await shared_shop.get(path), 404, "not_found")


@pytest.mark.parametrize("path", TYPES)
async def test_the_page_can_only_be_read(shared_shop: Shop, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await shared_shop.client.request(method, path)
        problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
