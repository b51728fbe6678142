"""Cached reads: as fast as memory, and never older than the last commit of any process."""

import asyncio

import pytest

from leafcraft.app import compose, opened
from leafcraft.cache import Cache
from leafcraft.db import Reader
from leafcraft.idempotency import Answer
from leafcraft.metrics import cache_hits, cache_misses
from tests.builders import Shop, found, open_shop
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

PATHS = ("/products/", "/products/1", "/orders/", "/orders/1", "/stock/levels", "/stock/movements")


def counted() -> tuple[float, float]:
    """Hits and misses so far in this process."""
    hits, misses = (
        sample.value
        for counter in (cache_hits, cache_misses)
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )
    return hits, misses


async def test_the_second_read_is_a_hit_and_a_write_makes_the_next_a_miss(shop: Shop) -> None:
    tea = await shop.product()
    steps = []
    for write in (False, False, True, False):
        if write:
            found(await shop.patch(f"/products/{tea['id']}", {"price": 7}))
        before = counted()
        await shop.get("/products/")
        after = counted()
        steps.append((after[0] - before[0], after[1] - before[1]))
    assert steps == [(0, 1), (1, 0), (0, 1), (1, 0)]


async def test_hits_and_misses_are_told_in_the_metrics(shop: Shop) -> None:
    await shop.get("/products/")
    hits, misses = counted()
    text = (await shop.get("/metrics")).text
    assert f"leafcraft_cache_hits_total {hits}" in text
    assert f"leafcraft_cache_misses_total {misses}" in text


async def test_a_write_elsewhere_leaves_what_it_can_not_have_changed(shop: Shop) -> None:
    await shop.order((await shop.product(), 1))
    await shop.get("/orders/")
    await shop.product()
    before = counted()
    await shop.get("/orders/")
    assert counted() == (before[0] + 1, before[1])


@pytest.mark.parametrize("path", PATHS)
async def test_a_commit_of_one_process_is_seen_at_once_by_another(
    make_settings: MakeSettings, path: str
) -> None:
    async with open_shop(make_settings()) as one, open_shop(make_settings()) as two:
        tea = await one.product(stock=50)
        order = await one.order((tea, 1))
        seen = [(await two.get(path)).content, (await two.get(path)).content]
        await one.confirm(order)
        seen.append((await two.get(path)).content)
        await two.cancel(order)
        seen.append((await one.get(path)).content)
        assert seen[0] == seen[1] != seen[2] != seen[3]
        assert seen[3] == (await two.get(path)).content


async def test_two_processes_that_write_in_turns_never_read_the_past(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings()) as one, open_shop(make_settings()) as two:
        tea = await one.product(stock=40)
        for sold in range(1, 21):
            writer, reader = (one, two) if sold % 2 else (two, one)
            await writer.confirm(await writer.order((tea, 1)))
            for shop in (reader, writer):
                assert (await shop.reload(tea))["reserved"] == sold
                levels = (await shop.get("/stock/levels")).json()
                assert levels[0]["reserved"] == sold


async def test_readers_in_a_crowd_see_every_write_acknowledged_before_they_asked(
    shop: Shop,
) -> None:
    tea = await shop.product(stock=30)
    acknowledged = 0

    async def sell() -> None:
        nonlocal acknowledged
        for _ in range(15):
            await shop.confirm(await shop.order((tea, 1)))
            acknowledged += 1

    async def look() -> None:
        while acknowledged < 15:
            at_least = acknowledged
            assert (await shop.reload(tea))["reserved"] >= at_least

    await asyncio.gather(sell(), *(look() for _ in range(8)))


async def test_a_304_is_as_fresh_as_a_200(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings()) as one, open_shop(make_settings()) as two:
        tea = await one.product()
        tag = (await two.get("/products/")).headers["etag"]
        held = {"If-None-Match": tag}
        assert (await two.get("/products/", headers=held)).status_code == 304
        found(await one.patch(f"/products/{tea['id']}", {"price": 3}))
        assert (await two.get("/products/", headers=held)).status_code == 200


async def test_each_query_has_an_answer_of_its_own(shop: Shop) -> None:
    await shop.product(stock=1)
    await shop.product(stock=0)
    for _ in range(2):
        for query, rows in (("", 2), ("?in_stock=true", 1), ("?limit=1", 1), ("?q=nothing", 0)):
            assert len((await shop.get(f"/products/{query}")).json()) == rows


async def test_a_missing_product_is_found_once_it_is_there(shop: Shop) -> None:
    assert (await shop.get("/products/1")).status_code == 404
    await shop.product()
    assert (await shop.get("/products/1")).status_code == 200


async def test_without_a_cache_everything_is_read_anew(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings(cache_mb=0)) as shop:
        await shop.product()
        before = counted()
        for _ in range(3):
            assert len((await shop.get("/products/")).json()) == 1
        assert counted() == (before[0], before[1] + 3)


async def test_the_cache_keeps_the_answers_asked_for_last_within_its_room(
    make_settings: MakeSettings,
) -> None:
    runtime = compose(make_settings()).runtime
    async with opened(runtime):
        cache = Cache(runtime.database, bytes_max=20_000)
        loads: list[str] = []

        async def ask(name: str, size: int = 500) -> None:
            async def load(_: Reader) -> Answer:
                loads.append(name)
                return Answer(200, b"x" * size)

            known = await runtime.watch.now()
            await cache.answer(name, ("orders",), load, known=known)

        for number in range(100):
            await ask(f"answer {number}")
        loads.clear()
        await ask("answer 99")
        await ask("answer 98")
        assert loads == []
        await ask("answer 0")
        assert loads == ["answer 0"]
        for _ in range(2):
            await ask("giant", 19_000)
        assert loads == ["answer 0", "giant", "giant"]
        await ask("answer 99")
        assert loads[3:] == []
