"""What the stock is worth: on hand times price, to the last digit."""

from decimal import Decimal

import pytest

from leafcraft.money import AMOUNT_MINOR_MAX
from leafcraft.stock.rules import ON_HAND_MAX
from tests.builders import Clock, Shop, found, problem, wanted
from tests.orders.holding import location, receive
from tests.reports.ledgers import Trade, exactly, report

pytestmark = pytest.mark.anyio

NOON = "2026-01-01T12:00:00Z"


async def test_an_empty_shop_is_worth_nothing(still: Shop) -> None:
    assert await report(still, "stock-value") == {
        "as_of": NOON,
        "currency": "USD",
        "units": 0,
        "amount": 0,
        "products": 0,
        "locations": [{"location": "main", "units": 0, "amount": 0}],
    }


async def test_what_lies_where_is_worth_what_it_costs_now(still: Shop) -> None:
    tea, mint = await still.product(stock=3, price=2.5), await still.product(stock=0, price=0.01)
    await still.product(stock=0, price=99)
    await location(still, "annex")
    closed = await location(still, "closed")
    found(await still.patch(f"/locations/{closed['id']}", {"active": False}))
    await receive(still, mint, 7, "annex")
    await receive(still, tea, 1, "annex")
    found(await still.patch(f"/products/{tea['id']}", {"price": 3.5}))
    assert await report(still, "stock-value") == {
        "as_of": NOON,
        "currency": "USD",
        "units": 11,
        "amount": Decimal("14.07"),
        "products": 2,
        "locations": [
            {"location": "main", "units": 3, "amount": Decimal("10.5")},
            {"location": "annex", "units": 8, "amount": Decimal("3.57")},
        ],
    }


async def test_what_is_promised_lies_there_like_the_rest(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5, price=1)
    before = await report(still, "stock-value")
    found(await still.post("/orders/", {**wanted((tea, 2)), "hold_minutes": 5}), 201)
    order = await still.confirm(await still.order((tea, 3)))
    assert await report(still, "stock-value") == before
    clock.advance(hours=1)
    assert {**await report(still, "stock-value"), "as_of": NOON} == before
    found(await still.post(f"/orders/{order['id']}/fulfillments", {}), 201)
    assert (await report(still, "stock-value"))["units"] == 2


@pytest.mark.parametrize("seed", range(2))
async def test_it_is_what_the_levels_and_the_prices_say(
    still: Shop, clock: Clock, seed: int
) -> None:
    await Trade(still, clock, seed).go_on(80)
    levels = (await still.get("/stock/levels", params={"limit": 500})).json()
    products = exactly((await still.get("/products/")).text)
    prices = {one["id"]: one["price"] for one in products}
    worth = sum(one["on_hand"] * prices[one["product_id"]] for one in levels)
    shown = await report(still, "stock-value")
    assert (shown["amount"], shown["units"]) == (worth, sum(one["on_hand"] for one in levels))
    assert shown["products"] == len({one["product_id"] for one in levels if one["on_hand"]})


async def test_it_is_exact_beyond_what_64_bits_hold(still: Shop) -> None:
    runtime = still.app.runtime  # type: ignore[attr-defined]
    stocked = [(ON_HAND_MAX, AMOUNT_MINOR_MAX), (ON_HAND_MAX - 1, AMOUNT_MINOR_MAX - 2), (3, 7)]
    stocked += [(999_999_937, 10**6 - 17)] * 10
    stocked += [(1, AMOUNT_MINOR_MAX), (ON_HAND_MAX, 1), (2, AMOUNT_MINOR_MAX)]
    products = [await still.product(stock=1) for _ in stocked]
    link = await runtime.database.link()
    for product, (on_hand, price) in zip(products, stocked, strict=True):
        for sql, value in (
            ("UPDATE stock_levels SET on_hand = %s WHERE product_id = %s", on_hand),
            ("UPDATE products SET price_minor = %s WHERE id = %s", price),
        ):
            values = (value, product["id"])
            await link.run(lambda sql=sql, values=values: link.change(sql, values))
    await link.close()
    shown = await report(still, "stock-value")
    assert shown["units"] == sum(units for units, _ in stocked)
    minor = sum(units * price for units, price in stocked)
    assert minor > 2**63
    assert shown["amount"] == Decimal(f"{minor}e-2")


async def test_every_write_is_seen_by_the_next_report(still: Shop) -> None:
    tea = await still.product(stock=1, price=1)
    for write, amount in (
        (still.post("/stock/receipts", {"product_id": tea["id"], "quantity": 2}), 3),
        (still.patch(f"/products/{tea['id']}", {"price": 2}), 6),
        (still.post("/products/", {"name": "Mint", "price": 1, "stock_quantity": 1}), 7),
        (still.post("/locations/", {"code": "annex"}), 7),
    ):
        first, again = [await still.get("/reports/stock-value") for _ in range(2)]
        assert first.headers["etag"] == again.headers["etag"]
        assert (await write).status_code in {200, 201}
        shown = await still.get("/reports/stock-value")
        assert shown.json()["amount"] == amount
        assert shown.headers["etag"] != first.headers["etag"]


async def test_it_takes_no_parameters(shared_shop: Shop) -> None:
    problem(await shared_shop.get("/reports/stock-value?by=day"), 422, "validation_error")
