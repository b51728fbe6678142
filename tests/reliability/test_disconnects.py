"""Clients that hang up at any byte, or before they hear the answer: all of a request is done, or nothing of it."""

import asyncio
import random
from uuid import uuid4

import pytest

from tests.harness.service import Service
from tests.reliability.audit import assert_sound
from tests.reliability.client import Ask, Client, confirm, create

pytestmark = pytest.mark.anyio

SEED = 7
HANGUPS = 60


async def hang_up(client: Client, ask: Ask, after: int | None = None) -> None:
    """Sends so many bytes of a request (None: all of them) and is gone without a word."""
    _, writer = await client.connect()
    writer.write(client.request(ask)[:after])
    await writer.drain()
    await asyncio.sleep(0)
    writer.transport.abort()


async def settled(client: Client, ask: Ask) -> int:
    """The status of a request that may be under way still: its retry joins it, or runs it."""
    return (await client.ask(ask)).status


async def test_a_request_cut_off_anywhere_is_whole_or_nothing(
    client: Client, standing: Service
) -> None:
    chance = random.Random(SEED)
    tea = await client.product(f"tea {uuid4()}", stock=10_000)
    orders = [await client.order((tea, 1), (tea, 2)) for _ in range(HANGUPS)]
    confirming = [confirm(order_id, str(uuid4())) for order_id in orders]
    placing = [create([(tea, 1), (tea, 2)], str(uuid4())) for _ in range(HANGUPS)]
    for ask in (*confirming, *placing):
        await hang_up(client, ask, chance.randrange(len(client.request(ask)) + 1))
    assert {await settled(client, ask) for ask in confirming} == {200}
    assert {await settled(client, ask) for ask in placing} == {201}
    product = await client.get(f"/products/{tea}")
    assert (product["on_hand"], product["reserved"]) == (10_000, 3 * HANGUPS)
    assert len(await client.get(f"/orders/?product_id={tea}&limit=500")) == 2 * HANGUPS
    await assert_sound(standing)


async def test_a_request_that_is_not_whole_does_nothing(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=10)
    whole = client.request(create([(tea, 1)]))
    for missing in range(1, 12):
        await hang_up(client, create([(tea, 1)]), len(whole) - missing)
    assert await client.get(f"/orders/?product_id={tea}") == []


async def test_nobody_has_to_wait_for_the_answer(client: Client, standing: Service) -> None:
    """Without keys: each of these is confirmed once, though nobody hears of it."""
    tea = await client.product(f"tea {uuid4()}", stock=HANGUPS)
    orders = [await client.order((tea, 1)) for _ in range(HANGUPS)]
    await asyncio.gather(*(hang_up(client, confirm(order_id)) for order_id in orders))
    replies = await asyncio.gather(*(client.ask(confirm(order_id)) for order_id in orders))
    assert {reply.status for reply in replies} <= {200, 409}
    assert (await client.get(f"/products/{tea}"))["reserved"] == HANGUPS
    await assert_sound(standing)


async def test_many_who_hang_up_leave_the_service_well(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=10)
    path = f"/orders/?product_id={tea}"
    for ask in (Ask("GET", path), Ask("GET", "/readyz"), create([(tea, 1)])):
        await asyncio.gather(*(hang_up(client, ask) for _ in range(HANGUPS)))
    assert (await client.ask(Ask("GET", "/readyz"))).status == 200
    placed = await client.order((tea, 1))
    assert placed in [order["id"] for order in await client.get(f"{path}&limit=500")]


async def test_a_connection_that_says_nothing_holds_up_nobody(client: Client) -> None:
    silent = [await client.connect() for _ in range(50)]
    try:
        tea = await client.product(f"tea {uuid4()}", stock=1)
        assert (await client.ask(confirm(await client.order((tea, 1))))).status == 200
    finally:
        for _, writer in silent:
            writer.transport.abort()
