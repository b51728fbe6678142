"""Which locations serve an order, by the setting LEAFCRAFT_ALLOCATION and the locations' priorities."""

from collections.abc import AsyncIterator

import pytest

from leafcraft import config
from leafcraft.errors import StartError
from tests.builders import Json, Shop, found, open_shop, problem
from tests.conftest import MakeSettings
from tests.stock.goods import balances, broken, open_location, receive

pytestmark = pytest.mark.anyio


@pytest.fixture
def allocation() -> str:
    return "priority"


@pytest.fixture
async def stores(make_settings: MakeSettings, allocation: str) -> AsyncIterator[Shop]:
    """A shop with two more locations, of which `north` serves before `south`, and both after `main`."""
    async with open_shop(make_settings(allocation=allocation)) as shop:
        await open_location(shop, "south", priority=20)
        await open_location(shop, "north", priority=10)
        yield shop


def by(strategy: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("allocation", [strategy])


async def spread(shop: Shop, **stock: int) -> Json:
    """A product with so much at each location."""
    product = await shop.product(stock=stock.pop("main", 0))
    for code, quantity in stock.items():
        await receive(shop, product, quantity, location=code)
    return product


async def sources(shop: Shop, *lines: tuple[Json, int]) -> list[tuple[int, str, int]]:
    """Product, location and quantity of what an order of these lines is promised."""
    order = await shop.order(*lines)
    await shop.confirm(order)
    rows = await shop.movements(order_id=order["id"], kind="reserve")
    return [(row["product_id"], row["location"], row["reserved_delta"]) for row in rows]


async def test_by_priority_a_line_is_served_by_one_location_after_the_other(stores: Shop) -> None:
    tea = await spread(stores, main=2, south=9, north=3)
    assert await sources(stores, (tea, 1)) == [(tea["id"], "main", 1)]
    assert await sources(stores, (tea, 6)) == [
        (tea["id"], "main", 1),
        (tea["id"], "north", 3),
        (tea["id"], "south", 2),
    ]
    assert await balances(stores, tea) == {"main": (2, 2), "south": (9, 2), "north": (3, 3)}
    assert await broken(stores) == {}


async def test_the_priority_counts_from_the_moment_it_is_changed(stores: Shop) -> None:
    tea = await spread(stores, south=5, north=5)
    assert await sources(stores, (tea, 1)) == [(tea["id"], "north", 1)]
    (south,) = [row for row in (await stores.get("/locations/")).json() if row["code"] == "south"]
    for priority, first in ((5, "south"), (15, "north"), (0, "south")):
        found(await stores.patch(f"/locations/{south['id']}", {"priority": priority}))
        assert await sources(stores, (tea, 1)) == [(tea["id"], first, 1)]


async def test_of_equal_priority_the_older_location_serves_first(stores: Shop) -> None:
    await open_location(stores, "east", priority=10)
    tea = await spread(stores, east=5, north=5, south=5)
    assert await sources(stores, (tea, 6)) == [(tea["id"], "north", 5), (tea["id"], "east", 1)]


async def test_goods_carried_elsewhere_are_served_from_there(stores: Shop) -> None:
    tea = await spread(stores, main=4)
    places = {"from_location": "main", "to_location": "south"}
    body = {"product_id": tea["id"], "quantity": 4, **places}
    found(await stores.post("/stock/transfers", body), 201)
    assert await sources(stores, (tea, 3)) == [(tea["id"], "south", 3)]


async def test_two_lines_of_one_product_share_what_there_is(stores: Shop) -> None:
    tea = await spread(stores, main=2, north=3)
    assert await sources(stores, (tea, 3), (tea, 2)) == [
        (tea["id"], "main", 2),
        (tea["id"], "north", 1),
        (tea["id"], "north", 2),
    ]


async def test_a_split_order_gives_back_every_part_where_it_came_from(stores: Shop) -> None:
    tea, mint = await spread(stores, main=2, south=3), await spread(stores, north=4)
    order = await stores.order((tea, 4), (mint, 1), (tea, 1))
    await stores.confirm(order)
    await stores.cancel(order)
    assert await balances(stores, tea) == {"main": (2, 0), "south": (3, 0)}
    assert await balances(stores, mint) == {"main": (0, 0), "north": (4, 0)}
    released = await stores.movements(order_id=order["id"], kind="release")
    assert sorted((row["location"], row["reserved_delta"]) for row in released) == [
        ("main", -2),
        ("north", -1),
        ("south", -2),
        ("south", -1),
    ]
    assert await broken(stores) == {}


@pytest.mark.parametrize("allocation", ["priority", "single", "most_stock"])
async def test_whoever_asks_for_more_than_all_of_them_have_is_refused(stores: Shop) -> None:
    tea = await spread(stores, main=2, south=3, north=1)
    order = await stores.order((tea, 4), (tea, 3))
    before = await stores.everything()
    answer = await stores.patch(f"/orders/{order['id']}/confirm")
    (short,) = problem(answer, 409, "insufficient_stock")["shortages"]
    assert (short["requested"], short["available"]) == (7, 6)
    assert await stores.everything() == before
    assert sum(units for *_, units in await sources(stores, (tea, 6))) == 6


@by("single")
async def test_a_single_location_serves_the_whole_order_if_one_can(stores: Shop) -> None:
    tea, mint = (
        await spread(stores, main=2, south=9, north=4),
        await spread(stores, main=9, south=9),
    )
    assert await sources(stores, (tea, 3)) == [(tea["id"], "north", 3)]
    assert await sources(stores, (tea, 2), (mint, 1)) == [
        (tea["id"], "main", 2),
        (mint["id"], "main", 1),
    ]
    assert await sources(stores, (mint, 2), (tea, 1)) == [
        (mint["id"], "south", 2),
        (tea["id"], "south", 1),
    ]


@by("single")
async def test_where_no_single_one_can_the_order_is_split_by_priority(stores: Shop) -> None:
    tea = await spread(stores, main=2, south=3, north=3)
    assert await sources(stores, (tea, 2), (tea, 2)) == [
        (tea["id"], "main", 2),
        (tea["id"], "north", 2),
    ]


@by("most_stock")
async def test_each_product_comes_from_where_there_is_most_of_it(stores: Shop) -> None:
    tea, mint = (
        await spread(stores, main=2, south=9, north=4),
        await spread(stores, main=5, north=5),
    )
    assert await sources(stores, (tea, 1), (mint, 1)) == [
        (tea["id"], "south", 1),
        (mint["id"], "main", 1),
    ]
    assert await sources(stores, (mint, 1), (tea, 10)) == [
        (mint["id"], "north", 1),
        (tea["id"], "south", 8),
        (tea["id"], "north", 2),
    ]


@by("most_stock")
async def test_many_confirmed_in_one_call_go_by_the_same_strategy(stores: Shop) -> None:
    tea = await spread(stores, main=2, south=4, north=3)
    orders = [await stores.order((tea, 2)) for _ in range(3)]
    body = {"order_ids": [order["id"] for order in orders]}
    found(await stores.post("/orders/confirm", body))
    rows = await stores.movements(kind="reserve")
    assert [(row["location"], row["reserved_delta"]) for row in rows] == [
        ("south", 2),
        ("north", 2),
        ("main", 2),
    ]


def test_a_strategy_nobody_knows_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEAFCRAFT_ALLOCATION", "nearest")
    with pytest.raises(StartError, match="LEAFCRAFT_ALLOCATION"):
        config.load()
