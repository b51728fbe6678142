"""Nothing is open by oversight: an application with a route that declares no permission does not start."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from httpx2 import Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from leafcraft.accounts.rules import Permission
from leafcraft.app import compose, create_app
from leafcraft.errors import StartError
from leafcraft.idempotency import Answer
from leafcraft.web.call import Anyone, Call, Caller
from leafcraft.web.front import Front
from leafcraft.web.operations import OPEN, Operations, Promise
from tests.builders import Shop, another, client_of, problem
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

BACK_DOOR = "/back-door"


async def secret() -> dict[str, str]:
    return {"vault": "open"}


async def plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("open")


async def operation(call: Anyone) -> Answer:
    del call
    return Answer(200, b"{}")


def declares(permission: Any, name: str = "get_vault") -> Promise:
    return Promise(name, permission, answers=None)


def _router() -> APIRouter:
    router = APIRouter(prefix=BACK_DOOR)
    router.get("/")(secret)
    return router


LATE: dict[str, Callable[[FastAPI], object]] = {
    "a route of the application's own": lambda app: app.get(BACK_DOOR)(secret),
    "a route for any method": lambda app: app.api_route(BACK_DOOR, methods=["POST"])(secret),
    "a router that nobody has declared": lambda app: app.include_router(_router()),
    "a router below the path of a slice": lambda app: app.include_router(
        _router(), prefix="/products"
    ),
    "a route on a path that has operations": lambda app: app.put("/products/")(secret),
    "a route that is no API's": lambda app: app.add_route(BACK_DOOR, plain),
    "a route of the router beneath": lambda app: app.router.add_route(BACK_DOOR, plain),
    "a mounted application": lambda app: app.mount(BACK_DOOR, Starlette()),
    "an application for one host": lambda app: app.router.host("back.test", Starlette()),
    "a web socket": lambda app: app.websocket(BACK_DOOR)(secret),
}


@pytest.mark.parametrize("way", LATE)
async def test_a_route_that_is_no_operation_is_refused(
    make_settings: MakeSettings, way: str
) -> None:
    app = create_app(make_settings())
    assert isinstance(app, Front)
    app.check(Permission)
    LATE[way](app)
    with pytest.raises(StartError, match="declares no permission"):
        app.check(Permission)


def front(make_settings: MakeSettings, *slices: Operations) -> Front:
    async def authenticate(_: Call) -> Caller:
        return Caller("user:1", frozenset(Permission))

    return Front(compose(make_settings()).runtime, authenticate, slices)


@pytest.mark.parametrize("permission", ["", None, "made:up", "Open", "ADMIN", "products:*", 0])
async def test_an_operation_says_a_permission_that_there_is(
    make_settings: MakeSettings, permission: Any
) -> None:
    vault = Operations(BACK_DOOR, "Vault")
    vault.get("/", declares(permission))(operation)
    with pytest.raises(StartError, match="declares no permission"):
        front(make_settings, vault).check(Permission)


@pytest.mark.parametrize("permission", ["", None, "made:up"])
@pytest.mark.parametrize("first", ["GET", "POST"])
async def test_each_method_of_a_path_says_a_permission(
    make_settings: MakeSettings, permission: Any, first: str
) -> None:
    vault = Operations(BACK_DOOR, "Vault")
    permissions = (permission, Permission.ADMIN)[:: 1 if first == "GET" else -1]
    vault.get("/", declares(permissions[0]))(operation)
    vault.post("/", declares(permissions[1], "open_vault"))(operation)
    with pytest.raises(StartError, match="declares no permission"):
        front(make_settings, vault).check(Permission)


@pytest.mark.parametrize("path", ["/", "/{vault_id}", "/other"])
async def test_a_route_that_a_slice_adds_to_its_router_alone_is_refused(
    make_settings: MakeSettings, path: str
) -> None:
    vault = Operations(BACK_DOOR, "Vault")
    vault.get("/", declares(Permission.ADMIN))(operation)
    vault.router.post(path)(secret)
    with pytest.raises(StartError, match="declares no permission"):
        front(make_settings, vault).check(Permission)


async def test_two_operations_do_not_share_a_method_and_a_path(
    make_settings: MakeSettings,
) -> None:
    vault = Operations(BACK_DOOR, "Vault")
    vault.get("/{vault_id}", declares(Permission.ADMIN))(operation)
    vault.get("/{safe_id}/", declares(OPEN, "get_safe"))(operation)
    with pytest.raises(StartError):
        front(make_settings, vault).check(Permission)


@pytest.mark.parametrize("permission", [OPEN, *Permission])
async def test_what_says_a_permission_or_open_may_be_served(
    make_settings: MakeSettings, permission: str
) -> None:
    vault = Operations(BACK_DOOR, "Vault")
    vault.get("/", declares(permission))(operation)
    front(make_settings, vault).check(Permission)


async def test_an_operation_without_a_known_permission_answers_nobody(
    make_settings: MakeSettings,
) -> None:
    """Even where nobody has called `check`."""
    for permission in ("", None, "made:up"):
        vault = Operations(BACK_DOOR, "Vault")
        vault.get("/", declares(permission))(operation)
        async with client_of(front(make_settings, vault)) as client:
            problem(await client.get(BACK_DOOR), 403, "forbidden")


async def test_what_is_nowhere_declared_is_nowhere(shop: Shop) -> None:
    places = (BACK_DOOR, "/", "/admin", "/redoc", "/debug", "/.env", "/docs/oauth2-redirect")
    async with another(shop) as stranger:
        for client in (shop, stranger):
            answers: list[Response] = [await client.get(place) for place in places]
            for answer in answers:
                problem(answer, 404, "not_found")
