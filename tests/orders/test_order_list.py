"""The list of orders, and the filters that narrow it."""

import pytest

from tests.builders import Clock, Json, Shop, open_shop, problem
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio


async def ids(shop: Shop, **filters: object) -> list[int]:
    answer = await shop.get("/orders/", params=filters)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


async def three_orders(shop: Shop) -> tuple[Json, Json, Json]:
    """One of each status: Pending, Confirmed, Cancelled."""
    tea = await shop.product()
    pending, confirmed, cancelled = [await shop.order((tea, 1)) for _ in range(3)]
    return pending, await shop.confirm(confirmed), await shop.cancel(cancelled)


async def test_a_list_shows_orders_as_they_are_shown_alone(shop: Shop) -> None:
    orders = await three_orders(shop)
    answer = await shop.get("/orders/")
    assert answer.json() == list(orders)


@pytest.mark.parametrize(("status", "place"), [("Pending", 0), ("Confirmed", 1), ("Cancelled", 2)])
async def test_orders_are_filtered_by_status(shop: Shop, status: str, place: int) -> None:
    orders = await three_orders(shop)
    assert await ids(shop, status=status) == [orders[place]["id"]]


async def test_orders_are_filtered_by_product(shop: Shop) -> None:
    tea, mint = await shop.product(), await shop.product()
    await shop.order((tea, 1))
    both = await shop.order((tea, 1), (mint, 1), (mint, 2))
    assert await ids(shop, product_id=mint["id"]) == [both["id"]]
    assert await ids(shop, product_id=999) == []


async def test_several_orders_are_asked_for_by_their_ids(shop: Shop) -> None:
    pending, confirmed, cancelled = [order["id"] for order in await three_orders(shop)]
    assert await ids(shop, ids=f"{cancelled},{pending},999,{pending}") == [pending, cancelled]
    assert await ids(shop, ids=f"{cancelled},{pending}", sort="-id", limit=1) == [cancelled]
    assert await ids(shop, ids=f"{confirmed},{pending}", status="Confirmed") == [confirmed]
    assert await ids(shop, ids="999") == []


async def test_orders_are_filtered_by_the_moment_they_were_placed(
    make_settings: MakeSettings,
) -> None:
    clock = Clock()
    async with open_shop(make_settings(), clock) as shop:
        tea = await shop.product()
        orders = []
        for _ in range(3):
            orders.append(await shop.order((tea, 1)))
            clock.advance(seconds=60)
        moments = [order["created_at"] for order in orders]
        assert moments[0] == "2026-01-01T12:00:00Z"
        assert await ids(shop, created_after=moments[0]) == [2, 3]
        assert await ids(shop, created_before=moments[2]) == [1, 2]
        assert await ids(shop, created_after=moments[0], created_before=moments[2]) == [2]
        assert await ids(shop, created_after="2026-01-01T13:00:30+01:00") == [2, 3]


@pytest.mark.parametrize(
    "query",
    [
        "status=pending",
        "status=",
        "status=Nonsense",
        "product_id=0",
        "ids=",
        "ids=1,x",
        "product_id=abc",
        "product_id=9223372036854775808",
        "created_after=yesterday",
        "created_after=0.5",
        "created_after=1767225600",
        "created_after=2026-01-01T12:00:00",
        "created_before=2026-13-01T00:00:00Z",
        "created_before=99999-01-01T00:00:00Z",
        "customer_email=",
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(shared_shop: Shop, query: str) -> None:
    problem(await shared_shop.get(f"/orders/?{query}"), 422, "validation_error")


async def test_the_end_of_time_is_a_moment_like_any_other(shared_shop: Shop) -> None:
    assert await ids(shared_shop, created_after="9999-12-31T23:59:59.999999Z") == []
