"""The live feed of a service as its users run it: no open page keeps it from stopping."""

import http.client
import json
import re
import time
import urllib.parse

import pytest

from tests.harness.service import ADMIN_EMAIL, HTTP_SECONDS_MAX, Service

PAGES = 6
STOP_SECONDS_MAX = 25.0
"""Less than the half minute that requests under way are given, and enough on a busy machine."""


def cookie(service: Service) -> str:
    """What the console's sign-in hands to a browser."""
    address = "/console/sign-in"
    _, headers, page = asked(service, "GET", address)
    hidden = dict(re.findall(rb'type="hidden" name="(\w+)" value="([^"]*)"', page))
    form = {name.decode(): value.decode() for name, value in hidden.items()}
    form |= {"email": ADMIN_EMAIL, "password": service.admin_password}
    sent = {"cookie": kept(headers), "content-type": "application/x-www-form-urlencoded"}
    status, headers, _ = asked(service, "POST", address, urllib.parse.urlencode(form), sent)
    assert status == 303
    return kept(headers)


def kept(headers: http.client.HTTPMessage) -> str:
    return "; ".join(one.partition(";")[0] for one in headers.get_all("set-cookie", []))


def asked(
    service: Service,
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=HTTP_SECONDS_MAX)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class OpenPage:
    """A browser's tab that listens."""

    def __init__(self, service: Service, cookies: str) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", service.port, timeout=HTTP_SECONDS_MAX
        )
        self._connection.request("GET", "/console/live", headers={"cookie": cookies})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200
        assert self._answer.headers["content-type"] == "text/event-stream"
        assert self.heard() == {"all": True}

    def heard(self) -> dict[str, object]:
        """The next message."""
        for line in iter(self._answer.readline, b""):
            if line.startswith(b"data: "):
                message: dict[str, object] = json.loads(line.removeprefix(b"data: "))
                return message
        raise AssertionError("the stream has ended")

    def rest(self) -> bytes:
        return self._answer.read()

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_with_open_pages_tells_them_all_and_stops_at_once(service: Service) -> None:
    cookies = cookie(service)
    pages = [OpenPage(service, cookies) for _ in range(PAGES)]
    signed = {"authorization": f"Bearer {service.token()}", "content-type": "application/json"}
    body = json.dumps({"name": "Tea", "price": 1, "stock_quantity": 1})
    assert asked(service, "POST", "/products/", body, signed)[0] == 201
    for page in pages:
        while "product" not in (heard := page.heard()):
            assert not heard.get("all")
    began = time.monotonic()
    service.terminate()
    assert time.monotonic() - began < STOP_SECONDS_MAX
    for page in pages:
        assert b"event:" not in page.rest()
        page.close()
