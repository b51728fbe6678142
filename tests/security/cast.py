"""Everybody who may ask the service something, and a request that would do something for each operation."""

import itertools
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from httpx2 import Response

from leafcraft import times
from leafcraft.accounts.rules import SCOPES, Role
from leafcraft.web.front import Front
from leafcraft.web.operations import Operation
from tests.builders import PASSWORD, Clock, Json, Shop, another, found, signed_in

NOBODY: Final = "nobody"
EXPIRED: Final = "expired"
COLUMNS: Final = (
    NOBODY,
    *(role.value for role in Role),
    *(f"key {scope.value}" for scope in SCOPES),
    EXPIRED,
)
"""Who asks: a stranger, each role, a key with each scope, and a key that had every scope once."""

FILES: Final[Mapping[str, bytes]] = {
    "import_products": b"sku,name,price\nleaf-from-a-file,Leaf,2.5\n",
    "import_stock": b"sku,on_hand\nceylon,7\n",
    "import_orders": b"reference,sku,quantity\nFROM-A-FILE,ceylon,1\n",
}
"""A valid file for each operation that takes one."""

CUSTOMER: Final[Json] = {
    "name": "Ada Lovelace",
    "company": "Analytical Engines",
    "email": "ada@example.com",
    "phone": "+44 20 7946 0000",
}
_numbers = itertools.count(1)


class Declared(NamedTuple):
    """One operation, as the application itself knows it."""

    method: str
    path: str
    operation: Operation


def declared(app: FastAPI) -> list[Declared]:
    """All operations that the application serves."""
    assert isinstance(app, Front)
    return [Declared(*row) for one in app._slices for row in one.table]


def place(path: str) -> str:
    """A path with ids in it: the second user, for the first one is an admin who asks."""
    return re.sub(r"\{\w+\}", "1", path.replace("{user_id}", "2"))


def body_of(name: str) -> Json | None:
    """A valid body for an operation, different each time; None where it takes no JSON."""
    number = next(_numbers)
    item = {"product_id": 1, "quantity": 1}
    line = {**item, "line": 1}
    parcel = {"carrier": "by hand", "tracking_number": f"number {number}"}
    order = {
        "items": [item],
        "hold_minutes": 5,
        "reference": f"SHOP-{number}",
        "customer": CUSTOMER,
        "note": "ring twice",
    }
    reorder = {"reorder_point": 4, "reorder_quantity": 12}
    bodies: Mapping[str, Json] = {
        "refresh": {"refresh_token": f"made up {number}"},
        "logout": {"refresh_token": f"made up {number}"},
        "change_password": {
            "current_password": PASSWORD,
            "new_password": f"{number} green bottles standing",
        },
        "create_user": {
            "email": f"new.{number}@example.com",
            "password": PASSWORD,
            "role": "viewer",
        },
        "edit_user": {"role": "operator", "disabled": True},
        "create_api_key": {
            "name": f"machine {number}",
            "scopes": ["orders:read"],
            "expires_at": "2999-12-31T23:59:59Z",
        },
        "create_product": {
            "name": f"Leaf {number}",
            "price": 2.5,
            "stock_quantity": 7,
            "sku": f"leaf-number-{number}",
            **reorder,
        },
        "edit_product": {
            "name": f"Leaf {number}",
            "price": 3,
            "sku": f"leaf-number-{number}",
            **reorder,
        },
        "create_order": order,
        "create_order_at_root": order,
        "create_orders": {"orders": [order]},
        "edit_order": {
            **{name: order[name] for name in ("items", "reference", "customer", "note")},
            "on_hold_reason": "address unclear",
            "payment_status": "paid",
            "payment_reference": f"receipt {number}",
        },
        "cancel_order_items": {"items": [line]},
        "add_order_note": {"text": "the doorbell\nis broken"},
        "confirm_orders": {"order_ids": [1]},
        "cancel_orders": {"order_ids": [1]},
        "fulfill_orders": {"order_ids": [1], "location": "main", "carrier": "by hand"},
        "fulfill_order": {"items": [line], "location": "main", **parcel},
        "edit_fulfillment": parcel,
        "return_order_items": {
            "items": [line],
            "disposition": "restock",
            "reason": "too much",
            "location": "main",
        },
        "hold_order": {"hold_minutes": 5},
        "create_location": {"code": f"place-{number}", "name": f"Place {number}", "priority": 3},
        "edit_location": {"name": f"Place {number}", "priority": 4, "active": True},
        "receive_stock": {**item, "location": "annex", "reason": "bought", "reference": "PO 7"},
        "adjust_stock": {
            "product_id": 1,
            "location": "annex",
            "counted": 5,
            "expected_on_hand": 5,
            "reason": "count",
            "note": "the shelf by the door",
        },
        "transfer_stock": {**item, "from_location": "main", "to_location": "annex"},
    }
    return bodies.get(name)


@asynccontextmanager
async def everybody(shop: Shop, clock: Clock) -> AsyncIterator[dict[str, Shop]]:
    """A client for each column. Beside them there are a user, a product, an order and a key that
    nobody asks with, each the one that `place` names."""
    await furnish(shop)
    async with AsyncExitStack() as stack:
        tokens = await _tokens(shop)
        clock.advance(seconds=2)
        yield {
            name: await stack.enter_async_context(another(shop, tokens.get(name)))
            for name in COLUMNS
        }


async def furnish(shop: Shop) -> None:
    product = await shop.product("Ceylon", stock=1000)
    found(await shop.post("/locations/", {"code": "annex"}), 201)
    found(
        await shop.post("/stock/receipts", {"product_id": 1, "quantity": 5, "location": "annex"}),
        201,
    )
    await shop.order((product, 1))
    found(await shop.post("/users/", body_of("create_user")), 201)
    found(await shop.post("/api-keys/", body_of("create_api_key")), 201)


async def _tokens(shop: Shop) -> dict[str, str]:
    tokens = {role.value: await _person(shop, role) for role in Role}
    tokens |= {f"key {scope.value}": await key(shop, scopes=[scope.value]) for scope in SCOPES}
    now = shop.app.runtime.clock() if isinstance(shop.app, Front) else 0
    soon = times.write(now + times.MICROS_PER_SECOND)
    every = [scope.value for scope in SCOPES]
    return {**tokens, EXPIRED: await key(shop, scopes=every, expires_at=soon)}


async def back(client: Shop, role: str) -> None:
    """Signs in again, as whoever of the cast has this role."""
    token = found(await client.sign_in(f"{role}@example.org"))["access_token"]
    client.client.headers.update(signed_in(token))


async def _person(shop: Shop, role: Role) -> str:
    email = f"{role.value}@example.org"
    body = {"email": email, "password": PASSWORD, "role": role.value}
    found(await shop.post("/users/", body), 201)
    token: str = found(await shop.sign_in(email))["access_token"]
    return token


async def key(shop: Shop, **members: Any) -> str:
    """A new API key."""
    body = {"name": "machine", **members}
    token: str = found(await shop.post("/api-keys/", body), 201)["key"]
    return token


async def everything(admin: Shop) -> list[Any]:
    """All that an admin can read, to tell that nothing has changed."""
    keys = await rows(admin, "/api-keys/")
    used = [{**one, "last_used_at": None} for one in keys]  # the clock notes that now and then
    others = [await rows(admin, place) for place in ("/users/", "/events/")]
    return [*await admin.everything(), used, *others]


async def rows(admin: Shop, place: str) -> list[Json]:
    """The first 500 rows of a list."""
    answer = await admin.get(place, params={"limit": 500})
    assert answer.status_code == 200, answer.text
    found_rows: list[Json] = answer.json()
    return found_rows


def refused_so(answer: Response) -> tuple[int, str]:
    """Status and code of a refusal; no code where there is none."""
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code, answer.json()["code"] if is_problem and answer.content else ""
