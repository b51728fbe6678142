"""One request id: given or made, in the answer, in the problem and in the log line."""

import asyncio
import json
import logging
import re
from collections.abc import Callable

import pytest
from httpx2 import ASGITransport, AsyncClient

from tests.builders import Json, Shop, another, found, problem

pytestmark = pytest.mark.anyio

GIVEN = "checkout-7.a:b_c"

Written = Callable[[], str]


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Written:
    """Everything that was logged since the last call, in whatever way."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "leafcraft.access")

    def read() -> str:
        lines = [json.dumps(vars(record), default=str) for record in caplog.records]
        caplog.clear()
        return "\n".join([*lines, capfd.readouterr().err])

    return read


async def told(written: Written) -> list[Json]:
    """The access lines; they are written when the loop comes round."""
    await asyncio.sleep(0)
    lines = [line for line in written().splitlines() if '"leafcraft.access"' in line]
    return [json.loads(line) for line in lines]


async def test_a_given_request_id_is_in_the_answer_the_problem_and_the_log(
    shared_shop: Shop, written: Written
) -> None:
    written()
    answer = await shared_shop.get("/orders/999", headers={"X-Request-ID": GIVEN})
    assert answer.headers["x-request-id"] == GIVEN
    assert problem(answer, 404, "not_found")["request_id"] == GIVEN
    (line,) = await told(written)
    expected = {"request_id": GIVEN, "status": 404, "method": "GET", "path": "/orders/999"}
    assert expected.items() <= line.items()
    assert line["caller"] == "user:1"


@pytest.mark.parametrize(
    "bad", ["", "two words", "x" * 129, "a\tb", 'quo"te', "ünï", "{json}", "a;b", "<script>"]
)
async def test_an_id_that_is_none_is_replaced(shared_shop: Shop, bad: str) -> None:
    answer = await shared_shop.get("/products/", headers={"X-Request-ID": bad.encode()})
    assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["x-request-id"])


async def test_every_request_gets_an_id_of_its_own(shared_shop: Shop) -> None:
    ids = [(await shared_shop.get("/products/")).headers["x-request-id"] for _ in range(5)]
    assert len(set(ids)) == 5


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/nothing"])
async def test_paths_that_are_no_operations_carry_the_id_too(shared_shop: Shop, path: str) -> None:
    answer = await shared_shop.get(path, headers={"X-Request-ID": GIVEN})
    assert answer.headers.get_list("x-request-id") == [GIVEN]


async def test_the_id_reaches_a_stranger_as_well(shared_shop: Shop, written: Written) -> None:
    written()
    async with another(shared_shop) as stranger:
        answer = await stranger.get("/orders/", headers={"X-Request-ID": GIVEN})
    assert problem(answer, 401, "not_authenticated")["request_id"] == GIVEN
    (line,) = await told(written)
    assert (line["request_id"], line["status"]) == (GIVEN, 401)


async def test_neither_password_nor_token_is_ever_logged(
    shared_shop: Shop, written: Written
) -> None:
    answer = await shared_shop.sign_in(password="not the password at all")
    problem(answer, 401, "invalid_credentials")
    token = found(await shared_shop.sign_in())["access_token"]
    await shared_shop.get("/orders/")
    await asyncio.sleep(0)
    text = written()
    assert "/auth/login" in text
    assert "not the password at all" not in text
    assert token not in text
    assert shared_shop.client.headers["authorization"].split()[1] not in text


async def test_whatever_address_a_proxy_reports_breaks_nothing(shared_shop: Shop) -> None:
    transport = ASGITransport(app=shared_shop.app, client=("spoofed " * 100, 0))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        headers = {"Authorization": shared_shop.client.headers["Authorization"]}
        answer = await client.post(
            "/products/", json={"name": "Long way", "price": 1}, headers=headers
        )
    assert answer.status_code == 201, answer.text
