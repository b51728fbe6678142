"""One order, many clients, several processes: each thing that is done to it is done once, or refused."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.service import Service
from tests.reliability.audit import assert_sound
from tests.reliability.client import Ask, Client, Reply, cancel, confirm, create
from tests.reliability.order_load import edited, listed, verb
from tests.reliability.stockroom import balances, crowd, open_site, receive, total

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("workers", [2], ids=["two workers"]),
]

MANY = 24


async def tea_of(client: Client, stock: int) -> int:
    return await client.product(f"tea {uuid4()}", stock=stock)


async def confirmed(client: Client, *lines: tuple[int, int]) -> int:
    order_id = await client.order(*lines)
    assert (await client.ask(confirm(order_id))).status == 200
    return order_id


async def shown(client: Client, order_id: int) -> Any:
    return await client.get(f"/orders/{order_id}")


def statuses(replies: Sequence[Reply]) -> Counter[int]:
    return Counter(reply.status for reply in replies)


async def test_an_order_that_many_send_leaves_once(client: Client, standing: Service) -> None:
    tea = await tea_of(client, 9)
    order_id = await confirmed(client, (tea, 4))
    replies = await crowd(client, [verb(order_id, "/fulfillments", {})] * MANY)
    assert statuses(replies) == {201: 1, 409: MANY - 1}
    assert await total(client, tea) == (5, 0)
    await assert_sound(standing)


async def test_units_that_many_send_leave_as_often_as_there_are_some(
    client: Client, standing: Service
) -> None:
    tea = await tea_of(client, 99)
    order_id = await confirmed(client, (tea, 5), (tea, 2))
    one = verb(order_id, "/fulfillments", {"items": listed((tea, 1))})
    replies = await crowd(client, [one] * MANY)
    assert statuses(replies) == {201: 7, 409: MANY - 7}
    assert (await shown(client, order_id))["status"] == "Fulfilled"
    assert await total(client, tea) == (92, 0)
    await assert_sound(standing)


async def test_a_fulfillment_that_many_undo_is_undone_once(
    client: Client, standing: Service
) -> None:
    tea = await tea_of(client, 9)
    order_id = await confirmed(client, (tea, 4))
    sent = await client.ask(verb(order_id, "/fulfillments", {}))
    undo = verb(order_id, f"/fulfillments/{sent.json['id']}/undo", None)
    replies = await crowd(client, [undo] * MANY)
    assert statuses(replies) == {200: 1, 409: MANY - 1}
    assert await total(client, tea) == (9, 4)
    await assert_sound(standing)


async def test_what_many_bring_back_comes_back_once(client: Client, standing: Service) -> None:
    tea = await tea_of(client, 9)
    order_id = await confirmed(client, (tea, 5))
    await client.ask(verb(order_id, "/fulfillments", {}))
    back = {"items": listed((tea, 2)), "disposition": "restock"}
    replies = await crowd(client, [verb(order_id, "/returns", back)] * MANY)
    assert statuses(replies) == {201: 2, 409: MANY - 2}
    assert await total(client, tea) == (8, 0)
    await assert_sound(standing)


async def test_goods_are_undone_or_brought_back_but_not_both(
    client: Client, standing: Service
) -> None:
    for _ in range(4):
        tea = await tea_of(client, 9)
        order_id = await confirmed(client, (tea, 4))
        sent = await client.ask(verb(order_id, "/fulfillments", {}))
        back = {"items": listed((tea, 4)), "disposition": "restock"}
        undo = verb(order_id, f"/fulfillments/{sent.json['id']}/undo", None)
        replies = await crowd(client, [undo, verb(order_id, "/returns", back)] * 4)
        assert sum(reply.status < 300 for reply in replies) == 1
        assert (await total(client, tea))[0] == 9
    await assert_sound(standing)


async def test_an_order_is_sent_or_cancelled_but_not_both(
    client: Client, standing: Service
) -> None:
    for _ in range(4):
        tea = await tea_of(client, 9)
        order_id = await confirmed(client, (tea, 4))
        replies = await crowd(client, [verb(order_id, "/fulfillments", {}), cancel(order_id)] * 4)
        assert sum(reply.status < 300 for reply in replies) == 1
        status = (await shown(client, order_id))["status"]
        assert await total(client, tea) == {"Fulfilled": (5, 0), "Cancelled": (9, 0)}[status]
    await assert_sound(standing)


async def test_edits_of_one_order_by_many_leave_one_of_them(
    client: Client, standing: Service
) -> None:
    """Lines come and go, and the stock of each follows."""
    teas = [await tea_of(client, 99) for _ in range(3)]
    order_id = await confirmed(client, (teas[0], 1))
    wishes = [[(tea, 1 + n % 4)] for n, tea in enumerate(teas * 4)]
    wishes += [[(teas[0], 1), (tea, 2)] for tea in teas for _ in range(4)]
    replies = await crowd(client, [edited(order_id, {"items": listed(*w)}) for w in wishes])
    assert statuses(replies) == {200: len(wishes)}
    items = (await shown(client, order_id))["items"]
    left = [(one["product_id"], one["quantity"]) for one in items]
    assert left in wishes
    for tea in teas:
        wanted = sum(n for product_id, n in left if product_id == tea)
        assert await total(client, tea) == (99, wanted)
    await assert_sound(standing)


async def test_orders_that_grow_at_once_take_no_more_than_there_is(
    client: Client, standing: Service
) -> None:
    tea = await tea_of(client, 30)
    orders = [await confirmed(client, (tea, 1)) for _ in range(10)]
    replies = await crowd(client, [edited(n, {"items": listed((tea, 4))}) for n in orders])
    assert statuses(replies) == {200: 6, 409: 4}
    assert await total(client, tea) == (30, 28)
    await assert_sound(standing)


async def test_two_locations_that_many_orders_are_sent_from_are_both_right(
    client: Client, standing: Service
) -> None:
    """What is promised at one and sent from the other moves, as long as there is something free."""
    tea, annex = await tea_of(client, 20), await open_site(client)
    assert (await client.ask(receive(tea, 7, annex.code))).status == 201
    orders = [await confirmed(client, (tea, 2)) for _ in range(8)]
    asks = [verb(n, "/fulfillments", {"location": annex.code}) for n in orders]
    replies = await crowd(client, asks)
    assert statuses(replies) == {201: 3, 409: 5}
    assert await balances(client, tea) == {"main": (20, 10), annex.code: (1, 0)}
    await assert_sound(standing)


async def test_one_reference_that_many_ask_for_at_once_is_one_order(
    client: Client, standing: Service
) -> None:
    tea, reference = await tea_of(client, 9), f"shop-{uuid4()}"
    body = {"items": listed((tea, 1)), "reference": reference}
    others = [await client.order((tea, 1)) for _ in range(4)]
    asks = [Ask("POST", "/orders/", body)] * MANY
    asks += [edited(number, {"reference": reference}) for number in others]
    replies = await crowd(client, asks)
    (made,) = [reply for reply in replies if reply.status < 300]
    refused = [reply for reply in replies if reply.status >= 300]
    assert {(one.status, one.code) for one in refused} == {(409, "reference_taken")}
    assert {one.json["order_id"] for one in refused} == {made.json["id"]}
    await assert_sound(standing)


async def test_orders_on_which_everything_happens_at_once_add_up(
    client: Client, standing: Service
) -> None:
    chance = random.Random(11)
    teas = [await tea_of(client, 30) for _ in range(3)]
    lines = [(tea, 3) for tea in teas]
    orders = [await confirmed(client, *lines) for _ in range(4)]

    def anything() -> Ask:
        order_id, tea = chance.choice(orders), chance.choice(teas)
        one, back = listed((tea, 1)), chance.choice(["restock", "write_off"])
        return chance.choice(
            [
                verb(order_id, "/fulfillments", {"items": one}),
                verb(order_id, "/cancellations", {"items": one}),
                verb(order_id, "/returns", {"items": one, "disposition": back}),
                edited(order_id, {"items": listed(*((t, chance.randint(1, 6)) for t in teas))}),
                verb(order_id, "/fulfillments/1/undo", None),
                edited(order_id, {"on_hold_reason": chance.choice([None, None, "why"])}),
                create([(tea, 1)]),
            ]
        )

    for _ in range(3):
        replies = await crowd(client, [anything() for _ in range(80)])
        assert set(statuses(replies)) <= {200, 201, 404, 409}
        for order_id in orders:
            sent = await client.get(f"/orders/{order_id}/fulfillments")
            undo = [verb(order_id, f"/fulfillments/{one['id']}/undo", None) for one in sent[:2]]
            await asyncio.gather(*(client.ask(ask) for ask in undo * 3))
        await assert_sound(standing)
    await crowd(client, [cancel(order_id) for order_id in orders])
    for tea in teas:
        assert (await total(client, tea))[1] == 0
    await assert_sound(standing)
