"""A furnished shop that is served by real processes, for browsers to visit and for tests to stock."""

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import httpx2
from playwright.sync_api import Page

from tests.builders import PASSWORD, SECRET, Json, found, signed_in, wanted
from tests.harness.furnishing import furnish
from tests.harness.service import HTTP_SECONDS_MAX, Service

SETTINGS: Final = {"LEAFCRAFT_SECRET_KEY": SECRET, "LEAFCRAFT_TOKEN_MINUTES": "1440"}


class Premises:
    """The service, and the few words with which a test makes what it will look at.

    Others look at the same shop: a test changes only what it has made.
    """

    def __init__(self, database_url: str, scratch: Path, *, workers: int = 1) -> None:
        self.service = Service(database_url, workers=workers, settings=SETTINGS)
        self.service.admin_password = PASSWORD
        self._database_url = database_url
        self._scratch = scratch
        self._numbers = itertools.count(1)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ThreadPoolExecutor(1) as thread:  # a browser's loop may be running in this one
            thread.submit(asyncio.run, furnish(self._database_url, self._scratch)).result()
        with self._stack as stack:
            stack.enter_context(self.service)
            headers = signed_in(self.service.token())
            client = httpx2.Client(base_url=self.url, headers=headers, timeout=HTTP_SECONDS_MAX)
            self._client = stack.enter_context(client)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return self.service.url

    def get(self, path: str, **query: Any) -> Any:
        """The document that an admin gets there."""
        answer = self._client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, status: int = 200) -> Json:
        return found(self._client.post(path, json=body), status)

    def patch(self, path: str, body: Any = None) -> Json:
        return found(self._client.patch(path, json=body))

    def product(self, *, stock: int = 10, price: float = 2.5, **members: Any) -> Json:
        """A new product with a name of its own."""
        name = f"Tea of test {next(self._numbers)}"
        body = {"name": name, "stock_quantity": stock, "price": price, **members}
        return self.post("/products/", body, status=201)

    def order(self, *lines: tuple[Json, int], **members: Any) -> Json:
        """A new Pending order of (product, quantity) lines; without any, of two of a new product."""
        items = wanted(*(lines or [(self.product(), 2)]))
        return self.post("/orders/", {**items, **members}, status=201)

    def confirmed(self, *lines: tuple[Json, int], **members: Any) -> Json:
        order: Json = self.patch(f"/orders/{self.order(*lines, **members)['id']}/confirm")["order"]
        return order

    def some(self, status: str) -> Json:
        """An order of the past week in this state, to be looked at and left alone."""
        orders: list[Json] = self.get("/orders/", status=status, limit=1)
        return orders[0]


def sign_in(page: Page, email: str) -> None:
    """Through the form, as people do, with PASSWORD; leads to where the console leads them."""
    answer = page.goto("/console/sign-in")
    assert answer, "no answer"
    assert answer.ok, f"the form for signing in: {answer.status}"
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
