"""Money on the wire: read and written as it stands in the text, never through a float."""

import itertools
import re
from collections.abc import AsyncIterator

import pytest
from httpx2 import Response

from tests.builders import Shop, found, open_shop, problem, wanted
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
LARGEST = "9999999999999.99"
NUMBERS = itertools.count(1)


async def priced(shop: Shop, price: str) -> Response:
    """A product at a price that is sent as this very text."""
    content = f'{{"name": "Tea {next(NUMBERS)}", "price": {price}, "stock_quantity": 9}}'
    return await shop.client.post("/products/", content=content, headers=JSON)


def amount(answer: Response, member: str) -> str:
    """The number as it stands in the answer's text."""
    match = re.search(rf'"{member}":([^,}}]+)', answer.text)
    assert match, answer.text
    return match[1]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("499.9", "499.9"),
        ("499.90", "499.9"),
        ("499.90000000000000000000", "499.9"),
        ("499.9" + "0" * 60, "499.9"),
        ("10", "10.0"),
        ("10.0", "10.0"),
        ("1e2", "100.0"),
        ("1.5E1", "15.0"),
        ("0", "0.0"),
        ("-0", "0.0"),
        ("-0.00", "0.0"),
        ("0.01", "0.01"),
        ("1e-2", "0.01"),
        ("1999.99", "1999.99"),
        ("0.1", "0.1"),
        (LARGEST, LARGEST),
    ],
)
async def test_a_price_is_shown_as_exactly_what_was_sent(
    shared_shop: Shop, sent: str, shown: str
) -> None:
    created = await priced(shared_shop, sent)
    found(created, 201)
    assert amount(created, "price") == shown
    assert amount(await shared_shop.get(created.headers["location"]), "price") == shown


@pytest.mark.parametrize(
    "price",
    [
        "499.90000000000000001",
        "499.900000000000000000000000000000000000001",
        "1e-3",
        "0.001",
        "0.005",
        "1e-400",
        "-0.01",
        "-1",
        "-1e400",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e30",
        "1e400",
        "1e999999999999",
        "1e-999999999999",
        "9" * 5000,
        "10000000000000",
        "9999999999999.999",
        '"25.99"',
        '""',
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[1]",
        "0x10",
        "1_000",
        "01",
        "+1",
        ".5",
        "1.",
    ],
)
async def test_what_is_no_exact_amount_is_refused(shared_shop: Shop, price: str) -> None:
    before = await shared_shop.everything()
    problem(await priced(shared_shop, price), 422, "validation_error")
    assert await shared_shop.everything() == before


@pytest.mark.parametrize(
    ("prices", "total"),
    [
        (["0.1", "0.2"], "0.3"),
        (["408.18", "499.9", "499.9"], "1407.98"),
        (["0.01"] * 3, "0.03"),
        (["1.1", "2.2"], "3.3"),
        (["19.99"] * 3, "59.97"),
        (["4.35", "0.15"], "4.5"),
        (["1", "2"], "3.0"),
        (["0"], "0.0"),
    ],
)
async def test_a_total_is_the_exact_sum(shared_shop: Shop, prices: list[str], total: str) -> None:
    products = [found(await priced(shared_shop, price), 201) for price in prices]
    created = await shared_shop.post("/orders/", wanted(*((product, 1) for product in products)))
    found(created, 201)
    assert amount(created, "total_amount") == total
    for path in (created.headers["location"], "/orders/?sort=-id&limit=1"):
        assert amount(await shared_shop.get(path), "total_amount") == total


async def test_quantities_multiply_exactly(shop: Shop) -> None:
    tea = found(await priced(shop, "0.07"), 201)
    created = await shop.post("/orders/", wanted((tea, 999_999_999)))
    assert amount(created, "total_amount") == "69999999.93"


async def test_the_largest_total_is_placed_and_a_cent_more_is_refused(shop: Shop) -> None:
    most = found(await priced(shop, LARGEST), 201)
    cent = found(await priced(shop, "0.01"), 201)
    created = await shop.post("/orders/", wanted((most, 1)))
    found(created, 201)
    assert amount(created, "total_amount") == LARGEST
    for lines in ([(most, 1), (cent, 1)], [(most, 2)], [(most, 1_000_000_000)] * 500):
        body = problem(await shop.post("/orders/", wanted(*lines)), 422, "validation_error")
        assert body["errors"]
    assert len((await shop.get("/orders/")).json()) == 1


@pytest.fixture
async def currency_shop(
    make_settings: MakeSettings, request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    async with open_shop(make_settings(currency=request.param)) as shop:
        yield shop


@pytest.mark.parametrize(
    ("currency_shop", "sent", "shown", "refused"),
    [
        ("JPY", "1000", "1000", "1000.5"),
        ("JPY", "1000.0", "1000", "0.1"),
        ("BHD", "1.234", "1.234", "1.2345"),
        ("EUR", "1.23", "1.23", "1.234"),
    ],
    indirect=["currency_shop"],
)
async def test_each_currency_has_its_own_decimals(
    currency_shop: Shop, sent: str, shown: str, refused: str
) -> None:
    created = await priced(currency_shop, sent)
    tea = found(created, 201)
    assert amount(created, "price") == shown
    order = await currency_shop.post("/orders/", wanted((tea, 1)))
    assert amount(order, "total_amount") == shown
    assert order.json()["currency"] == currency_shop.settings.currency
    problem(await priced(currency_shop, refused), 422, "validation_error")
