"""What was acknowledged is there for every reader, on every worker, although answers are kept in memory."""

import asyncio
from uuid import uuid4

import pytest

from tests.reliability.client import Ask, Client, confirm, create

pytestmark = pytest.mark.anyio

READERS = 6
ROUNDS = 8


async def everywhere(client: Client, path: str) -> list[object]:
    """The same question on several fresh connections: both workers are among those that answer."""
    return list(await asyncio.gather(*(client.get(path) for _ in range(READERS))))


@pytest.fixture
def workers() -> int:
    return 2


async def test_a_new_order_is_in_every_answer_after_it(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=100)
    listed = f"/orders/?product_id={tea}"
    placed: list[int] = []
    for _ in range(ROUNDS):
        await everywhere(client, listed)  # now every worker has the list in memory
        placed.append((await client.ask(create([(tea, 1)]))).json["id"])
        for shown in await everywhere(client, listed):
            assert [order["id"] for order in shown] == placed  # type: ignore[attr-defined]


async def test_a_confirmation_is_in_every_answer_after_it(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=100)
    for taken in range(1, ROUNDS):
        order_id = await client.order((tea, 1))
        paths = (
            f"/orders/{order_id}",
            f"/products/{tea}",
            f"/stock/levels?product_id={tea}",
            "/products/?sort=-id&limit=1",
        )
        for path in paths:
            await everywhere(client, path)
        assert (await client.ask(confirm(order_id))).status == 200
        order, product, levels, products = [await everywhere(client, path) for path in paths]
        assert {one["status"] for one in order} == {"Confirmed"}  # type: ignore[index]
        assert {one["reserved"] for one in product} == {taken}  # type: ignore[index]
        assert {one[0]["reserved"] for one in levels} == {taken}  # type: ignore[index]
        assert {one[0]["reserved"] for one in products} == {taken}  # type: ignore[index]


async def test_an_edit_is_in_every_answer_after_it(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=1)
    path = f"/products/{tea}"
    for cents in range(1, ROUNDS):
        await everywhere(client, path)
        reply = await client.ask(Ask("PATCH", path, {"price": cents}))
        assert reply.status == 200, reply
        assert {one["price"] for one in await everywhere(client, path)} == {cents}  # type: ignore[index]


async def test_readers_in_the_middle_of_writes_never_see_time_run_backwards(
    client: Client,
) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=1000)
    orders = [await client.order((tea, 1)) for _ in range(40)]
    acknowledged = 0
    done = asyncio.Event()

    async def write() -> None:
        nonlocal acknowledged
        for order_id in orders:
            assert (await client.ask(confirm(order_id))).status == 200
            acknowledged += 1
        done.set()

    async def read() -> None:
        seen = 0
        while not done.is_set():
            known = max(seen, acknowledged)
            seen = (await client.get(f"/products/{tea}"))["reserved"]
            assert seen >= known

    await asyncio.gather(write(), *(read() for _ in range(READERS)))
