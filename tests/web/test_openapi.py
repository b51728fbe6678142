"""The OpenAPI document: what it promises is what is answered, and it changes only on purpose."""

import json
import os
from pathlib import Path

import pytest
from httpx2 import Response

from tests.builders import Json, Shop, another, found, wanted
from tests.web.document import undescribed

pytestmark = pytest.mark.anyio

SNAPSHOT = Path(__file__).parent / "openapi.json"
UPDATE = "UPDATE_OPENAPI"
METHODS = {"get", "post", "patch", "put", "delete"}


async def document_of(shop: Shop) -> Json:
    document = found(await shop.get("/openapi.json"))
    del document["info"]["version"]
    return document


def operations(document: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


async def test_the_document_changes_only_on_purpose(shared_shop: Shop) -> None:
    """After a change on purpose: UPDATE_OPENAPI=1 python -m pytest tests/web/test_openapi.py"""
    document = await document_of(shared_shop)
    if os.environ.get(UPDATE) == "1":
        SNAPSHOT.write_text(f"{json.dumps(document, indent=1, sort_keys=True)}\n")
    assert document == json.loads(SNAPSHOT.read_text())


async def test_it_is_openapi_3_1_and_every_operation_has_a_name_of_its_own(
    shared_shop: Shop,
) -> None:
    document = await document_of(shared_shop)
    assert document["openapi"].startswith("3.1")
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)
    assert all(operation["tags"] for operation in operations(document).values())
    assert all(operation["description"] for operation in operations(document).values())


async def test_every_operation_tells_its_refusals(shared_shop: Shop) -> None:
    document = await document_of(shared_shop)
    for name, operation in operations(document).items():
        if operation["tags"] == ["Service"]:
            continue
        told = operation["responses"].keys()
        assert "422" in told, name
        if name != "POST /auth/login":
            assert {"401", "403"} <= told, name
            assert operation["security"], name


async def test_every_reference_leads_somewhere(shared_shop: Shop) -> None:
    document = await document_of(shared_shop)
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]


async def answers(shop: Shop) -> list[Response]:
    """At least one answer of every operation, and the refusals a client meets first."""
    made = await shop.post("/products/", {"name": "Tea", "price": 1, "stock_quantity": 3})
    tea = made.json()
    small, big = wanted((tea, 1)), wanted((tea, 9))
    moves = [await shop.post("/orders/", body) for body in (small, big, small, small)]
    asked = [
        ("PATCH", "/orders/1/confirm", None),
        ("POST", "/orders/2/confirm", None),
        ("PATCH", "/orders/1/confirm", None),
        ("PATCH", "/orders/1/cancel", None),
        ("POST", "/orders/1/cancel", None),
        ("PATCH", "/orders/99/cancel", None),
        ("POST", "/orders/3/confirm", None),
        ("POST", "/orders/confirm", {"order_ids": [2, 4, 99]}),
        ("POST", "/orders/create_order", small),
        ("POST", "/orders/create_order", wanted(({"id": 99}, 1))),
        ("POST", "/products/", {"name": "Tea", "price": 1}),
        ("PATCH", "/products/1", {"price": 2.5}),
        ("PATCH", "/products/1", {"price": -1}),
        ("POST", "/products/1/archive", None),
        ("POST", "/orders/", small),
        ("POST", "/products/1/unarchive", None),
        *(("GET", f"/{path}", None) for path in ("products/", "products/1", "products/9")),
        *(("GET", f"/{path}", None) for path in ("orders/", "orders/1", "orders/9")),
        *(("GET", f"/stock/{path}", None) for path in ("levels", "movements", "levels?x=1")),
    ]
    told = [await shop.client.request(method, path, json=body) for method, path, body in asked]
    logins = [await shop.sign_in(), await shop.sign_in(password="wrong")]
    too_large = await shop.client.post("/orders/", content=b" " * 2_000_000)
    async with another(shop) as stranger:
        unsigned = await stranger.get("/orders/")
    return [made, *moves, *told, *logins, too_large, unsigned]


async def test_every_answer_is_as_the_document_describes_it(shop: Shop) -> None:
    document = await document_of(shop)
    asked = await answers(shop)
    wrong = {
        f"{answer.request.method} {answer.request.url.path} {answer.status_code}": complaints
        for answer in asked
        if (complaints := undescribed(document, answer))
    }
    assert wrong == {}
    statuses = {answer.status_code for answer in asked}
    assert statuses == {200, 201, 401, 404, 409, 413, 422}


async def test_the_docs_page_shows_the_document(shared_shop: Shop) -> None:
    page = await shared_shop.get("/docs")
    assert page.status_code == 200
    assert "/openapi.json" in page.text
