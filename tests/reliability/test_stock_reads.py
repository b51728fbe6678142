"""What is shown of stock is never stale: not when a hold ends unnoticed, nor when clocks disagree."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from leafcraft import worker
from tests.builders import Clock, Json, Shop, found, open_shop, settings_of, wanted

pytestmark = pytest.mark.anyio

PLACES = ("/products/{id}", "/products/?sku={sku}", "/products/{id}/availability", "/stock/levels")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shop(
    database_url: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    """A shop whose sweeper is late: it has much to do, or was just started."""
    monkeypatch.setattr(worker, "EXPIRE_SECONDS", 3600.0)
    async with open_shop(settings_of(database_url, tmp_path), clock) as opened:
        yield opened


async def held(shop: Shop, product: Json, minutes: int) -> Json:
    body = {**wanted((product, 1)), "hold_minutes": minutes}
    return found(await shop.post("/orders/create_order", body), 201)


async def reserved(shop: Shop, product: Json, place: str) -> int:
    answer = await shop.get(place.format(**product))
    assert answer.status_code == 200, answer.text
    shown: Any = answer.json()
    count: int = (shown[0] if isinstance(shown, list) else shown)["reserved"]
    return count


@pytest.mark.parametrize("place", PLACES)
async def test_one_end_after_the_other_is_seen_before_any_is_swept_up(
    shop: Shop, clock: Clock, place: str
) -> None:
    tea = await shop.product(stock=10)
    for minutes in (1, 2, 3):
        await held(shop, tea, minutes)
    seen = [await reserved(shop, tea, place)]
    clock.advance(seconds=30)
    for _ in range(3):
        clock.advance(seconds=60)
        seen.append(await reserved(shop, tea, place))
    assert seen == [3, 2, 1, 0]


async def test_what_is_there_now_is_shown_by_a_clock_that_lags_behind(
    shop: Shop, clock: Clock
) -> None:
    """Another node wrote it, whose clock is ahead by half a second; its answer is out."""
    tea = await shop.product(stock=10)
    found(await shop.post("/stock/receipts", {"product_id": tea["id"], "quantity": 5}), 201)
    clock.advance(seconds=-0.5)
    (main,) = found(await shop.get(f"/products/{tea['id']}/stock"))["levels"]
    assert main["on_hand"] == found(await shop.get(f"/products/{tea['id']}"))["on_hand"] == 15
