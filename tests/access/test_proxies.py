"""Whose address counts: the client's, as a trusted proxy tells it, and nobody else's word."""

import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.builders import ADMIN_EMAIL
from tests.harness.service import Service

FREE = 5


@pytest.fixture(scope="module", params=["127.0.0.1", "192.0.2.200"], ids=["trusted", "not trusted"])
def proxied(request: pytest.FixtureRequest) -> Iterator[tuple[Service, bool]]:
    """A service with its limits on, and whether it believes what stands before it."""
    settings = {
        "LEAFCRAFT_RATE_LIMIT": "on",
        "LEAFCRAFT_TRUSTED_PROXIES": request.param,
    }
    with Service(settings=settings) as service:
        yield service, request.param == "127.0.0.1"


def sign_in(service: Service, password: str, *, by_way_of: str) -> httpx2.Response:
    return httpx2.post(
        f"{service.url}/auth/login",
        data={"username": ADMIN_EMAIL, "password": password},
        headers={"x-forwarded-for": by_way_of},
        timeout=60,
    )


def test_failures_count_for_the_address_that_a_trusted_proxy_names_and_no_other(
    proxied: tuple[Service, bool],
) -> None:
    service, trusted = proxied
    for number in range(FREE):
        answer = sign_in(service, f"wrong {number}", by_way_of=f"198.51.100.{number}, 192.0.2.1")
        assert answer.status_code == 401
    answer = sign_in(service, service.admin_password, by_way_of="192.0.2.2")
    assert answer.status_code == (200 if trusted else 429)
    if not trusted:
        time.sleep(int(answer.headers["retry-after"]))
        answer = sign_in(service, service.admin_password, by_way_of="192.0.2.3")
    headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
    events = httpx2.get(
        f"{service.url}/events/?type=user.sign_in_failed", headers=headers, timeout=60
    ).json()
    assert {event["address"] for event in events} == {"192.0.2.1" if trusted else "127.0.0.1"}


def test_an_address_of_any_length_is_cut_to_what_is_kept(proxied: tuple[Service, bool]) -> None:
    service, _ = proxied
    for address in ("x" * 5000, "::ffff:192.0.2.1", "a\tb", ",,,"):
        assert sign_in(service, "wrong password", by_way_of=address).status_code in {401, 429}
