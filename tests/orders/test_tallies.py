"""Counts and sums that processes keep of what they did: folded when these are gone, and never another number."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from leafcraft import times
from leafcraft.cause import SYSTEM
from leafcraft.orders import tallies
from leafcraft.orders.tallies import FOLDED_ROWS_MAX, NOBODY, Fold
from tests.builders import Clock, Json, Shop, found, open_shop
from tests.conftest import MakeSettings
from tests.orders.holding import DAY_MINUTES, assert_sound, later, unswept
from tests.writer.workshop import until

pytestmark = pytest.mark.anyio

WEEK_HOURS = 7 * 24


def runtime(shop: Shop) -> Any:
    return shop.app.runtime  # type: ignore[attr-defined]


async def rows(shop: Shop, table: str) -> Sequence[tuple[Any, ...]]:
    columns = "writer, status" if table == "order_counts" else "writer, day, units"
    link = await runtime(shop).database.link()
    try:
        return sorted(await link.run(lambda: link.fetch(f"SELECT {columns} FROM {table}")))
    finally:
        await link.close()


async def writers(shop: Shop) -> tuple[set[int], set[int]]:
    """Whose counts there are, and whose sales."""
    counts, sales = [await rows(shop, table) for table in ("order_counts", "sales_days")]
    return {row[0] for row in counts}, {row[0] for row in sales}


async def fold(shop: Shop, idle_before: int) -> int:
    folded: int = await runtime(shop).writer.perform(tallies.fold, Fold(idle_before, SYSTEM))
    return folded


async def seen(shop: Shop) -> Sequence[Any]:
    sales = await shop.get("/reports/sales", params={"from": "2026-01-01"})
    return [found(await shop.get("/orders/counts")), sales.json()]


@asynccontextmanager
async def shops(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two processes on one database."""
    settings = make_settings(token_minutes=DAY_MINUTES)
    async with unswept(settings, clock) as one, open_shop(settings, clock) as other:
        yield one, other


async def sell(shop: Shop, tea: Json) -> Json:
    return await shop.confirm(await shop.order((tea, 1)))


async def test_what_a_process_has_counted_outlives_it(
    make_settings: MakeSettings, clock: Clock
) -> None:
    settings = make_settings(token_minutes=DAY_MINUTES)
    tea: Json = {}
    for _ in range(3):
        async with unswept(settings, clock) as shop:
            tea = tea or await shop.product()
            await sell(shop, tea)
            await shop.order((tea, 1))
        clock.advance(hours=24)
    clock.advance(hours=WEEK_HOURS)
    async with unswept(settings, clock) as shop:
        await sell(shop, tea)
        before = await seen(shop)
        mine = runtime(shop).writer.id
        assert await fold(shop, clock.at - 1) == 3 * 2 + 3
        assert await writers(shop) == ({NOBODY, mine}, {NOBODY, mine})
        assert await fold(shop, clock.at - 1) == 0
        found(await shop.post("/products/", {"name": "x", "price": 1}), 201)
        assert await seen(shop) == before
        await assert_sound(shop, clock)


async def test_who_is_at_work_is_left_alone_and_so_are_the_last_days(
    make_settings: MakeSettings, clock: Clock
) -> None:
    async with shops(make_settings, clock) as (one, other):
        await sell(other, await one.product())
        mine = {runtime(other).writer.id}
        assert await fold(one, clock.at) == 0
        assert await writers(one) == (mine, mine)
        clock.advance(seconds=1)
        assert await fold(one, clock.at) == len(["Pending", "Confirmed"])
        assert await writers(one) == ({NOBODY}, mine)
        clock.advance(hours=12, seconds=-1)
        assert await fold(one, clock.at) == 0
        clock.advance(seconds=1)
        assert await fold(one, clock.at) == 1
        assert await writers(one) == ({NOBODY}, {NOBODY})
        await assert_sound(one, clock)


async def test_a_process_that_was_only_idle_goes_on_in_new_rows(
    make_settings: MakeSettings, clock: Clock
) -> None:
    async with shops(make_settings, clock) as (one, other):
        tea = await one.product()
        order = await sell(other, tea)
        clock.advance(hours=48)
        await fold(one, clock.at)
        assert await writers(one) == ({NOBODY}, {NOBODY})
        await later(other, clock, hours=0)
        await other.cancel(order)
        await sell(other, tea)
        assert await writers(one) == ({NOBODY, runtime(other).writer.id},) * 2
        counts, sales = await seen(other)
        assert (counts["Confirmed"], counts["Cancelled"]) == (1, 1)
        assert [row["units"] for row in sales] == [0, 0, 1]
        await assert_sound(one, clock)


async def test_a_fold_and_the_writers_it_folds_may_meet(
    make_settings: MakeSettings, clock: Clock
) -> None:
    """Everybody is taken for gone, over and over, while all are at work."""
    forever = clock.at + 365 * times.MICROS_PER_DAY
    async with shops(make_settings, clock) as (one, other):
        tea = await one.product(stock=100)
        rounds: list[Shop] = []

        async def trade(shop: Shop) -> None:
            for _ in range(12):
                rounds.append(shop)
                order = await sell(shop, tea)
                await shop.cancel(await sell(shop, tea))
                found(await shop.post(f"/orders/{order['id']}/fulfillments", {}), 201)

        def begun(number: int) -> bool:
            return len(rounds) > number

        async def tidy(shop: Shop) -> int:
            """With every round that begins, until the last."""
            folded = 0
            for number in range(3 * 12):
                await until(partial(begun, number))
                folded += await fold(shop, forever)
            return folded

        *_, folded, more = await asyncio.gather(
            trade(one), trade(other), trade(other), tidy(one), tidy(other)
        )
        assert folded + more > 3
        counts, sales = await seen(one)
        assert (counts["Fulfilled"], counts["Cancelled"]) == (36, 36)
        assert [row["units"] for row in sales] == [36]
        await assert_sound(one, clock)


async def test_a_fold_takes_a_bounded_number_of_rows_at_a_time(
    make_settings: MakeSettings, clock: Clock
) -> None:
    settings = make_settings(token_minutes=DAY_MINUTES)
    many = FOLDED_ROWS_MAX + 100
    async with unswept(settings, clock) as shop:
        link = await runtime(shop).database.link()
        columns = (
            "day, currency, writer, orders, units, amount_minor, returned_units, returned_minor"
        )
        sales = [
            (times.MICROS_PER_DAY * (n // 3), "USD", n + 1, 1, 1, 10**18, 0, 0) for n in range(many)
        ]
        await link.run(lambda: link.insert("sales_days", columns, sales))
        await link.close()
        assert [await fold(shop, clock.at) for _ in range(3)] == [FOLDED_ROWS_MAX, 100, 0]
        folded = await rows(shop, "sales_days")
        assert [writer for writer, *_ in folded] == [NOBODY] * (many // 3)
        first = (await shop.get("/reports/sales?from=1970-01-01&to=1970-01-01")).json()
        assert (first[0]["units"], first[0]["amount"]) == (3, 3e16)
