"""Refusals: always the same members, the right content type, and a code from the catalogue."""

import pytest
from httpx2 import Response

from leafcraft import times
from leafcraft.errors import Code
from leafcraft.web.problems import STATUS
from tests.builders import (
    ADMIN_EMAIL,
    PASSWORD,
    Clock,
    Shop,
    another,
    found,
    open_shop,
    problem,
    wanted,
)
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}
ELSEWHERE = {
    Code.INTERNAL_ERROR,  # test_what_breaks_…, below
    Code.OVERLOADED,  # tests/writer, security/test_limits.py
    Code.DATABASE_UNAVAILABLE,  # tests/reliability
    Code.REQUEST_TIMEOUT,  # security/test_limits.py
    # Said by a connection, before there is a request: test_connections.py.
    Code.MALFORMED_REQUEST,
    Code.HEADERS_TOO_LARGE,
    Code.ORDER_EXPIRED,  # orders/test_hold_ends.py
}

Told = dict[Code, Response]


async def sales(shop: Shop) -> Told:
    """What products and orders are refused with."""
    tea, gone = await shop.product("Tea", stock=2), await shop.product("Gone")
    await shop.post(f"/products/{gone['id']}/archive")
    big, small = await shop.order((tea, 3)), await shop.order((tea, 1))
    await shop.confirm(small)
    cancelled = await shop.cancel(await shop.order((tea, 1)))
    stale = {"If-Match": '"0.x"'}
    return {
        Code.NOT_FOUND: await shop.get("/orders/999"),
        Code.METHOD_NOT_ALLOWED: await shop.client.put("/orders/"),
        Code.INSUFFICIENT_STOCK: await shop.patch(f"/orders/{big['id']}/confirm"),
        Code.ORDER_NOT_PENDING: await shop.patch(f"/orders/{small['id']}/confirm"),
        Code.ORDER_ALREADY_CANCELLED: await shop.patch(f"/orders/{cancelled['id']}/cancel"),
        Code.SKU_TAKEN: await shop.post("/products/", {"name": "Tea", "price": 1}),
        Code.PRECONDITION_FAILED: await shop.patch(
            f"/products/{tea['id']}", {"name": "T"}, headers=stale
        ),
        Code.BODY_TOO_LARGE: await shop.client.post("/orders/", content=b" " * 2_000_000),
        Code.VALIDATION_ERROR: await shop.post("/orders/", {"items": []}),
        Code.PRODUCT_NOT_FOUND: await shop.post("/orders/", wanted(({"id": 999}, 1))),
        Code.PRODUCT_ARCHIVED: await shop.post("/orders/", wanted((gone, 1))),
    }


async def afterwards(shop: Shop) -> Told:
    """What is refused of orders that are sent, on hold, or have a reference."""
    tea = await shop.product("Tea after", stock=9)
    body = {**wanted((tea, 1)), "reference": "A-1"}
    pending = found(await shop.post("/orders/", body), 201)
    waiting, done = [await shop.confirm(await shop.order((tea, 1))) for _ in range(2)]
    found(await shop.patch(f"/orders/{waiting['id']}", {"on_hold_reason": "unclear"}))
    sent = found(await shop.post(f"/orders/{done['id']}/fulfillments", {}), 201)
    undo = f"/orders/{done['id']}/fulfillments/{sent['id']}/undo"
    too_much = {"items": [{"product_id": tea["id"], "quantity": 2}], "disposition": "restock"}
    told = {
        Code.REFERENCE_TAKEN: await shop.post("/orders/", body),
        Code.ORDER_NOT_CONFIRMED: await shop.post(f"/orders/{pending['id']}/fulfillments", {}),
        Code.ORDER_ON_HOLD: await shop.post(f"/orders/{waiting['id']}/fulfillments", {}),
        Code.ORDER_NOT_EDITABLE: await shop.patch(f"/orders/{done['id']}", {"note": "late"}),
        Code.ORDER_NOT_CANCELLABLE: await shop.post(f"/orders/{done['id']}/cancel"),
        Code.QUANTITY_EXCEEDED: await shop.post(f"/orders/{done['id']}/returns", too_much),
    }
    found(await shop.post(undo))
    return {**told, Code.FULFILLMENT_ALREADY_UNDONE: await shop.post(undo)}


async def people(shop: Shop) -> Told:
    """What people and machines are refused with."""
    body = {"email": ADMIN_EMAIL, "password": PASSWORD, "role": "viewer"}
    key = found(await shop.post("/api-keys/", {"name": "till", "scopes": ["admin"]}), 201)["key"]
    async with another(shop) as stranger, another(shop, key) as machine:
        return {
            Code.NOT_AUTHENTICATED: await stranger.get("/orders/"),
            Code.INVALID_CREDENTIALS: await stranger.sign_in(password="wrong"),
            Code.TOKEN_REVOKED: await _signed_out(shop),
            Code.FORBIDDEN: await machine.get("/orders/"),
            Code.EMAIL_TAKEN: await machine.post("/users/", body),
            Code.CONFLICT: await machine.patch("/users/1", {"disabled": True}),
        }


async def _signed_out(shop: Shop) -> Response:
    session = found(await shop.sign_in())
    await shop.post("/auth/logout", {"refresh_token": session["refresh_token"]})
    async with another(shop, session["access_token"]) as gone:
        return await gone.get("/orders/")


async def keys(shop: Shop) -> Told:
    """What a reused idempotency key is refused with."""
    headers = {"Idempotency-Key": "k"}
    await shop.post("/products/", {"name": "A", "price": 1}, headers=headers)
    other = await shop.post("/products/", {"name": "B", "price": 1}, headers=headers)
    return {Code.IDEMPOTENCY_KEY_REUSED: other}


async def guards(shop: Shop, clock: Clock) -> Told:
    """What a shop refuses that is strict about names, haste and time."""
    wrong_host = await shop.get("/orders/", headers={"host": "elsewhere.test"})
    hasty = [await shop.get("/orders/") for _ in range(12)][-1]
    clock.advance(hours=2)
    late = await shop.get("/orders/")
    return {
        Code.HOST_NOT_ALLOWED: wrong_host,
        Code.RATE_LIMITED: hasty,
        Code.TOKEN_EXPIRED: late,
    }


def check(told: Told) -> None:
    """Each is a problem of its code, in the shape that all have."""
    for code, answer in told.items():
        body = problem(answer, STATUS[code.kind], code.word)
        assert body.keys() >= MEMBERS
        assert body["type"].endswith(code.word)
        assert body["title"] == code.title
        assert body["detail"]


async def test_every_code_is_told_in_the_same_shape(
    shop: Shop, make_settings: MakeSettings
) -> None:
    clock = Clock(times.now())
    strict = make_settings(allowed_hosts="shop.test", rate_limit="on", rate_per_second=1)
    told = {**await sales(shop), **await afterwards(shop), **await people(shop), **await keys(shop)}
    async with open_shop(strict, clock) as guarded:
        told |= await guards(guarded, clock)
    check(told)
    assert told.keys() | ELSEWHERE == set(Code)


async def test_what_breaks_inside_is_told_without_a_word_of_the_inside(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM vault")

    monkeypatch.setattr("leafcraft.orders.views.page", broken)
    answer = await shop.get("/orders/")
    body = problem(answer, 500, "internal_error")
    assert body.keys() >= MEMBERS
    assert "vault" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_problem_names_the_path_that_was_asked(shared_shop: Shop) -> None:
    assert problem(await shared_shop.get("/orders/999/"), 404, "not_found")["instance"] in {
        "/orders/999",
        "/orders/999/",
    }


async def test_every_bad_field_has_its_pointer(shared_shop: Shop) -> None:
    body = {
        "items": [{"product_id": 1, "quantity": 1}, {"product_id": "x", "quantity": 0, "a/b": 1}]
    }
    answer = problem(await shared_shop.post("/orders/", body), 422, "validation_error")
    pointers = {error["pointer"] for error in answer["errors"]}
    assert pointers == {"/items/1/product_id", "/items/1/quantity", "/items/1/a~1b"}


async def test_a_thousand_mistakes_are_not_told_one_by_one(shared_shop: Shop) -> None:
    body = {"items": [{"product_id": "x", "quantity": "y"} for _ in range(500)]}
    answer = problem(await shared_shop.post("/orders/", body), 422, "validation_error")
    assert len(answer["errors"]) <= 100


async def test_a_missing_token_is_answered_with_the_way_to_sign_in(shared_shop: Shop) -> None:
    async with another(shared_shop) as stranger:
        answer = await stranger.get("/orders/")
    assert answer.headers["www-authenticate"].startswith("Bearer")
