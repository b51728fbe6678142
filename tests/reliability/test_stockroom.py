"""Everybody moves goods at once: nothing appears, nothing vanishes, and of those who race one wins."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.harness.service import Service
from tests.reliability.audit import assert_sound
from tests.reliability.client import Ask, Client, Reply, cancel, confirm, create
from tests.reliability.stockroom import (
    CLIENTS,
    MAIN,
    Site,
    activate,
    adjust,
    balances,
    carrying,
    count,
    crowd,
    holding,
    moved,
    open_site,
    receipt,
    receive,
    reverse,
    total,
    transfer,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        ("database_kind", "workers"),
        [("mariadb", 2), ("sqlite", 1)],
        ids=["mariadb, two workers", "sqlite"],
    ),
]

SEED: Final = 20_260_202

Stall = tuple[int, list[str]]
"""A product, and the locations where it lies."""


async def tea_at(client: Client, stock: int, sites: int = 2) -> Stall:
    """A product with as much at each location of a ring, `main` among them."""
    tea = await client.product(f"tea {uuid4()}", stock)
    ring = [MAIN, *[(await open_site(client)).code for _ in range(sites)]]
    replies = await crowd(client, [receive(tea, stock, here) for here in ring[1:]])
    assert {reply.status for reply in replies} <= {201}
    return tea, ring


def ways(ring: list[str]) -> list[tuple[str, str]]:
    """Every step of the ring, there and back."""
    there = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    return [*there, *[(here, there) for there, here in there]]


async def test_goods_that_go_round_and_round_stay_as_many(
    client: Client, standing: Service
) -> None:
    """Both ways at once, so that every two locations are locked from both sides."""
    chance = random.Random(SEED)
    tea, ring = await tea_at(client, 1000)
    trips = [(chance.choice(ways(ring)), chance.randint(1, 5)) for _ in range(3 * CLIENTS)]
    replies = await crowd(client, [transfer(tea, n, way) for way, n in trips])
    assert Counter(reply.status for reply in replies) == {201: len(trips)}
    left = Counter(dict.fromkeys(ring, 1000))
    for (there, here), n in trips:
        left[there] -= n
        left[here] += n
    assert await balances(client, tea) == {here: (left[here], 0) for here in ring}
    await assert_sound(standing)


async def test_lists_that_name_the_same_goods_in_other_orders_all_get_through(
    client: Client, standing: Service
) -> None:
    """Whoever locks in the order of the list would stand in the way of the next list for ever."""
    chance = random.Random(SEED)
    there = await open_site(client)
    teas = [await client.product(f"tea {uuid4()}", 1000) for _ in range(8)]
    lists = [chance.sample(teas, len(teas)) for _ in range(CLIENTS)]
    asks = [
        Ask("POST", "/stock/transfers", [carrying(tea, 1, (MAIN, there.code)) for tea in wanted])
        for wanted in lists
    ]
    replies = await crowd(client, asks)
    assert {reply.status for reply in replies} == {200}
    assert {result["status_code"] for r in replies for result in r.json["results"]} == {201}
    for tea in teas:
        assert await balances(client, tea) == {
            MAIN: (1000 - CLIENTS, 0),
            there.code: (CLIENTS, 0),
        }
    await assert_sound(standing)


async def test_the_last_units_leave_once(client: Client, standing: Service) -> None:
    tea, ring = await tea_at(client, 10)
    replies = await crowd(client, [transfer(tea, 1, (MAIN, ring[1]))] * CLIENTS)
    assert Counter(reply.status for reply in replies) == {201: 10, 409: CLIENTS - 10}
    assert {r.code for r in replies if r.status == 409} == {"insufficient_stock"}
    assert await balances(client, tea) == {MAIN: (0, 0), ring[1]: (20, 0), ring[2]: (10, 0)}
    await assert_sound(standing)


async def test_of_many_who_counted_the_same_shelf_one_is_believed(
    client: Client, standing: Service
) -> None:
    tea = await client.product(f"tea {uuid4()}", 10)
    for expected in (10, 1000):
        asks = [count(tea, 1000 if expected == 10 else 20 + n, expected) for n in range(CLIENTS)]
        replies = await crowd(client, asks)
        assert Counter(reply.status for reply in replies) == {201: 1, 409: CLIENTS - 1}
        (winner,) = [reply.json for reply in replies if reply.status == 201]
        told = {(r.code, r.json["on_hand"]) for r in replies if r.status == 409}
        assert told == {("conflict", winner["on_hand_after"])}
    await assert_sound(standing)


async def test_a_mistake_is_taken_back_once_however_many_notice(
    client: Client, standing: Service
) -> None:
    tea, ring = await tea_at(client, 50)
    asks = [receive(tea, 5), adjust(tea, -3), transfer(tea, 7, (MAIN, ring[1]))]
    for mistake in [await client.ask(ask) for ask in asks]:
        numbers = [movement["id"] for movement in moved(mistake)]
        replies = await crowd(client, [reverse(number) for number in numbers * 20])
        assert Counter(reply.status for reply in replies) == {201: 1, 409: len(replies) - 1}
        assert {r.code for r in replies if r.status == 409} == {"conflict"}
    assert await balances(client, tea) == dict.fromkeys(ring, (50, 0))
    await assert_sound(standing)


async def test_everything_at_once_adds_up_to_what_was_told(
    client: Client, standing: Service
) -> None:
    chance = random.Random(SEED)
    stalls = [await tea_at(client, 60) for _ in range(3)]
    teas = [tea for tea, _ in stalls]
    replies: list[Reply] = []

    async def ask(wanted: Ask) -> Reply:
        replies.append(await client.ask(wanted))
        return replies[-1]

    for _ in range(3):
        await asyncio.gather(*(visit(ask, stalls, chance) for _ in range(CLIENTS)))
    assert {reply.status for reply in replies} <= {200, 201, 409}
    on_hand = Counter(dict.fromkeys(teas, 180))
    for movement in [one for r in replies if r.status == 201 for one in moved(r)]:
        if "on_hand_delta" in movement:  # an order has none
            on_hand[movement["product_id"]] += movement["on_hand_delta"]
    reserved = await promised(client, teas)
    assert {tea: await total(client, tea) for tea in teas} == {
        tea: (on_hand[tea], reserved[tea]) for tea in teas
    }
    await assert_sound(standing)


async def visit(
    ask: Callable[[Ask], Awaitable[Reply]], stalls: list[Stall], chance: random.Random
) -> None:
    """Goods come and go, some are carried and taken back, and an order is placed and walked."""
    tea, ring = chance.choice(stalls)
    await ask(receive(tea, chance.randint(1, 5), chance.choice(ring)))
    await ask(adjust(tea, -chance.randint(1, 9), chance.choice(ring)))
    carried = await ask(transfer(tea, chance.randint(1, 30), chance.choice(ways(ring))))
    for movement in moved(carried)[: chance.randint(0, 2)]:
        await ask(reverse(movement["id"]))
    lines = [(chance.choice(stalls)[0], chance.randint(1, 9)) for _ in range(2)]
    placed = await ask(create(lines) if chance.random() < 0.5 else holding(lines))
    steps = [confirm, cancel][: chance.randint(0, 2)] if placed.status == 201 else []
    for step in steps:
        await ask(step(placed.json["id"]))


async def promised(client: Client, teas: list[int]) -> Counter[int]:
    """What the orders of these products have, by product."""
    found: Counter[int] = Counter()
    orders: dict[int, dict[str, Any]] = {}
    for tea in teas:
        orders |= {o["id"]: o for o in await client.get(f"/orders/?product_id={tea}&limit=500")}
    for order in orders.values():
        if order["status"] == "Confirmed" or (order["status"] == "Pending" and order["expires_at"]):
            for item in order["items"]:
                found[item["product_id"]] += item["quantity"]
    return found


async def test_a_location_that_closes_while_goods_arrive_is_empty_or_open(
    client: Client, standing: Service
) -> None:
    """They come in by receipts, by transfers, and because what had left is taken back."""
    chance = random.Random(SEED)
    tea = await client.product(f"tea {uuid4()}", 10_000)
    for _ in range(24):
        site = await open_site(client)
        await client.ask(receive(tea, 2, site.code))
        left = await client.ask(transfer(tea, 2, (site.code, MAIN)))
        asks = [receive(tea, 1, site.code), transfer(tea, 1, (MAIN, site.code))] * 2
        asks.append(Ask("POST", "/stock/receipts", [receipt(tea, 1, site.code)] * 2))
        asks += [reverse(movement["id"]) for movement in moved(left)]
        asks = asks[: chance.randint(1, len(asks))] if chance.random() < 0.5 else asks[-2:]
        asks += [activate(site, active=False)] * 2
        chance.shuffle(asks)
        replies = await crowd(client, asks)
        assert {reply.status for reply in replies} <= {200, 201, 409}
        assert {reply.code for reply in replies if reply.status == 409} <= {"conflict"}
        arrived = sum(one["on_hand_delta"] for r in replies for one in arrivals(r, site))
        assert (await balances(client, tea))[site.code] == (arrived, 0)
        assert arrived == 0 or await is_open(client, site)
    await assert_sound(standing)


def arrivals(reply: Reply, site: Site) -> list[dict[str, int]]:
    found = moved(reply)
    return [one for one in found if one.get("location") == site.code]


async def is_open(client: Client, site: Site) -> bool:
    found = {one["id"]: one["active"] for one in await client.get("/locations/?sort=-id&limit=5")}
    return bool(found[site.id])


async def test_no_more_is_held_than_there_is(client: Client, standing: Service) -> None:
    """Over three locations, with orders that want more than any of them has; then they are confirmed."""
    chance = random.Random(SEED)
    tea, _ = await tea_at(client, 11)
    wanted = [chance.randint(1, 3) for _ in range(CLIENTS)]
    replies = await crowd(client, [holding([(tea, n)]) for n in wanted])
    assert {reply.status for reply in replies} == {201, 409}
    held = sum(n for n, reply in zip(wanted, replies, strict=True) if reply.status == 201)
    refused = [n for n, reply in zip(wanted, replies, strict=True) if reply.status == 409]
    assert all(n > 33 - held for n in refused), "who was refused could not have been served"
    assert await total(client, tea) == (33, held)
    orders = [reply.json["id"] for reply in replies if reply.status == 201]
    steps = [step(order_id) for order_id in orders for step in (confirm, confirm, cancel)]
    chance.shuffle(steps)
    replies = await crowd(client, [*steps, *[holding([(tea, 1)]) for _ in range(8)]])
    assert {reply.status for reply in replies} <= {200, 201, 409}
    newly = sum(reply.status == 201 for reply in replies)
    assert await total(client, tea) == (33, newly)
    await assert_sound(standing)
