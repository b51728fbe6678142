"""Holds end by the real clock while their owners confirm and others buy: decided one way, for everyone."""

import asyncio
import random
from collections import Counter
from uuid import uuid4

import pytest

from leafcraft import times
from tests.harness.service import Service
from tests.reliability import audit
from tests.reliability.client import Ask, Client, Reply, confirm, create
from tests.reliability.stockroom import crowd, hold, holding, receive, total
from tests.reliability.test_stockroom import tea_at

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        ("database_kind", "workers"),
        [("mariadb", 2), ("sqlite", 1)],
        ids=["mariadb, two workers", "sqlite"],
    ),
]

SEED = 20_260_303
SPREAD_SECONDS = 0.8
SURE = 5
"""So many are in time, and as many too late, on however slow a machine; the others it is decided for by the clock."""
SWEPT_SECONDS_MAX = 120.0


async def held_orders(client: Client, tea: int, count: int) -> list[int]:
    replies = await crowd(client, [holding([(tea, 1)])] * count)
    assert {reply.status for reply in replies} == {201}
    return [reply.json["id"] for reply in replies]


async def let_end_soon(service: Service, orders: list[int], chance: random.Random) -> None:
    """All of them within a moment from now on."""
    now = times.now()
    spread = round(SPREAD_SECONDS * times.MICROS_PER_SECOND)
    await audit.move_ends(service, {order: now + chance.randint(0, spread) for order in orders})


async def let_most_end_soon(service: Service, orders: list[int], chance: random.Random) -> None:
    """The first few hold for as long as they did, and the next few no more."""
    await let_end_soon(service, orders[2 * SURE :], chance)
    await audit.move_ends(service, dict.fromkeys(orders[SURE : 2 * SURE], times.now()))


async def swept(service: Service) -> None:
    """Returns once nobody waits for the end of a hold; nobody asks for it meanwhile."""
    async with asyncio.timeout(SWEPT_SECONDS_MAX):
        while await audit.overdue(service):  # noqa: ASYNC110 what is awaited lies in another process
            await asyncio.sleep(0.1)


async def later(client: Client, ask: Ask, seconds: float) -> Reply:
    await asyncio.sleep(seconds)
    return await client.ask(ask)


async def test_whoever_is_late_loses_and_whoever_waits_gets_it(
    client: Client, standing: Service
) -> None:
    """The orders hold all there is, and are confirmed while their holds end; others try to buy."""
    chance = random.Random(SEED)
    tea, _ = await tea_at(client, 15)
    orders = await held_orders(client, tea, 45)
    rivals = [await client.order((tea, 1)) for _ in range(60)]
    await let_most_end_soon(standing, orders, chance)
    asks = [confirm(order) for order in [*orders, *rivals]]
    delays = [chance.uniform(0, SPREAD_SECONDS * 1.2) for _ in asks]
    replies = await asyncio.gather(*map(later, [client] * len(asks), asks, delays))
    owners, buyers = replies[: len(orders)], replies[len(orders) :]
    assert {reply.status for reply in owners} == {200, 409}
    assert {reply.code for reply in owners if reply.status == 409} == {"order_expired"}
    assert {reply.code for reply in buyers if reply.status == 409} <= {"insufficient_stock"}
    await swept(standing)
    sold = sum(reply.status == 200 for reply in replies)
    assert sold <= 45
    assert await total(client, tea) == (45, sold)
    promised = dict(zip(orders, owners, strict=True))
    assert await audit.statuses(standing, [tea]) == {
        **{n: "Confirmed" if r.status == 200 else "Expired" for n, r in promised.items()},
        **{
            n: "Confirmed" if r.status == 200 else "Pending"
            for n, r in zip(rivals, buyers, strict=True)
        },
    }
    late = [order for order, reply in promised.items() if reply.status == 409]
    assert await audit.releases(standing, [tea]) == dict.fromkeys(late, (1, 1))
    rest = await crowd(client, [confirm(await client.order((tea, 1))) for _ in range(46 - sold)])
    assert Counter(reply.status for reply in rest) == Counter({200: 45 - sold, 409: 1})
    await audit.assert_sound(standing)


async def test_all_who_prolong_in_time_keep_what_they_hold(
    client: Client, standing: Service
) -> None:
    chance = random.Random(SEED)
    tea, _ = await tea_at(client, 10)
    orders = await held_orders(client, tea, 30)
    await let_most_end_soon(standing, orders, chance)
    delays = [chance.uniform(0, SPREAD_SECONDS) for _ in orders]
    asks = [hold(order) for order in orders]
    replies = await asyncio.gather(*map(later, [client] * 30, asks, delays))
    assert {reply.status for reply in replies} == {200, 409}
    assert {reply.code for reply in replies if reply.status == 409} == {"order_expired"}
    await swept(standing)
    kept = [n for n, reply in zip(orders, replies, strict=True) if reply.status == 200]
    assert await total(client, tea) == (30, len(kept))
    confirmed = await crowd(client, [confirm(order) for order in orders])
    assert [n for n, r in zip(orders, confirmed, strict=True) if r.status == 200] == kept
    await audit.assert_sound(standing)


async def test_sweepers_write_each_end_down_once(client: Client, standing: Service) -> None:
    """More than one sweep takes, over several products, while goods come in and go out."""
    chance = random.Random(SEED)
    teas = [await client.product(f"tea {uuid4()}", 400) for _ in range(3)]
    lines = [[(tea, 1) for tea in chance.sample(teas, 2)] for _ in range(250)]
    replies = await crowd(client, map(holding, lines))
    orders = [reply.json["id"] for reply in replies]
    await let_end_soon(standing, orders, chance)
    busy = [receive(chance.choice(teas), 1) for _ in range(60)]
    busy += [create([(chance.choice(teas), 1)]) for _ in range(20)]
    delays = [chance.uniform(0, 2 * SPREAD_SECONDS) for _ in busy]
    done = await asyncio.gather(*map(later, [client] * len(busy), busy, delays))
    assert {reply.status for reply in done} == {201}
    await swept(standing)
    assert await audit.releases(standing, teas) == dict.fromkeys(orders, (2, 2))
    shown = await audit.statuses(standing, teas)
    assert {shown[order] for order in orders} == {"Expired"}
    assert [(await total(client, tea))[1] for tea in teas] == [0, 0, 0]
    await audit.assert_sound(standing)
