"""The OpenAPI document: what it promises is what is answered, and it changes only on purpose."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from tests.builders import PASSWORD, Json, Shop, another, found, wanted
from tests.web.document import operation_of, undescribed

pytestmark = pytest.mark.anyio

SNAPSHOT = Path(__file__).parent / "openapi.json"
UPDATE = "UPDATE_OPENAPI"
METHODS = {"get", "post", "patch", "put", "delete"}
OPEN = {
    "POST /auth/login",
    "POST /auth/refresh",
    "POST /auth/logout",
    "GET /.well-known/jwks.json",
}
"""The operations that need no token: whoever has one yet, asks for one or gives it back."""
FILES = {
    "products": b"sku,name,price\ntea,Tea,1\n",
    "stock": b"sku,on_hand\ntea,3\n",
    "orders": b"reference,sku,quantity\nA-1,tea,1\n",
}
SHEETS = ("products", "stock", "movements", "orders", "orders?format=jsonl")
REPORTS = ("sales", "sales?by=product", "stock-value")
CSV = {"accept": "text/csv"}
PARTS = ("timeline", "fulfillments", "returns", "reservations")


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
        assert {"421", "422", "429", "503"} <= told, name
        if name in OPEN:
            assert "security" not in operation, name
        else:
            assert {"401", "403"} <= told, name
            assert operation["security"], name


async def test_every_reference_leads_somewhere(shared_shop: Shop) -> None:
    document = await document_of(shared_shop)
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]


Asked = tuple[str, str, Any]


def sales(tea: Json) -> list[Asked]:
    """A day in the shop: everything that is done with products and orders, once at least."""
    small, big = wanted((tea, 1)), wanted((tea, 9))
    return [
        *(("POST", "/orders/", body) for body in (small, big, small, small)),
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


def warehouse() -> list[Asked]:
    """What is done with stock."""
    one = {"product_id": 1, "quantity": 2}
    counted = {"product_id": 1, "counted": 9, "reason": "count"}
    received: tuple[Any, ...] = (one, [one, {**one, "product_id": 9}])
    malformed: tuple[Any, ...] = ([], {**one, "location": "attic"})
    there = {**one, "from_location": "main", "to_location": "annex"}
    return [
        *(("POST", "/locations/", {"code": code}) for code in ("annex", "annex", "Annex")),
        ("PATCH", "/locations/2", {"priority": 3}),
        ("PATCH", "/locations/1", {"active": False}),
        ("PATCH", "/locations/9", {"name": "Attic"}),
        ("GET", "/locations/", None),
        *(("POST", "/stock/receipts", body) for body in received),
        *(("POST", "/stock/receipts", body) for body in malformed),
        *(("POST", "/stock/adjustments", body) for body in (counted, [counted])),
        ("POST", "/stock/adjustments", {**counted, "expected_on_hand": 77}),
        *(("POST", "/stock/transfers", body) for body in (there, [there])),
        ("POST", "/stock/transfers", {**there, "quantity": 999}),
        ("POST", "/stock/movements/4/reverse", None),
        ("POST", "/stock/movements/4/reverse", None),
        ("POST", "/stock/movements/999/reverse", None),
        ("GET", "/stock/movements?sort=-id", None),
        ("POST", "/orders/", {"items": [one], "hold_minutes": 5}),
        ("POST", "/orders/", {"items": [{**one, "quantity": 99}], "hold_minutes": 5}),
        ("POST", "/orders/1/hold", {"hold_minutes": 5}),
        ("POST", "/orders/7/hold", {"hold_minutes": 5}),
        *(("GET", f"/products/1/{path}", None) for path in ("stock", "availability", "reorder")),
        *(("GET", f"/products/9/{path}", None) for path in ("stock", "availability", "reorder")),
        ("PATCH", "/products/1", {"reorder_point": 50, "reorder_quantity": 12}),
        ("GET", "/stock/low", None),
    ]


def afterwards() -> list[Asked]:
    """What is done with orders once they are placed: sent, taken back, changed and found."""
    customer = {"name": "Ada", "email": "ada@example.com", "metadata": {"vip": True}}
    order = {"items": [{"product_id": 1, "quantity": 3}], "reference": "A-1", "customer": customer}
    one = {"items": [{"product_id": 1, "quantity": 1}]}
    back = {**one, "disposition": "restock"}
    number = 7
    here = f"/orders/{number}"
    return [
        ("POST", "/stock/receipts", {"product_id": 1, "quantity": 50}),
        *(("POST", "/orders/bulk", {"orders": [body]}) for body in (order, order)),
        ("POST", "/orders/", order),
        *(("PATCH", here, body) for body in ({"note": "ring"}, {"reference": "B"}, {"items": 1})),
        ("POST", f"{here}/fulfillments", one),
        ("POST", f"{here}/confirm", None),
        ("PATCH", here, {"items": [{"product_id": 1, "quantity": 4}]}),
        ("PATCH", here, {"on_hold_reason": "unclear"}),
        ("POST", f"{here}/fulfillments", one),
        ("PATCH", here, {"on_hold_reason": None, "payment_status": "paid"}),
        *(("POST", f"{here}/fulfillments", one) for _ in range(2)),
        ("PATCH", f"{here}/fulfillments/1", {"carrier": "by hand"}),
        ("PATCH", f"{here}/fulfillments/99", {"carrier": "by hand"}),
        *(("POST", f"{here}/fulfillments/1/undo", None) for _ in range(2)),
        *(("POST", f"{here}/returns", body) for body in (back, back)),
        *(("POST", f"{here}/cancellations", one) for _ in range(2)),
        ("POST", "/orders/fulfill", {"order_ids": [number, 99]}),
        ("POST", "/orders/cancel", {"order_ids": [number, 99]}),
        ("POST", f"{here}/notes", {"text": "was wet"}),
        ("POST", "/orders/99/notes", {"text": "was wet"}),
        *(("GET", f"{here}/{path}", None) for path in PARTS),
        *(("GET", f"/orders/99/{path}", None) for path in PARTS),
        *(("GET", f"/orders/{path}", None) for path in ("counts", "?q=ada", "?reference=A-1")),
    ]


def office() -> list[Asked]:
    """What is done with people, machines and their keys."""
    somebody = {"email": "some@example.com", "password": PASSWORD, "role": "viewer"}
    machine = {"name": "till", "scopes": ["orders:read"], "expires_at": "2999-01-01T00:00:00Z"}
    changed = {"current_password": PASSWORD, "new_password": f"{PASSWORD}!"}
    wrong = {"current_password": "wrong", "new_password": PASSWORD}
    return [
        ("POST", "/users/", somebody),
        ("POST", "/users/", somebody),
        ("PATCH", "/users/2", {"role": "operator"}),
        ("PATCH", "/users/1", {"disabled": True}),
        ("PATCH", "/users/9", {"disabled": True}),
        *(("GET", f"/users/{path}", None) for path in ("", "2", "9")),
        ("POST", "/api-keys/", machine),
        ("POST", "/api-keys/", {**machine, "scopes": ["user"]}),
        ("GET", "/api-keys/", None),
        ("DELETE", "/api-keys/1", None),
        ("DELETE", "/api-keys/1", None),
        ("GET", "/events/", None),
        ("GET", "/auth/me", None),
        ("GET", "/.well-known/jwks.json", None),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("POST", "/auth/password", wrong),
        ("POST", "/auth/password", changed),
        ("GET", "/auth/me", None),
    ]


async def files(shop: Shop) -> list[Response]:
    """What is brought and taken as a file."""
    brought = [(what, content) for what, rows in FILES.items() for content in (rows, b"colour")]
    headers = {"content-type": "text/csv"}
    return [
        *[
            await shop.client.post(f"/imports/{what}", content=content, headers=headers)
            for what, content in brought
        ],
        await shop.client.post("/imports/orders", content=FILES["orders"]),
        *[await shop.get(f"/exports/{what}") for what in SHEETS],
        *[await shop.get(f"/reports/{what}", headers=CSV) for what in REPORTS],
        *[await shop.get(f"/reports/{what}") for what in (*REPORTS, "sales?by=week")],
    ]


async def leaving(shop: Shop) -> list[Response]:
    """What somebody does who has been signed in for long enough, after a day in the `office`."""
    session = found(await shop.sign_in("some@example.com"))
    async with another(shop, session["access_token"]) as client:
        listed = await client.get("/auth/sessions")
        (own,) = listed.json()
        return [
            listed,
            await client.client.delete("/auth/sessions/1"),
            await client.client.delete(f"/auth/sessions/{own['id']}"),
            await client.client.delete("/auth/sessions"),
        ]


async def answers(shop: Shop) -> list[Response]:
    """At least one answer of every operation, and the refusals a client meets first."""
    made = await shop.post("/products/", {"name": "Tea", "price": 1, "stock_quantity": 3})
    session = await shop.sign_in()
    refresh = {"refresh_token": found(session)["refresh_token"]}
    words = ("refresh", "refresh", "logout", "refresh")
    told = [await shop.post(f"/auth/{word}", refresh) for word in words]
    told += [made, session, await shop.sign_in(password="wrong")]
    told.append(await shop.client.post("/orders/", content=b" " * 2_000_000))
    async with another(shop) as stranger:
        told.append(await stranger.get("/orders/"))
    told += await files(shop)
    for method, path, body in (*sales(made.json()), *warehouse(), *afterwards(), *office()):
        told.append(await shop.client.request(method, path, json=body))
    return [*told, *await leaving(shop)]


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
    assert statuses == {200, 201, 204, 401, 404, 409, 413, 422}
    met = {
        operation_of(document, a.request.method, a.request.url.path)["operationId"] for a in asked
    }
    assert met == {operation["operationId"] for operation in operations(document).values()}
