"""A shop in this process, reached as its clients reach it, and the few words that tests are told in."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from leafcraft import times
from leafcraft.accounts.actions import AddUser, add_user
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.rules import Role
from leafcraft.app import compose, create_app, opened
from leafcraft.cause import CLI
from leafcraft.config import Settings

ADMIN_EMAIL: Final = "admin@example.com"
PASSWORD: Final = "correct horse battery staple"
SECRET: Final = "0123456789abcdef0123456789abcdef"
ADDRESS: Final = "http://shop.test"
NOON: Final = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z: when a test chooses the time."""

Json = dict[str, Any]

_numbers = itertools.count(1)


class Clock:
    """A clock whose hands a test moves."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def advance(self, *, seconds: float = 0, hours: float = 0) -> None:
        self.at += round((seconds + hours * 3600) * times.MICROS_PER_SECOND)


class Shop:
    """What a client can do, in one word each; whatever the service should not refuse is asserted."""

    def __init__(self, app: FastAPI, client: AsyncClient, settings: Settings) -> None:
        self.app = app
        self.client = client
        self.settings = settings

    async def get(self, path: str, **options: Any) -> Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> Response:
        return await self.client.post(path, json=json, **options)

    async def patch(self, path: str, json: Any = None, **options: Any) -> Response:
        return await self.client.patch(path, json=json, **options)

    async def product(
        self, name: str | None = None, *, stock: int = 10, price: Any = 25.99, **members: Any
    ) -> Json:
        """A new product; without a name it gets one that no other has."""
        named = name or f"Tea {next(_numbers)}"
        body = {"name": named, "stock_quantity": stock, "price": price, **members}
        return found(await self.post("/products/", body), 201)

    async def order(self, *lines: tuple[Json, int]) -> Json:
        """A Pending order of (product, quantity) lines."""
        return found(await self.post("/orders/create_order", wanted(*lines)), 201)

    async def confirm(self, order: Json) -> Json:
        moved = found(await self.patch(f"/orders/{order['id']}/confirm"))
        shown: Json = moved["order"]
        return shown

    async def cancel(self, order: Json) -> Json:
        moved = found(await self.patch(f"/orders/{order['id']}/cancel"))
        shown: Json = moved["order"]
        return shown

    async def reload(self, thing: Json) -> Json:
        """The product or order as it is now."""
        place = "products" if "sku" in thing else "orders"
        return found(await self.get(f"/{place}/{thing['id']}"))

    async def movements(self, **filters: Any) -> list[Json]:
        answer = await self.get("/stock/movements", params=filters)
        assert answer.status_code == 200, answer.text
        rows: list[Json] = answer.json()
        return rows

    async def everything(self) -> Sequence[Any]:
        """All that can be read, to tell that nothing has changed."""
        places = ("/products/", "/orders/", "/stock/levels", "/stock/movements")
        answers = [await self.get(place, params={"limit": 500}) for place in places]
        return [answer.json() for answer in answers]

    async def sign_in(self, email: str = ADMIN_EMAIL, password: str = PASSWORD) -> Response:
        form = {"username": email, "password": password}
        return await self.client.post("/auth/login", data=form)


def wanted(*lines: tuple[Json, int]) -> Json:
    """The body of an order of (product, quantity) lines."""
    return {"items": [{"product_id": product["id"], "quantity": n} for product, n in lines]}


def found(answer: Response, status: int = 200) -> Json:
    """The body of an answer with this status."""
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


def problem(answer: Response, status: int, code: str) -> Json:
    """The problem document of a refusal with this status and code."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = found(answer, status)
    assert (body["status"], body["code"]) == (status, code), answer.text
    return body


def signed_in(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def settings_of(database_url: str, data_dir: Path, **changes: Any) -> Settings:
    """Settings of a shop whose database has its schema already."""
    chosen: dict[str, Any] = {
        "database_url": database_url,
        "data_dir": data_dir,
        "auto_migrate": False,
        "secret_key": SecretStr(SECRET),
        "token_minutes": 60,
        "admin_email": ADMIN_EMAIL,
        "admin_password": SecretStr(PASSWORD),
        "rate_limit": "off",
    }
    return Settings(**{**chosen, **changes})


@asynccontextmanager
async def open_shop(settings: Settings, clock: times.Clock = times.now) -> AsyncIterator[Shop]:
    """Starts the service with its lifespan, and signs its client in as the first admin."""
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app), client_of(app) as client:
        shop = Shop(app, client, settings)
        client.headers.update(signed_in(found(await shop.sign_in())["access_token"]))
        yield shop


@asynccontextmanager
async def another(shop: Shop, token: str | None = None) -> AsyncIterator[Shop]:
    """The same service with a client of its own; without a token it is not signed in."""
    async with client_of(shop.app) as client:
        client.headers.update(signed_in(token) if token else {})
        yield Shop(shop.app, client, shop.settings)


def client_of(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url=ADDRESS)


async def add(settings: Settings, email: str, role: Role = Role.VIEWER) -> None:
    """Adds a user as `leafcraft user add` does; the password is PASSWORD."""
    runtime = compose(settings).runtime
    async with opened(runtime):
        hashed = await Passwords().hash(PASSWORD)
        await runtime.writer.perform(add_user, AddUser(email, hashed, role, CLI))


class Done(NamedTuple):
    """What came of one run of the program."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def complaint(done: Done) -> str:
    """The one line on standard error of a run that failed, after whatever was logged."""
    assert done.returncode == 1, (done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("leafcraft: ")
    return lines[0]
