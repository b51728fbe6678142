"""More buyers than stock: what is there is sold, what is not there is not, and nobody is turned away wrongly."""

import asyncio
import random
from collections import Counter
from uuid import uuid4

import pytest

from tests.harness.service import Service
from tests.reliability.audit import assert_sound
from tests.reliability.client import Ask, Client, Reply, confirm, create

pytestmark = pytest.mark.anyio

SEED = 20_260_101


async def stock_of(client: Client, *product_ids: int) -> dict[int, tuple[int, int]]:
    """On hand and reserved of each product."""
    shown = [await client.get(f"/products/{product_id}") for product_id in product_ids]
    return {one["id"]: (one["on_hand"], one["reserved"]) for one in shown}


async def test_sixteen_buyers_eight_in_stock(client: Client, standing: Service) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=8)
    orders = await asyncio.gather(*(client.order((tea, 1)) for _ in range(16)))
    replies = await asyncio.gather(*(client.ask(confirm(order_id)) for order_id in orders))
    assert Counter(reply.status for reply in replies) == {200: 8, 409: 8}
    assert {reply.code for reply in replies if reply.status == 409} == {"insufficient_stock"}
    assert await stock_of(client, tea) == {tea: (8, 8)}
    shown = [await client.get(f"/orders/{order_id}") for order_id in orders]
    told = ["Confirmed" if reply.status == 200 else "Pending" for reply in replies]
    assert [order["status"] for order in shown] == told
    await assert_sound(standing)


async def test_two_hundred_buyers_of_mixed_baskets(client: Client) -> None:
    """Who is refused could not have been served from what is left, either."""
    chance = random.Random(SEED)
    shelf = {await client.product(f"tea {uuid4()}", stock=15): 15 for _ in range(4)}
    baskets = [basket(chance, list(shelf)) for _ in range(200)]
    free = asyncio.Semaphore(32)

    async def buy(lines: list[tuple[int, int]]) -> Reply:
        async with free:
            return await client.ask(confirm(await client.order(*lines)))

    replies = await asyncio.gather(*map(buy, baskets))
    assert {reply.status for reply in replies} <= {200, 409}
    sold: Counter[int] = Counter()
    for lines, reply in zip(baskets, replies, strict=True):
        if reply.status == 200:
            sold.update(demand(lines))
    left = {product_id: count - sold[product_id] for product_id, count in shelf.items()}
    stock = await stock_of(client, *shelf)
    assert {p: on_hand - reserved for p, (on_hand, reserved) in stock.items()} == left
    assert sum(sold.values()) + sum(left.values()) == 60
    for lines, reply in zip(baskets, replies, strict=True):
        if reply.status == 409:
            assert any(count > left[product_id] for product_id, count in demand(lines).items())


def basket(chance: random.Random, products: list[int]) -> list[tuple[int, int]]:
    """Up to three lines, in any order; the same product may be on two of them."""
    lines = range(chance.randint(1, 3))
    return [(chance.choice(products), chance.randint(1, 3)) for _ in lines]


def demand(lines: list[tuple[int, int]]) -> Counter[int]:
    wanted: Counter[int] = Counter()
    for product_id, quantity in lines:
        wanted[product_id] += quantity
    return wanted


async def test_two_lines_of_one_product_do_not_pass_one_by_one(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=5)
    reply = await client.ask(confirm(await client.order((tea, 3), (tea, 3))))
    assert (reply.status, reply.code) == (409, "insufficient_stock")
    assert [s["requested"] for s in reply.json["shortages"]] == [6]
    assert await stock_of(client, tea) == {tea: (5, 0)}


async def test_buyers_and_bulk_buyers_share_the_last_units(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=20)
    orders = [await client.order((tea, 1)) for _ in range(60)]
    parts = [orders[n : n + 10] for n in range(0, 60, 10)]
    bulk = [Ask("POST", "/orders/confirm", {"order_ids": part}) for part in parts]
    await asyncio.gather(
        *map(client.ask, bulk), *(client.ask(confirm(order_id)) for order_id in orders)
    )
    shown = [await client.get(f"/orders/{order_id}") for order_id in orders]
    assert Counter(order["status"] for order in shown) == {"Confirmed": 20, "Pending": 40}
    assert await stock_of(client, tea) == {tea: (20, 20)}


async def test_confirming_and_cancelling_one_order_at_once_never_leaks_stock(
    client: Client, standing: Service
) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=30)
    orders = [await client.order((tea, 1)) for _ in range(30)]

    def tug(order_id: int) -> list[Ask]:
        cancelling = Ask("PATCH", f"/orders/{order_id}/cancel")
        return [confirm(order_id), cancelling, confirm(order_id), cancelling]

    replies = await asyncio.gather(
        *(client.ask(ask) for order_id in orders for ask in tug(order_id))
    )
    for n in range(0, len(replies), 4):
        cancelled = [reply.status for reply in replies[n + 1 : n + 4 : 2]]
        assert sorted(cancelled) == [200, 409]
    shown = [await client.get(f"/orders/{order_id}") for order_id in orders]
    assert {order["status"] for order in shown} == {"Cancelled"}
    assert await stock_of(client, tea) == {tea: (30, 0)}
    await assert_sound(standing)


async def test_an_order_placed_twice_without_a_key_is_two_orders(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=2)
    replies = await asyncio.gather(*(client.ask(create([(tea, 1)])) for _ in range(2)))
    assert len({reply.json["id"] for reply in replies}) == 2
