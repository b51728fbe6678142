"""How fast a product sells: what orders were promised in a window of days, less what they gave back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from leafcraft import worker
from tests.builders import Clock, Json, Shop, found, open_shop, signed_in, wanted
from tests.conftest import MakeSettings
from tests.stock.goods import adjust, open_location, receive, transfer

pytestmark = pytest.mark.anyio

NEVER_SECONDS = 10.0**9


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def dated(
    make_settings: MakeSettings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    """A shop whose days a test counts, and where nobody comes by to write off what has ended."""
    monkeypatch.setattr(worker, "EXPIRE_SECONDS", NEVER_SECONDS)
    async with open_shop(make_settings(), clock) as shop:
        yield shop


async def pass_days(shop: Shop, clock: Clock, days: float) -> None:
    """Some days later the shop's admin signs in again."""
    clock.advance(hours=days * 24)
    shop.client.headers.update(signed_in(found(await shop.sign_in())["access_token"]))


async def sell(shop: Shop, product: Json, quantity: int) -> Json:
    order = await shop.order((product, quantity))
    await shop.confirm(order)
    return order


async def advice(shop: Shop, product: Json, **query: Any) -> Json:
    return found(await shop.get(f"/products/{product['id']}/reorder", params=query))


async def demand(shop: Shop, product: Json, days: int = 30) -> int:
    """Units asked for in the last days."""
    units: float = (await advice(shop, product, days=days))["demand_per_day"] * days
    return round(units)


async def test_what_is_confirmed_is_demand_and_what_is_ordered_is_not(dated: Shop) -> None:
    tea, mint = await dated.product(stock=90), await dated.product(stock=90)
    await dated.order((tea, 50))
    assert (await advice(dated, tea))["days_of_cover"] is None
    await sell(dated, tea, 30)
    await sell(dated, mint, 15)
    shown = await advice(dated, tea)
    assert (shown["demand_per_day"], shown["days_of_cover"]) == (1.0, 60.0)
    assert (await advice(dated, mint))["demand_per_day"] == 0.5


async def test_the_suggestion_brings_the_reorder_point_and_the_demand(dated: Shop) -> None:
    tea = await dated.product(stock=45, reorder_point=10, reorder_quantity=12)
    await sell(dated, tea, 30)
    shown = await advice(dated, tea)
    assert (shown["available"], shown["suggested_quantity"]) == (15, 36)
    await receive(dated, tea, 24)
    assert (await advice(dated, tea))["suggested_quantity"] == 12
    await receive(dated, tea, 1)
    assert (await advice(dated, tea))["suggested_quantity"] == 0


async def test_a_cancelled_order_was_no_demand(dated: Shop) -> None:
    tea = await dated.product(stock=90)
    order = await sell(dated, tea, 30)
    await sell(dated, tea, 6)
    await dated.cancel(order)
    assert await demand(dated, tea) == 6


async def test_what_people_move_is_no_demand(dated: Shop) -> None:
    await open_location(dated)
    tea = await dated.product(stock=90)
    await transfer(dated, tea, 50)
    await adjust(dated, tea, delta=-5)
    await receive(dated, tea, 5, location="annex")
    assert await demand(dated, tea) == 0
    await sell(dated, tea, 60)
    assert await demand(dated, tea) == 60


async def test_older_demand_falls_out_of_the_window(dated: Shop, clock: Clock) -> None:
    tea = await dated.product(stock=90)
    await sell(dated, tea, 30)
    await pass_days(dated, clock, 10)
    await sell(dated, tea, 7)
    assert await demand(dated, tea) == 37
    assert await demand(dated, tea, days=10) == 37
    assert await demand(dated, tea, days=9) == 7
    await pass_days(dated, clock, 20)
    assert await demand(dated, tea) == 37
    clock.advance(seconds=1)
    assert await demand(dated, tea) == 7
    assert await demand(dated, tea, days=60) == 37


async def test_the_window_is_thirty_days_unless_said_otherwise(dated: Shop, clock: Clock) -> None:
    tea = await dated.product(stock=90, reorder_point=90)
    await sell(dated, tea, 30)
    assert (await advice(dated, tea))["demand_per_day"] == 1.0
    assert (await advice(dated, tea, days=1))["demand_per_day"] == 30.0
    (shown,) = (await dated.get("/stock/low?days=10")).json()
    assert (shown["demand_per_day"], shown["days_of_cover"]) == (3.0, 20.0)
    (shown,) = (await dated.get("/stock/low")).json()
    assert shown["demand_per_day"] == 1.0
    await pass_days(dated, clock, 31)
    (shown,) = (await dated.get("/stock/low")).json()
    assert (shown["demand_per_day"], shown["days_of_cover"]) == (0.0, None)


async def test_an_order_of_before_the_window_takes_no_demand_away(
    dated: Shop, clock: Clock
) -> None:
    """What an old order gives back was never counted in this window."""
    tea = await dated.product(stock=90)
    old = await sell(dated, tea, 30)
    await pass_days(dated, clock, 40)
    await sell(dated, tea, 30)
    await dated.cancel(old)
    assert await demand(dated, tea) == 30


async def hold(shop: Shop, product: Json, quantity: int, minutes: int = 60) -> Json:
    body = {**wanted((product, quantity)), "hold_minutes": minutes}
    return found(await shop.post("/orders/", body), 201)


async def test_a_hold_is_demand_once_also_when_it_is_confirmed(dated: Shop) -> None:
    tea = await dated.product(stock=90)
    order = await hold(dated, tea, 30)
    assert await demand(dated, tea) == 30
    await dated.confirm(order)
    assert await demand(dated, tea) == 30


async def test_a_hold_that_has_ended_was_no_demand(dated: Shop, clock: Clock) -> None:
    tea = await dated.product(stock=90)
    await hold(dated, tea, 30)
    await pass_days(dated, clock, 1)
    shown = await advice(dated, tea)
    assert (shown["available"], shown["reserved"]) == (90, 0)
    assert await demand(dated, tea) == 0
    await receive(dated, tea, 1)  # whoever comes next writes it off
    assert await demand(dated, tea) == 0
