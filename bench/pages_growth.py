"""Do pages stay fast as orders pile up? What people look at in the console, in a young shop and in an old one."""

import re
import statistics
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from typing import Final
from urllib.parse import unquote, urlencode

from leafcraft import times
from tests.harness.processes import HarnessError
from tests.harness.service import ADMIN_EMAIL, Service

ROUNDS: Final = 7
PAGE_SECONDS_MAX: Final = 30.0
LATELY_DAYS: Final = 30

_OWN: Final = re.compile(r"(?<=[/=-])\d[\d-]*")
"""What is of one shop only, in the path of a page."""


class Visitor:
    """Somebody with a browser, at a shop of so many orders."""

    def __init__(self, shop: Service, orders: int) -> None:
        self.orders = orders
        self._connection = HTTPConnection("127.0.0.1", shop.port, timeout=PAGE_SECONDS_MAX)
        form = urlencode({"email": ADMIN_EMAIL, "password": shop.admin_password})
        let_in = self._send("POST", "/console/sign-in", form, {})
        cookie = let_in.headers["set-cookie"].partition(";")[0]
        self._headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}

    def look(self, path: str) -> float:
        """Milliseconds until the whole page was there."""
        began = time.perf_counter()
        self._send("GET", path, None, self._headers)
        return (time.perf_counter() - began) * 1000

    def pages(self) -> Iterator[str]:
        """Their paths; of orders by far the most."""
        middle = self.orders // 2
        lately = times.write_day(times.now() - LATELY_DAYS * times.MICROS_PER_DAY)
        yield from ("/console", "/console/products", "/console/stock", "/console/activity")
        yield from ("/console/products/1000", f"/console/orders/{middle}", "/console/orders")
        for status in ("Pending", "Confirmed", "Fulfilled", "Cancelled", "Expired"):
            yield f"/console/orders?status={status}"
        for filters in (f"q=ref-{middle}", "q=shop3.example", "q=nobody", "sort=oldest"):
            yield f"/console/orders?{filters}"
        yield "/console/orders?sku=1000999"
        yield f"/console/orders?email=big%40shop5.example&from={lately}"

    def _send(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> HTTPResponse:
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != (HTTPStatus.SEE_OTHER if method == "POST" else HTTPStatus.OK):
            raise HarnessError(f"{method} {path} was answered {answer.status}: {told[:300]!r}")
        return answer


def compare(young: Visitor, old: Visitor) -> dict[str, float]:
    """The median time of each page in each shop, in milliseconds; they take turns."""
    found: dict[str, float] = {}
    for mine, yours in zip(young.pages(), old.pages(), strict=True):
        taken: dict[str, list[float]] = {"young": [], "old": []}
        for _ in range(ROUNDS):
            taken["young"].append(young.look(mine))
            taken["old"].append(old.look(yours))
        for age, milliseconds in taken.items():
            found[f"{age}.page {_OWN.sub('…', unquote(mine))}"] = statistics.median(milliseconds)
    return found
