"""The sweeper writes off the holds that have ended, once each; and orders whose hold is over in part."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from leafcraft import times, worker
from leafcraft.orders import holds
from leafcraft.times import NEVER
from leafcraft.web.call import Runtime
from tests.builders import Clock, Json, Shop, found, open_shop, problem
from tests.conftest import MakeSettings
from tests.orders.holding import (
    assert_sound,
    facts,
    held,
    hold,
    ids,
    place,
    releases,
    stock,
    sweep,
)

pytestmark = pytest.mark.anyio

END = "2026-01-01T12:10:00Z"
WAIT_SECONDS_MAX = 60


async def test_the_sweeper_writes_everything_once(still: Shop, clock: Clock) -> None:
    tea, mint = await still.product(stock=9), await still.product(stock=9)
    first, second = (
        await held(still, 10, (tea, 2), (mint, 3), (tea, 1)),
        await held(still, 20, (tea, 4)),
    )
    clock.advance(seconds=660)
    assert await sweep(still) == 1
    everything = await still.everything()
    assert await releases(still, first) == [
        (product["id"], units, "hold ended", "system", END)
        for product, units in ((tea, 2), (mint, 3), (tea, 1))
    ]
    assert await releases(still, second) == []
    assert await facts(still, first) == ["order.created", "order.expired"]
    shown = await still.reload(first)
    assert (shown["status"], shown["updated_at"]) == ("Expired", "2026-01-01T12:11:00Z")
    assert await sweep(still) == 0
    assert await still.everything() == everything
    assert await facts(still, first) == ["order.created", "order.expired"]
    await assert_sound(still, clock)


async def test_the_event_of_an_expiry_tells_who_did_it(still: Shop, clock: Clock) -> None:
    order = await held(still, 10, (await still.product(price=2.5), 2))
    clock.advance(seconds=600)
    await sweep(still)
    (event,) = (await still.get("/events/?type=order.expired")).json()
    assert (event["subject_id"], event["actor"], event["occurred_at"]) == (
        order["id"],
        "system",
        END,
    )
    assert event["data"]["total_minor"] == 500


async def test_the_sweeper_takes_a_few_at_a_time_the_longest_ended_first(
    still: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "EXPIRED_AT_ONCE_MAX", 2)
    tea = await still.product(stock=9)
    orders = [await held(still, minutes, (tea, 1)) for minutes in (5, 2, 4, 1, 3)]
    clock.advance(seconds=600)
    swept = []
    while expired := await sweep(still):
        told = [fact for order in orders for fact in (await facts(still, order))[1:]]
        swept.append((expired, len(told)))
        if len(swept) == 1:
            first = [order["id"] for order in orders if len(await facts(still, order)) > 1]
            assert first == [2, 4]
    assert swept == [(2, 2), (2, 4), (1, 5)]
    assert await stock(still, tea) == (9, 0, 9)
    await assert_sound(still, clock)


async def test_sweepers_at_once_write_everything_once(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 5))
    clock.advance(seconds=600)
    await asyncio.gather(*(sweep(still) for _ in range(3)))
    assert await facts(still, order) == ["order.created", "order.expired"]
    assert len(await releases(still, order)) == 1


async def test_the_worker_sweeps_by_itself_and_again_and_again(
    make_settings: MakeSettings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "EXPIRE_SECONDS", 0.01)
    monkeypatch.setattr(holds, "EXPIRED_AT_ONCE_MAX", 2)
    async with open_shop(make_settings(), clock) as shop:
        tea = await shop.product(stock=5)
        for round_no in (1, 2):
            orders = [await held(shop, 10, (tea, 1)) for _ in range(5)]
            await asyncio.sleep(0.05)
            assert [await facts(shop, order) for order in orders] == [["order.created"]] * 5
            clock.advance(seconds=600)
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                while await expired(shop) < 5 * round_no:  # noqa: ASYNC110 another task's work
                    await asyncio.sleep(0.01)
            told = [await facts(shop, order) for order in orders]
            assert told == [["order.created", "order.expired"]] * 5
        await assert_sound(shop, clock)
        await _rest(monkeypatch)


async def expired(shop: Shop) -> int:
    return len((await shop.get("/events/?type=order.expired")).json())


async def _rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is under way when the shop closes: the worker has come round, and does no more."""
    came_round = asyncio.Event()

    async def rest(_: Runtime) -> None:
        came_round.set()

    monkeypatch.setattr(worker, "_expire", rest)
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        await came_round.wait()


async def half_settled(shop: Shop, clock: Clock) -> tuple[Json, Json, Json]:
    """An order of two products whose hold has ended, one of which somebody has bought since."""
    tea, mint = await shop.product(stock=5), await shop.product(stock=5)
    order = await held(shop, 10, (tea, 5), (mint, 5))
    clock.advance(seconds=660)
    await shop.confirm(await shop.order((tea, 5)))
    assert await releases(shop, order) == [(tea["id"], 5, "hold ended", "system", END)]
    assert await facts(shop, order) == ["order.created"]
    return tea, mint, order


End = Callable[[Shop, Json], Awaitable[object]]


async def _confirm(shop: Shop, order: Json) -> None:
    problem(await shop.patch(f"/orders/{order['id']}/confirm"), 409, "order_expired")


async def _cancel(shop: Shop, order: Json) -> None:
    problem(await shop.patch(f"/orders/{order['id']}/cancel"), 409, "order_expired")


async def _prolong(shop: Shop, order: Json) -> None:
    problem(await hold(shop, order, 10), 409, "order_expired")


async def _sweep(shop: Shop, _: Json) -> None:
    assert await sweep(shop) == 1


@pytest.mark.parametrize("end", [_confirm, _cancel, _prolong, _sweep])
async def test_an_order_that_is_written_off_in_part_ends_like_any_other(
    still: Shop, clock: Clock, end: End
) -> None:
    tea, mint, order = await half_settled(still, clock)
    assert await stock(still, mint) == (5, 0, 5)
    assert (await still.reload(order))["status"] == "Expired"
    await assert_sound(still, clock)
    await end(still, order)
    assert await releases(still, order) == [
        (product["id"], 5, "hold ended", "system", END) for product in (tea, mint)
    ]
    assert await facts(still, order) == ["order.created", "order.expired"]
    assert await sweep(still) == 0
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 5, 0), (5, 0, 5))
    await assert_sound(still, clock)


async def test_an_order_that_is_written_off_wholly_by_others_ends_like_any_other(
    still: Shop, clock: Clock
) -> None:
    tea, mint, order = await half_settled(still, clock)
    other = await held(still, 10, (mint, 5))
    assert await ids(still, "/orders/?status=Expired") == [order["id"]]
    problem(await place(still, 10, (tea, 1)), 409, "insufficient_stock")
    assert await sweep(still) == 1
    assert len(await releases(still, order)) == 2
    assert (await still.reload(other))["status"] == "Pending"
    await assert_sound(still, clock)


async def test_orders_that_end_and_go_on_are_decided_in_one_transaction(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=6)
    ended, running = await held(still, 10, (tea, 3)), await held(still, 20, (tea, 2))
    plain = await still.order((tea, 4))
    clock.advance(seconds=600)
    paths = [f"/orders/{order['id']}/confirm" for order in (plain, ended, running)]
    answers = await asyncio.gather(*map(still.patch, paths))
    assert [answer.status_code for answer in answers] == [200, 409, 200]
    assert found(answers[1], 409)["code"] == "order_expired"
    assert await stock(still, tea) == (6, 6, 0)
    await assert_sound(still, clock)


async def test_a_hold_that_was_confirmed_in_time_leaves_nothing_to_look_at(
    make_settings: MakeSettings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every reader would look for the holds of all levels that ever had one."""
    monkeypatch.setattr(worker, "EXPIRE_SECONDS", 0.01)
    async with open_shop(make_settings(), clock) as shop:
        tea, mint = await shop.product(stock=5), await shop.product(stock=5)
        await shop.confirm(await held(shop, 10, (tea, 1)))
        await shop.cancel(await held(shop, 10, (mint, 1)))
        await held(shop, 30, (mint, 2))
        clock.advance(seconds=600)
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while await ends(shop) != [NEVER, clock() + 20 * times.MICROS_PER_MINUTE]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await assert_sound(shop, clock)
        await _rest(monkeypatch)


async def ends(shop: Shop) -> list[int]:
    """What the levels say of the ends of their holds, by product."""
    database = shop.app.runtime.database  # type: ignore[attr-defined]
    rows = await database.read(
        lambda reader: reader.fetch("SELECT held_until FROM stock_levels ORDER BY product_id")
    )
    return [moment for (moment,) in rows]
