"""Refusals: always the same members, the right content type, and a code from the catalogue."""

import pytest

from leafcraft.errors import Code
from leafcraft.web.problems import STATUS
from tests.builders import Json, Shop, another, problem, wanted

pytestmark = pytest.mark.anyio

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}
ELSEWHERE = {
    Code.TOKEN_EXPIRED,  # accounts/test_tokens.py
    Code.FORBIDDEN,  # accounts/test_roles.py
    Code.INTERNAL_ERROR,  # test_what_breaks_…, below
    Code.OVERLOADED,  # tests/writer
    Code.DATABASE_UNAVAILABLE,  # tests/reliability
    # Nothing that can be asked over HTTP answers these yet.
    Code.ORDER_NOT_CANCELLABLE,
    Code.ORDER_EXPIRED,
    Code.EMAIL_TAKEN,
    Code.CONFLICT,
}


async def refusals(shop: Shop) -> list[tuple[Code, Json]]:
    """One refusal of every code that can be had in a shop like this."""
    tea, gone = await shop.product("Tea", stock=2), await shop.product("Gone")
    await shop.post(f"/products/{gone['id']}/archive")
    big, small = await shop.order((tea, 3)), await shop.order((tea, 1))
    await shop.confirm(small)
    cancelled = await shop.cancel(await shop.order((tea, 1)))
    keyed = {"Idempotency-Key": "k"}
    await shop.post("/products/", {"name": "A", "price": 1}, headers=keyed)
    async with another(shop) as stranger:
        unsigned = await stranger.get("/orders/")
    asked = {
        Code.NOT_AUTHENTICATED: unsigned,
        Code.INVALID_CREDENTIALS: await shop.sign_in(password="wrong"),
        Code.NOT_FOUND: await shop.get("/orders/999"),
        Code.METHOD_NOT_ALLOWED: await shop.client.put("/orders/"),
        Code.INSUFFICIENT_STOCK: await shop.patch(f"/orders/{big['id']}/confirm"),
        Code.ORDER_NOT_PENDING: await shop.patch(f"/orders/{small['id']}/confirm"),
        Code.ORDER_ALREADY_CANCELLED: await shop.patch(f"/orders/{cancelled['id']}/cancel"),
        Code.SKU_TAKEN: await shop.post("/products/", {"name": "Tea", "price": 1}),
        Code.PRECONDITION_FAILED: await shop.patch(
            f"/products/{tea['id']}", {"name": "T"}, headers={"If-Match": '"0.x"'}
        ),
        Code.BODY_TOO_LARGE: await shop.client.post("/orders/", content=b" " * 2_000_000),
        Code.VALIDATION_ERROR: await shop.post("/orders/", {"items": []}),
        Code.PRODUCT_NOT_FOUND: await shop.post("/orders/", wanted(({"id": 999}, 1))),
        Code.PRODUCT_ARCHIVED: await shop.post("/orders/", wanted((gone, 1))),
        Code.IDEMPOTENCY_KEY_REUSED: await shop.post(
            "/products/", {"name": "B", "price": 1}, headers=keyed
        ),
    }
    return [(code, problem(answer, STATUS[code.kind], code.word)) for code, answer in asked.items()]


async def test_every_code_is_told_in_the_same_shape(shop: Shop) -> None:
    told = await refusals(shop)
    for code, body in told:
        assert body.keys() >= MEMBERS
        assert body["type"].endswith(code.word)
        assert body["title"] == code.title
        assert body["detail"]
    assert {code for code, _ in told} | ELSEWHERE == set(Code)


async def test_what_breaks_inside_is_told_without_a_word_of_the_inside(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM vault")

    monkeypatch.setattr("leafcraft.orders.store.page", broken)
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
