"""Who may do what."""

import re

import pytest

from leafcraft.accounts.rules import Role
from tests.builders import Shop, add, another, found, problem, wanted

pytestmark = pytest.mark.anyio

READS = (
    "/products/",
    "/products/1",
    "/orders/",
    "/orders/1",
    "/stock/levels",
    "/stock/movements",
)
WRITES = (
    ("POST", "/products/"),
    ("PATCH", "/products/1"),
    ("POST", "/products/1/archive"),
    ("POST", "/products/1/unarchive"),
    ("POST", "/orders/"),
    ("POST", "/orders/create_order"),
    ("POST", "/orders/confirm"),
    ("PATCH", "/orders/1/confirm"),
    ("POST", "/orders/1/confirm"),
    ("PATCH", "/orders/1/cancel"),
    ("POST", "/orders/1/cancel"),
)
OPEN = ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json")
OPEN_OPERATIONS = ("/auth/login", "/auth/refresh", "/auth/logout", "/.well-known/jwks.json")


async def stocked(shop: Shop) -> None:
    await shop.order((await shop.product(), 1))


async def token_of(shop: Shop, role: Role) -> str:
    email = f"some.{role.value}@example.com"
    await add(shop.settings, email, role)
    token: str = found(await shop.sign_in(email))["access_token"]
    return token


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_reads_everything(shop: Shop, role: Role) -> None:
    await stocked(shop)
    async with another(shop, await token_of(shop, role)) as client:
        for path in READS:
            assert (await client.get(path)).status_code == 200
            assert (await client.client.head(path)).status_code == 200


async def test_a_viewer_changes_nothing(shop: Shop) -> None:
    await stocked(shop)
    before = await shop.everything()
    async with another(shop, await token_of(shop, Role.VIEWER)) as viewer:
        for method, path in WRITES:
            problem(await viewer.client.request(method, path, json={}), 403, "forbidden")
    assert await shop.everything() == before


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
async def test_operators_and_admins_sell(shop: Shop, role: Role) -> None:
    async with another(shop, await token_of(shop, role)) as client:
        tea = await client.product()
        found(await client.patch(f"/products/{tea['id']}", {"price": 2}))
        order = await client.order((tea, 1))
        await client.confirm(order)
        await client.cancel(order)
        bulk = {"order_ids": [(await client.order((tea, 1)))["id"]]}
        found(await client.post("/orders/confirm", bulk))
        found(await client.post(f"/products/{tea['id']}/archive"))
    assert {row["actor"] for row in await shop.movements()} == {"user:2"}


async def test_a_stranger_sees_and_changes_nothing(shop: Shop) -> None:
    await stocked(shop)
    before = await shop.everything()
    async with another(shop) as stranger:
        for method, path in (*WRITES, *(("GET", path) for path in READS)):
            body = wanted(({"id": 1}, 1))
            answer = await stranger.client.request(method, path, json=body)
            problem(answer, 401, "not_authenticated")
    assert await shop.everything() == before


async def test_a_stranger_can_not_tell_what_exists(shop: Shop) -> None:
    await stocked(shop)
    async with another(shop) as stranger:
        there, missing = await stranger.get("/orders/1"), await stranger.get("/orders/2")
    assert {**there.json(), "instance": "", "request_id": ""} == {
        **missing.json(),
        "instance": "",
        "request_id": "",
    }


@pytest.mark.parametrize("path", OPEN)
async def test_what_runs_the_service_needs_no_token(shared_shop: Shop, path: str) -> None:
    async with another(shared_shop) as stranger:
        assert (await stranger.get(path)).status_code == 200


async def test_every_operation_that_is_not_open_wants_a_token(shared_shop: Shop) -> None:
    document = found(await shared_shop.get("/openapi.json"))
    asked = 0
    async with another(shared_shop) as stranger:
        for path, methods in document["paths"].items():
            if path in OPEN or path in OPEN_OPERATIONS:
                continue
            for method in methods:
                place = re.sub(r"\{\w+\}", "1", path)
                answer = await stranger.client.request(method.upper(), place)
                problem(answer, 401, "not_authenticated")
                asked += 1
    assert asked > 25


async def test_what_is_open_is_open_to_everybody(shared_shop: Shop) -> None:
    async with another(shared_shop) as stranger:
        for path in OPEN_OPERATIONS:
            method = "GET" if path.startswith("/.well-known") else "POST"
            answer = await stranger.client.request(method, path)
            assert answer.status_code in {200, 422}, path
