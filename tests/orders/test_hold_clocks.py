"""Two processes on one database whose clocks differ: a hold is decided one way for everyone."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from leafcraft.cause import SYSTEM
from leafcraft.errors import Code, Refusal
from leafcraft.orders import actions, holds
from leafcraft.orders.actions import Cancel, Confirm
from leafcraft.orders.holds import Expire, Hold
from leafcraft.web.call import Runtime
from tests.builders import Clock, Json, Shop, found, problem
from tests.orders.holding import assert_sound, beside, facts, held, hold, releases, stock, sweep

pytestmark = pytest.mark.anyio

END = "2026-01-01T12:10:00Z"

Advance = Callable[[], None]


@pytest.fixture
def ahead(clock: Clock) -> Clock:
    """Two minutes fast."""
    return Clock(clock.at + 120 * 10**6)


@pytest.fixture
async def fast(still: Shop, ahead: Clock) -> AsyncIterator[Runtime]:
    """The process with the fast clock; that of `still` is right."""
    async with beside(still, ahead) as runtime:
        yield runtime


@pytest.fixture
def advance(clock: Clock, ahead: Clock) -> Advance:
    """Both clocks go on, until the fast one has passed the end of a hold of ten minutes."""

    def on() -> None:
        clock.advance(seconds=540)
        ahead.advance(seconds=540)

    return on


async def part_is_sold(shop: Shop, fast: Runtime, advance: Advance) -> tuple[Json, Json, Json]:
    """An order of tea and mint whose hold is over by the fast clock alone, which sells the tea."""
    tea, mint = await shop.product(stock=5), await shop.product(stock=5)
    order, other = await held(shop, 10, (tea, 5), (mint, 3), (mint, 2)), await shop.order((tea, 5))
    advance()
    assert (await shop.reload(order))["status"] == "Pending"
    await fast.writer.perform(actions.confirm, Confirm(other["id"], SYSTEM))
    return tea, mint, order


Try = Callable[[Shop, Json], Awaitable[None]]


async def _confirm(shop: Shop, order: Json) -> None:
    problem(await shop.patch(f"/orders/{order['id']}/confirm"), 409, "order_expired")


async def _confirm_many(shop: Shop, order: Json) -> None:
    (result,) = found(await shop.post("/orders/confirm", {"order_ids": [order["id"]]}))["results"]
    assert (result["status_code"], result["problem"]["code"]) == (409, "order_expired")


async def _cancel(shop: Shop, order: Json) -> None:
    problem(await shop.patch(f"/orders/{order['id']}/cancel"), 409, "order_expired")


async def _prolong(shop: Shop, order: Json) -> None:
    problem(await hold(shop, order, 10), 409, "order_expired")


@pytest.mark.parametrize("attempt", [_confirm, _confirm_many, _cancel, _prolong])
async def test_who_has_lost_a_part_to_a_faster_clock_has_lost_the_hold(
    still: Shop, clock: Clock, fast: Runtime, advance: Advance, attempt: Try
) -> None:
    tea, mint, order = await part_is_sold(still, fast, advance)
    await attempt(still, order)
    await attempt(still, order)
    freed = await releases(still, order)
    assert [(product, units) for product, units, *_ in freed] == [
        (tea["id"], 5),
        (mint["id"], 3),
        (mint["id"], 2),
    ]
    assert freed[0][2:] == ("hold ended", "system", END)
    assert {actor for *_, actor, _ in freed} == {"system"}
    assert await facts(still, order) == ["order.created", "order.expired"]
    assert (await still.reload(order))["status"] == "Expired"
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 5, 0), (5, 0, 5))
    await assert_sound(still, clock)
    await assert_sound(still, fast.clock)
    clock.advance(hours=1)
    assert await sweep(still) == 0
    assert await fast.writer.perform(holds.expire, Expire(SYSTEM)) == 0
    assert len(await releases(still, order)) == 3
    await assert_sound(still, clock)


async def test_what_a_faster_clock_began_the_slower_sweeper_ends(
    still: Shop, clock: Clock, fast: Runtime, advance: Advance
) -> None:
    tea, mint, order = await part_is_sold(still, fast, advance)
    assert await sweep(still) == 0
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 5, 0), (5, 5, 0))
    clock.advance(seconds=60)
    assert await sweep(still) == 1
    assert await releases(still, order) == [
        (product["id"], units, "hold ended", "system", END)
        for product, units in ((tea, 5), (mint, 3), (mint, 2))
    ]
    assert await facts(still, order) == ["order.created", "order.expired"]
    await assert_sound(still, clock)


async def test_what_the_faster_sweeper_has_written_off_is_over_for_all(
    still: Shop, clock: Clock, fast: Runtime, advance: Advance
) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 5))
    advance()
    assert await fast.writer.perform(holds.expire, Expire(SYSTEM)) == 1
    shown = await still.reload(order)
    assert (shown["status"], shown["expires_at"]) == ("Expired", END)
    await _confirm(still, order)
    assert await stock(still, tea) == (5, 0, 5)
    await assert_sound(still, clock)


async def test_what_the_slower_has_prolonged_runs_on_for_the_faster(
    still: Shop, clock: Clock, ahead: Clock, fast: Runtime, advance: Advance
) -> None:
    tea = await still.product(stock=5)
    first, second = [await held(still, 10, (tea, 2)) for _ in range(2)]
    advance()
    found(await hold(still, first, 10))
    assert await fast.writer.perform(holds.expire, Expire(SYSTEM)) == 1
    assert (await still.reload(second))["status"] == "Expired"
    command = Hold(first["id"], 30, SYSTEM)
    longer = await fast.writer.perform(holds.hold, command)
    assert longer.expires_at == ahead.at + 30 * 60 * 10**6
    await fast.writer.perform(actions.confirm, Confirm(first["id"], SYSTEM))
    assert await stock(still, tea) == (5, 2, 3)
    await assert_sound(still, clock)


async def test_a_hold_that_only_the_faster_takes_for_ended_is_not_cancelled_twice(
    still: Shop, clock: Clock, fast: Runtime, advance: Advance
) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 5))
    advance()
    await still.cancel(order)
    with pytest.raises(Refusal) as refused:
        await fast.writer.perform(actions.cancel, Cancel(order["id"], SYSTEM))
    assert refused.value.code is Code.ORDER_ALREADY_CANCELLED
    assert len(await releases(still, order)) == 1
    await assert_sound(still, clock)


async def test_a_hold_that_was_over_stays_over_when_the_clock_goes_back(
    still: Shop, clock: Clock
) -> None:
    tea, mint = await still.product(stock=5), await still.product(stock=5)
    order = await held(still, 10, (tea, 5), (mint, 5))
    clock.advance(seconds=600)
    await held(still, 10, (tea, 1))
    clock.advance(seconds=-300)
    await _confirm(still, order)
    assert (await stock(still, tea), await stock(still, mint)) == ((5, 1, 4), (5, 0, 5))
    assert await facts(still, order) == ["order.created", "order.expired"]
    await assert_sound(still, clock)
