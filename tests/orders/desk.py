"""A person at the console's pages of orders, in one word each."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

from httpx2 import Response

from leafcraft.accounts.rules import Role
from tests.builders import ADMIN_EMAIL, PASSWORD, Json, Shop, another, found

FORM = re.compile(r'<form method="post" action="([^"]*)".*?</form>', re.DOTALL)
FIELD = re.compile(r'<(?:input|textarea|select|button)\b[^>]*\bname="([^"]*)"[^>]*>', re.DOTALL)
VIEWER = "viewer@example.com"


class Person:
    """Somebody who has signed in with a browser."""

    def __init__(self, shop: Shop) -> None:
        self.client = shop.client

    async def look(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(f"/console{path}")
        assert answer.status_code == status, answer.text
        return answer.text

    async def form(self, page: str, action: str) -> Json:
        """The hidden fields of a form that a page has."""
        for one in FORM.finditer(await self.look(page)):
            if unescape(one[1]) == f"/console{action}":
                return hidden(one[0])
        raise AssertionError(f"{page} has no form to {action}")

    async def send(self, page: str, action: str, **typed: Any) -> Response:
        """Fills in a form of the page and sends it."""
        return await self.post(action, {**await self.form(page, action), **typed})

    async def post(self, action: str, fields: Json) -> Response:
        return await self.client.post(f"/console{action}", data=fields)


def hidden(html: str) -> Json:
    """The hidden fields of a page's form, by name; of one that is there more than once, all."""
    fields: dict[str, Any] = {}
    for one in re.findall(r"<input type=\"hidden\"[^>]*>", html):
        name, value = (re.search(rf'\b{of}="([^"]*)"', one) for of in ("name", "value"))
        assert name
        assert value
        fields.setdefault(name[1], []).append(unescape(value[1]))
    return {name: values if name == "product" else values[0] for name, values in fields.items()}


@asynccontextmanager
async def person(shop: Shop, email: str = ADMIN_EMAIL) -> AsyncIterator[Person]:
    async with another(shop) as stranger:
        form = {"email": email, "password": PASSWORD, "next": "/console"}
        answer = await stranger.client.post("/console/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        yield Person(stranger)


@asynccontextmanager
async def viewer(shop: Shop) -> AsyncIterator[Person]:
    """Somebody who may look at everything, and change nothing."""
    body = {"email": VIEWER, "password": PASSWORD, "role": Role.VIEWER.value}
    found(await shop.post("/users/", body), 201)
    async with person(shop, VIEWER) as somebody:
        yield somebody


def said(page: str) -> str:
    """The words of a page, without its markup."""
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def refused(page: str, label: str) -> str | None:
    """Why a button can't be pressed; None for one that can, or that is not there."""
    for one in re.findall(r'<button[^>]*aria-disabled="true"[^>]*>.*?</button>', page, re.DOTALL):
        words = said(one)
        if words.startswith(label):
            return words.removeprefix(label).lstrip(" :")
    return None


def at(order: Json, verb: str = "") -> str:
    return f"/orders/{order['id']}{verb and '/'}{verb}"


async def pressed(me: Person, order: Json, verb: str, **typed: str) -> None:
    """Presses a button of the order's page; it must lead back there."""
    answer = await me.send(at(order), at(order, verb), **typed)
    assert answer.status_code == 303, said(answer.text)
    assert answer.headers["location"] == f"/console{at(order)}"
