"""The ledger explains every unit: each change is a movement with the balances after it."""

import pytest

from tests.builders import Clock, Json, Shop, another, open_shop, problem
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

NUMBERS = ("kind", "on_hand_delta", "reserved_delta", "on_hand_after", "reserved_after", "order_id")


def told(movements: list[Json]) -> list[tuple[object, ...]]:
    return [tuple(movement[name] for name in NUMBERS) for movement in movements]


async def test_an_opening_stock_is_a_receipt_into_main(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    (receipt,) = await shop.movements(product_id=tea["id"])
    assert receipt["location"] == "main"
    assert told([receipt]) == [("receipt", 10, 0, 10, 0, None)]
    assert receipt["actor"] == "user:1"
    assert receipt["reason"]
    assert receipt["occurred_at"] == tea["created_at"]


async def test_a_product_without_stock_has_a_level_and_no_movement(shop: Shop) -> None:
    assert await levels(shop) == []  # and is kept in memory: the new level must make it stale
    tea = await shop.product(stock=0)
    assert await shop.movements() == []
    assert await levels(shop) == [(tea["id"], "main", 0, 0, 0)]


async def levels(shop: Shop, **filters: object) -> list[tuple[object, ...]]:
    answer = await shop.get("/stock/levels", params=filters)
    assert answer.status_code == 200, answer.text
    return [
        tuple(row[name] for name in ("product_id", "location", "on_hand", "reserved", "available"))
        for row in answer.json()
    ]


async def test_levels_of_several_products_at_once(shop: Shop) -> None:
    one, two, three = [await shop.product(stock=n) for n in (1, 2, 3)]
    several = f"{three['id']},{one['id']},99"
    shown = await levels(shop, product_ids=several)
    assert [level[0] for level in shown] == [one["id"], three["id"]]
    assert len(await levels(shop, product_ids=several, product_id=one["id"])) == 1
    assert await levels(shop, product_ids=several, product_id=two["id"]) == []


async def test_a_confirmation_reserves_and_a_cancellation_releases(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    order = await shop.order((tea, 4))
    await shop.confirm(order)
    await shop.confirm(await shop.order((tea, 1)))
    await shop.cancel(order)
    assert told(await shop.movements()) == [
        ("receipt", 10, 0, 10, 0, None),
        ("reserve", 0, 4, 10, 4, 1),
        ("reserve", 0, 1, 10, 5, 2),
        ("release", 0, -4, 10, 1, 1),
    ]
    assert await levels(shop) == [(tea["id"], "main", 10, 1, 9)]


async def test_every_balance_follows_from_the_one_before(shop: Shop) -> None:
    tea, mint = await shop.product(stock=9), await shop.product(stock=9)
    orders = [await shop.order((tea, n), (mint, 1), (tea, 1)) for n in (1, 2, 3)]
    for order in orders:
        await shop.confirm(order)
    await shop.cancel(orders[1])
    for product in (tea, mint):
        on_hand = reserved = 0
        for row in await shop.movements(product_id=product["id"]):
            on_hand += row["on_hand_delta"]
            reserved += row["reserved_delta"]
            assert (row["on_hand_after"], row["reserved_after"]) == (on_hand, reserved)
        shown = await shop.reload(product)
        assert (shown["on_hand"], shown["reserved"]) == (on_hand, reserved)


async def test_movements_are_filtered_by_product_order_kind_and_location(shop: Shop) -> None:
    tea, mint = await shop.product(stock=9), await shop.product(stock=9)
    first = await shop.order((tea, 1), (mint, 2))
    await shop.confirm(first)
    await shop.confirm(await shop.order((tea, 3)))
    await shop.cancel(first)

    async def places(**filters: object) -> list[int]:
        return [row["id"] for row in await shop.movements(**filters)]

    assert await places() == [1, 2, 3, 4, 5, 6, 7]
    assert await places(product_id=mint["id"]) == [2, 4, 7]
    assert await places(order_id=first["id"]) == [3, 4, 6, 7]
    assert await places(kind="release") == [6, 7]
    assert await places(kind="transfer_in") == []
    assert await places(location="main") == [1, 2, 3, 4, 5, 6, 7]
    assert await places(location="MAIN") == await places(location="nowhere") == []
    assert await places(product_id=tea["id"], order_id=first["id"], kind="reserve") == [3]


async def test_movements_are_filtered_by_time_from_since_up_to_until(
    make_settings: MakeSettings,
) -> None:
    clock = Clock()
    async with open_shop(make_settings(), clock) as shop:
        for _ in range(3):
            await shop.product()
            clock.advance(seconds=1.5)
        moments = [row["occurred_at"] for row in await shop.movements()]
        assert moments == [
            "2026-01-01T12:00:00Z",
            "2026-01-01T12:00:01.500000Z",
            "2026-01-01T12:00:03Z",
        ]
        for filters, shown in (
            ({"since": moments[1]}, moments[1:]),
            ({"until": moments[1]}, moments[:1]),
            ({"since": moments[1], "until": moments[2]}, moments[1:2]),
            ({"since": "2026-01-01T13:00:03+01:00"}, moments[2:]),
        ):
            rows = await shop.movements(**filters)
            assert [row["occurred_at"] for row in rows] == shown


async def test_levels_are_filtered_by_product_and_location(shop: Shop) -> None:
    tea, mint = await shop.product(stock=1), await shop.product(stock=2)
    assert await levels(shop, product_id=mint["id"]) == [(mint["id"], "main", 2, 0, 2)]
    assert [row[0] for row in await levels(shop, location="main")] == [tea["id"], mint["id"]]
    assert await levels(shop, location="elsewhere") == []


@pytest.mark.parametrize(
    "path",
    [
        "/stock/movements?kind=gift",
        "/stock/movements?since=monday",
        "/stock/movements?until=2026-01-01",
        "/stock/movements?since=2026-01-01T00:00:00",
        "/stock/movements?order_id=0",
        "/stock/movements?product_id=x",
        f"/stock/movements?location={'x' * 65}",
        "/stock/levels?product_id=-1",
        "/stock/levels?kind=receipt",
        "/stock/levels?sort=id",
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(shared_shop: Shop, path: str) -> None:
    problem(await shared_shop.get(path), 422, "validation_error")


async def test_whoever_moved_the_stock_is_named(shop: Shop) -> None:
    order = await shop.order((await shop.product(), 1))
    await shop.confirm(order)
    assert {row["actor"] for row in await shop.movements()} == {"user:1"}


async def test_a_stranger_sees_no_stock(shared_shop: Shop) -> None:
    async with another(shared_shop) as stranger:
        for path in ("/stock/levels", "/stock/movements"):
            problem(await stranger.get(path), 401, "not_authenticated")
