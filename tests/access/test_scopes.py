"""What an API key may do: what its scopes say, and never what only a person may."""

from typing import Any, Final

import pytest
from httpx2 import Response

from leafcraft.accounts.rules import SCOPES, Role
from tests.access.visits import asked, hire, key_of, refreshed, session
from tests.builders import Shop, another, found, problem

pytestmark = pytest.mark.anyio

Request = tuple[str, str, Any]

ALL = [scope.value for scope in SCOPES]
ASKED_BY_SCOPE: Final[dict[str, list[Request]]] = {
    "products:read": [("GET", "/products/", None), ("GET", "/products/1", None)],
    "products:write": [
        ("POST", "/products/", {"name": "Oolong", "stock_quantity": 1, "price": 1}),
        ("PATCH", "/products/1", {"price": 3}),
    ],
    "stock:read": [("GET", "/stock/levels", None), ("GET", "/stock/movements", None)],
    "orders:read": [("GET", "/orders/", None), ("GET", "/orders/1", None)],
    "orders:write": [
        ("POST", "/orders/", {"items": [{"product_id": 1, "quantity": 1}]}),
        ("PATCH", "/orders/1/confirm", None),
    ],
    "admin": [("GET", "/users/", None), ("GET", "/events/", None), ("GET", "/api-keys/", None)],
}


async def use(shop: Shop, key: str, method: str, path: str, body: Any = None) -> Response:
    async with another(shop, key) as machine:
        return await machine.client.request(method, path, json=body)


@pytest.mark.parametrize("scope", ALL)
async def test_a_key_may_do_what_its_scope_says_and_nothing_else(
    timed_shop: Shop, scope: str
) -> None:
    await timed_shop.order((await timed_shop.product(), 1))
    key = (await key_of(timed_shop, scope))["key"]
    for asking, requests in ASKED_BY_SCOPE.items():
        for method, path, body in requests:
            answer = await use(timed_shop, key, method, path, body)
            if asking == scope:
                assert answer.status_code in {200, 201}, (method, path, answer.text)
            else:
                problem(answer, 403, "forbidden")


async def test_several_scopes_add_up(timed_shop: Shop) -> None:
    key = (await key_of(timed_shop, "products:read", "orders:read"))["key"]
    statuses = [
        (await asked(timed_shop, key, path)).status_code
        for path in ("/products/", "/orders/", "/stock/levels", "/users/")
    ]
    assert statuses == [200, 200, 403, 403]


async def test_no_key_is_a_person(timed_shop: Shop) -> None:
    key = (await key_of(timed_shop, *ALL))["key"]
    body = {"current_password": "x", "new_password": "seven grey herons in rain"}
    problem(await use(timed_shop, key, "GET", "/auth/me"), 403, "forbidden")
    problem(await use(timed_shop, key, "POST", "/auth/password", body), 403, "forbidden")
    problem(await refreshed(timed_shop, key), 401, "not_authenticated")


async def test_what_a_key_does_is_told_by_its_number(timed_shop: Shop) -> None:
    made = await key_of(timed_shop, "products:write")
    body = {"name": "Oolong", "stock_quantity": 1, "price": 1}
    found(await use(timed_shop, made["key"], "POST", "/products/", body), 201)
    (movement,) = await timed_shop.movements()
    assert movement["actor"] == f"key:{made['id']}"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_only_admins_make_see_and_remove_keys(timed_shop: Shop, role: Role) -> None:
    made = await key_of(timed_shop)
    await hire(timed_shop, "kim@example.com", role)
    token = (await session(timed_shop, "kim@example.com"))["access_token"]
    body = {"name": "till", "scopes": ["products:read"]}
    for method, path in (
        ("POST", "/api-keys/"),
        ("GET", "/api-keys/"),
        ("DELETE", f"/api-keys/{made['id']}"),
    ):
        problem(await use(timed_shop, token, method, path, body), 403, "forbidden")
    assert (await asked(timed_shop, made["key"])).status_code == 200
