"""One key, many retries, any number of processes: one effect and one answer."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from tests.reliability.client import Ask, Client, Reply, confirm, create

pytestmark = pytest.mark.anyio

RETRIES = 64


async def crowd(client: Client, *asks: Ask) -> list[Reply]:
    """All at once, each on a connection of its own."""
    return list(await asyncio.gather(*map(client.ask, asks)))


async def orders_of(client: Client, product_id: int) -> list[int]:
    found = await client.get(f"/orders/?product_id={product_id}&limit=500")
    return [order["id"] for order in found]


def assert_one_answer(replies: list[Reply]) -> None:
    """The same status and bytes for all, and all but one say that it is the first answer again."""
    assert len({(reply.status, reply.body) for reply in replies}) == 1, replies
    assert Counter(reply.replayed for reply in replies) == {False: 1, True: len(replies) - 1}


async def test_many_retries_at_once_place_one_order(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=100)
    replies = await crowd(client, *[create([(tea, 1)], str(uuid4()))] * RETRIES)
    assert_one_answer(replies)
    assert await orders_of(client, tea) == [replies[0].json["id"]]


async def test_many_retries_at_once_confirm_once(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=100)
    order_id = await client.order((tea, 2))
    replies = await crowd(client, *[confirm(order_id, str(uuid4()))] * RETRIES)
    assert_one_answer(replies)
    assert replies[0].status == 200
    assert (await client.get(f"/products/{tea}"))["reserved"] == 2


async def test_many_retries_at_once_are_refused_alike(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=1)
    order_id = await client.order((tea, 2))
    replies = await crowd(client, *[confirm(order_id, str(uuid4()))] * RETRIES)
    assert_one_answer(replies)
    assert replies[0].status == 409


async def test_many_retries_at_once_create_one_product(client: Client) -> None:
    body = {"name": f"tea {uuid4()}", "price": 1.5, "stock_quantity": 3}
    replies = await crowd(client, *[Ask("POST", "/products/", body, str(uuid4()))] * 16)
    assert_one_answer(replies)
    assert replies[0].status == 201
    assert (await client.get(f"/products/{replies[0].json['id']}"))["on_hand"] == 3


async def test_a_key_in_the_middle_of_a_crowd_of_others_has_one_effect(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=100)
    keys = [str(uuid4()) for _ in range(16)]
    replies = await crowd(client, *(create([(tea, 1)], key) for key in keys * 4))
    for n in range(16):
        assert_one_answer(replies[n::16])
    assert len(await orders_of(client, tea)) == 16


async def test_a_key_with_another_body_is_refused_and_changes_nothing(client: Client) -> None:
    tea = await client.product(f"tea {uuid4()}", stock=100)
    key = str(uuid4())
    asks = [create([(tea, n)], key) for n in (1, 2)]
    replies = await crowd(client, *(asks * 8))
    by_status = Counter(reply.status for reply in replies)
    assert by_status == {201: 8, 422: 8}
    assert {reply.code for reply in replies if reply.status == 422} == {"idempotency_key_reused"}
    assert len(await orders_of(client, tea)) == 1


async def test_racing_products_of_one_sku_make_one_product(client: Client) -> None:
    sku = f"race-{uuid4()}"
    body = {"name": "tea", "sku": sku, "price": 1, "stock_quantity": 1}
    replies = await crowd(client, *[Ask("POST", "/products/", body)] * 16)
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 15}
    assert {reply.code for reply in replies if reply.status == 409} == {"sku_taken"}
