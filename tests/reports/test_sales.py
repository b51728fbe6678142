"""What was sold, by day and by product: the same as the orders themselves say."""

from decimal import Decimal

import pytest

from leafcraft.money import AMOUNT_MINOR_MAX
from tests.builders import Clock, Json, Shop, found, open_shop, problem, wanted
from tests.conftest import MakeSettings
from tests.orders.holding import assert_sound, later, unswept
from tests.reports.ledgers import (
    Trade,
    all_orders,
    by_day,
    by_product,
    empty,
    exactly,
    report,
)

pytestmark = pytest.mark.anyio

NEW_YEAR = "2026-01-01"


def sums(row: Json) -> Json:
    """A row without what it is about."""
    about = {"date", "currency", "product_id", "sku", "name"}
    return {name: value for name, value in row.items() if name not in about}


@pytest.mark.parametrize("seed", range(3))
async def test_reports_say_what_the_orders_say(still: Shop, clock: Clock, seed: int) -> None:
    trade = Trade(still, clock, seed)
    sold: Json = {}
    for _ in range(3):
        await trade.go_on(60)
        orders = await all_orders(still)
        days = await report(still, "sales", **{"from": NEW_YEAR, "to": "2026-01-31"})
        assert [row["date"] for row in days] == [f"2026-01-{day:02}" for day in range(1, 32)]
        sold = {row["date"]: sums(row) for row in days if row["units"]}
        assert sold == by_day(orders)
        some = sorted(sold)[: len(sold) // 2 + 1]
        products = await report(still, "sales", by="product", **{"from": some[0], "to": some[-1]})
        assert {row["product_id"]: sums(row) for row in products} == by_product(
            orders, some[0], some[-1]
        )
        order = [(-row["amount"], row["product_id"]) for row in products]
        assert order == sorted(order)
    assert any(row["returned_units"] for row in sold.values())
    assert len(sold) > 2
    await assert_sound(still, clock)


async def test_a_shop_that_has_sold_nothing_has_thirty_days_of_nothing(
    still: Shop,
) -> None:
    days = await report(still, "sales")
    assert [row["date"] for row in days] == [
        *(f"2025-12-{day:02}" for day in range(3, 32)),
        NEW_YEAR,
    ]
    assert all(sums(row) == empty(orders=0) for row in days)
    assert await report(still, "sales", by="product") == []


async def test_a_day_begins_and_ends_at_midnight_in_utc(still: Shop, clock: Clock) -> None:
    tea = await still.product(price=1)
    first, second = await still.order((tea, 1)), await still.order((tea, 2))
    clock.advance(hours=12, seconds=-0.000001)
    assert (await still.confirm(first))["confirmed_at"] == "2026-01-01T23:59:59.999999Z"
    clock.advance(seconds=0.000001)
    assert (await still.confirm(second))["confirmed_at"] == "2026-01-02T00:00:00Z"
    both = {"from": NEW_YEAR, "to": "2026-01-02"}
    assert [row["units"] for row in await report(still, "sales", **both)] == [1, 2]
    for day, units in ((NEW_YEAR, 1), ("2026-01-02", 2), ("2026-01-03", None)):
        one = {"from": day, "to": day}
        assert [row["units"] for row in await report(still, "sales", **one)] == [units or 0]
        shown = await report(still, "sales", by="product", **one)
        assert [row["units"] for row in shown] == ([units] if units else [])


async def test_what_was_sold_counts_for_the_day_it_was_confirmed_on(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(price=2.5)
    order = await still.confirm(await still.order((tea, 4)))
    await later(still, clock, hours=24)
    one = {"items": [{"product_id": tea["id"], "quantity": 1}]}
    found(await still.post(f"/orders/{order['id']}/cancellations", one))
    found(await still.post(f"/orders/{order['id']}/fulfillments", {}), 201)
    back = {**one, "disposition": "write_off"}
    found(await still.post(f"/orders/{order['id']}/returns", back), 201)
    told = {"orders": 1, "units": 3, "amount": 7.5, "returned_units": 1, "returned_amount": 2.5}
    row, today = (await report(still, "sales"))[-2:]
    assert sums(row) == {**told, "net_amount": 5}
    assert sums(today) == empty(orders=0)


async def test_today_is_another_day_tomorrow_although_nothing_was_written(
    still: Shop, clock: Clock
) -> None:
    assert (await report(still, "sales"))[-1]["date"] == NEW_YEAR
    clock.advance(hours=11.9)
    assert (await report(still, "sales"))[-1]["date"] == NEW_YEAR
    clock.advance(hours=0.1)
    assert (await report(still, "sales"))[-1]["date"] == "2026-01-02"
    assert (await report(still, "sales", **{"from": NEW_YEAR}))[-1]["date"] == "2026-01-02"


async def test_the_products_that_sold_for_most_come_first(still: Shop) -> None:
    teas = [await still.product(price=price) for price in (1, 3, 2, 3)]
    await still.confirm(await still.order(*((tea, 2) for tea in teas)))
    shown = await report(still, "sales", by="product")
    assert [row["product_id"] for row in shown] == [2, 4, 3, 1]
    assert [row["sku"] for row in shown] == [teas[n]["sku"] for n in (1, 3, 2, 0)]
    assert await report(still, "sales", by="product", limit=3) == shown[:3]


async def test_sums_are_exact_beyond_what_64_bits_hold(still: Shop, clock: Clock) -> None:
    """Both products come to 2^63 cents and more, and differ by a few."""
    dear = [await still.product(stock=10**6, price=0) for _ in range(2)]
    most = AMOUNT_MINOR_MAX
    rows = [(tea["id"], n, most - (tea is dear[0])) for tea in dear for n in range(9300)]
    await sell_by_hand(still, clock, rows)
    shown = await report(still, "sales", by="product")
    assert [row["product_id"] for row in shown] == [dear[1]["id"], dear[0]["id"]]
    assert [row["amount"] * 100 for row in shown] == [9300 * most, 9300 * (most - 1)]
    assert 9300 * most > 2**63
    ((day, sold),) = [(row["date"], row["amount"]) for row in (await report(still, "sales"))[-1:]]
    assert (day, sold * 100) == (NEW_YEAR, 9300 * (2 * most - 1))


async def test_many_small_sales_may_come_to_more_than_a_few_large_ones(
    still: Shop, clock: Clock
) -> None:
    teas = [await still.product(price=0) for _ in range(3)]
    sales = [(teas[0], 5, 10**9 + 1), (teas[1], 10, 10**9 - 1), (teas[2], 1, 2 * 10**10)]
    rows = [(tea["id"], n, price) for tea, number, price in sales for n in range(number)]
    await sell_by_hand(still, clock, rows)
    shown = await report(still, "sales", by="product")
    assert [row["product_id"] for row in shown] == [teas[n]["id"] for n in (2, 1, 0)]


async def sell_by_hand(shop: Shop, clock: Clock, rows: list[tuple[int, int, int]]) -> None:
    """Orders of one unit each, at any price, with each day's sum in the rows of three processes."""
    runtime = shop.app.runtime  # type: ignore[attr-defined]
    link = await runtime.database.link()

    async def sell() -> None:
        await link.begin()
        for start in range(0, len(rows), 100):
            some = rows[start : start + 100]
            orders = [("Confirmed", 0, "USD", 1, clock.at, clock.at, clock.at) for _ in some]
            columns = "status, total_minor, currency, version, created_at, updated_at, confirmed_at"
            numbers = await link.insert("orders", columns, orders)
            lines = [
                (n, 1, product, 1, price)
                for n, (product, _, price) in zip(numbers, some, strict=True)
            ]
            await link.insert(
                "order_lines", "order_id, line_no, product_id, quantity, unit_price_minor", lines
            )
        day = clock.at - clock.at % (24 * 3600 * 10**6)
        columns = (
            "day, currency, writer, orders, units, amount_minor, returned_units, returned_minor"
        )
        parts = [sum(price for *_, price in rows[part::3]) for part in range(3)]
        sales = [(day, "USD", n + 1, 1, 1, amount, 0, 0) for n, amount in enumerate(parts)]
        await link.insert("sales_days", columns, sales)
        await link.commit()

    try:
        await link.run(sell)
    finally:
        await link.close()


async def test_sales_in_another_currency_are_told_apart(
    make_settings: MakeSettings, clock: Clock
) -> None:
    async with unswept(make_settings(token_minutes=1440), clock) as shop:
        tea = await shop.product(price=2.5)
        await shop.confirm(await shop.order((tea, 2)))
    clock.advance(hours=24)
    async with unswept(make_settings(token_minutes=1440, currency="JPY"), clock) as shop:
        tea = await shop.product(price=900)
        await shop.confirm(await shop.order((tea, 1)))
        days = {"from": NEW_YEAR, "to": "2026-01-02"}
        shown = await report(shop, "sales", **days)
        assert [(row["date"][-2:], row["currency"], row["amount"]) for row in shown] == [
            ("01", "JPY", 0),
            ("01", "USD", 5),
            ("02", "JPY", 900),
        ]
        shown = await report(shop, "sales", by="product", **days)
        assert [(row["currency"], row["amount"]) for row in shown] == [("JPY", 900), ("USD", 5)]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("by=week", "by"),
        ("by=", "by"),
        ("from=yesterday", "from"),
        ("from=2026-02-30", "from"),
        ("from=2026-1-1", "from"),
        ("from=1767225600", "from"),
        ("from=2026-01-01T00:00:00Z", "from"),
        ("from=0000-01-01", "from"),
        ("from=1969-12-31&to=1970-01-01", "from"),
        ("from=٢٠٢٦-01-01", "from"),
        ("to=10000-01-01", "to"),
        ("from=2026-01-02&to=2026-01-01", "from"),
        ("from=9999-12-31", "from"),
        ("from=1970-01-01&to=9999-12-31", "from"),
        ("from=2016-01-01&to=2026-01-08", "from"),
        ("by=product&limit=0", "limit"),
        ("by=product&limit=501", "limit"),
        ("limit=5", "limit"),
        ("since=2026-01-01", "since"),
        ("until=2026-01-01", "until"),
        ("day=2026-01-01", "day"),
    ],
)
async def test_a_report_that_makes_no_sense_is_refused(
    shared_shop: Shop, query: str, parameter: str
) -> None:
    answer = await shared_shop.get(f"/reports/sales?{query}")
    told = problem(answer, 422, "validation_error")
    assert [error["parameter"] for error in told["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("from=9999-12-31&to=9999-12-31", 1),
        ("from=1970-01-01&to=1970-01-01", 1),
        ("to=1970-01-05", 5),
        ("from=2016-01-02&to=2026-01-08", 3660),
    ],
)
async def test_a_report_may_be_about_any_days(shared_shop: Shop, query: str, days: int) -> None:
    answer = await shared_shop.get(f"/reports/sales?{query}")
    assert answer.status_code == 200, answer.text
    assert len(exactly(answer.text)) == days
    answer = await shared_shop.get(f"/reports/sales?by=product&{query}")
    assert (answer.status_code, answer.json()) == (200, [])


async def test_every_write_is_seen_by_the_next_report(still: Shop) -> None:
    """What is asked twice is answered from memory, and never the same after a write."""
    tea = await still.product(price=1)
    order = await still.order((tea, 3))
    path, one = f"/orders/{order['id']}", {"items": [{"product_id": tea["id"], "quantity": 1}]}
    writes = [
        ("patch", f"{path}/confirm", None),
        ("post", f"{path}/cancellations", one),
        ("post", f"{path}/fulfillments", {}),
        ("post", f"{path}/returns", {**one, "disposition": "restock"}),
        ("patch", "/products/1", {"name": "Another"}),
    ]
    by_products = "/reports/sales?by=product"
    for verb, place, body in writes:
        before = [await still.get(at) for at in ("/reports/sales", by_products, by_products)]
        assert before[1].headers["etag"] == before[2].headers["etag"]
        answer = await getattr(still, verb)(place, body)
        assert answer.status_code in {200, 201}, answer.text
        after = await still.get(by_products)
        unsold = "fulfillments" in place
        assert (after.content == before[1].content) is unsold, place
        unsold = unsold or "products" in place
        assert ((await still.get("/reports/sales")).content == before[0].content) is unsold
    kept = {"if-none-match": (await still.get(by_products)).headers["etag"]}
    assert (await still.get(by_products, headers=kept)).status_code == 304


async def test_an_order_that_was_only_placed_was_not_sold(still: Shop, clock: Clock) -> None:
    tea = await still.product(price=1)
    await still.order((tea, 1))
    await still.cancel(await still.order((tea, 1)))
    held = found(await still.post("/orders/", {**wanted((tea, 1)), "hold_minutes": 5}), 201)
    clock.advance(hours=1)
    assert (await still.reload(held))["status"] == "Expired"
    await still.cancel(await still.confirm(await still.order((tea, 1))))
    assert all(sums(row) == empty(orders=0) for row in await report(still, "sales"))
    assert await report(still, "sales", by="product") == []
    assert Decimal(0) == empty()["amount"]


async def test_two_processes_count_into_one_report(
    make_settings: MakeSettings, clock: Clock
) -> None:
    settings = make_settings(token_minutes=1440)
    async with open_shop(settings, clock) as one, open_shop(settings, clock) as other:
        tea = await one.product(price=1)
        for units, shop in enumerate((one, other, other), 1):
            await shop.confirm(await shop.order((tea, 1)))
            for seen_by in (one, other):
                assert (await report(seen_by, "sales"))[-1]["units"] == units
