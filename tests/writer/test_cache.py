"""Reads that are never stale: kept answers are checked, by a check that began after the reader came."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from leafcraft import revisions
from leafcraft.cache import ANSWER_SHARE_MAX, ENTRY_OVERHEAD_BYTES, Cache, Load, Watch
from leafcraft.db import Link, Reader
from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from tests.writer.workshop import Workshop, until

pytestmark = pytest.mark.anyio

ROOM_BYTES = 100_000


class Shelf:
    """What is read through the cache: the number of products, and how often it was really read."""

    def __init__(self, cache: Cache, watch: Watch) -> None:
        self.loads = 0
        self._cache = cache
        self._watch = watch

    async def count(self, request: str = "/count", padding: int = 0) -> int:
        async def load(reader: Reader) -> Answer:
            self.loads += 1
            ((count,),) = await reader.fetch("SELECT COUNT(*) FROM products")
            return Answer(200, str(count).encode().ljust(padding))

        return int((await self.answer(request, load)).body)

    async def answer(self, request: str, load: Load) -> Answer:
        known = await self._watch.now()
        return await self._cache.answer(request, ["products"], load, known=known)


@pytest.fixture
async def shelf(workshop: Workshop) -> AsyncIterator[Shelf]:
    watch = Watch(workshop.database)
    yield Shelf(Cache(workshop.database, ROOM_BYTES), watch)
    await watch.close()


async def test_an_answer_is_made_once_while_nothing_changes(
    workshop: Workshop, shelf: Shelf
) -> None:
    await workshop.product()
    assert [await shelf.count() for _ in range(5)] == [1] * 5
    assert shelf.loads == 1


async def test_a_change_makes_it_anew_and_a_change_of_something_else_does_not(
    workshop: Workshop, shelf: Shelf
) -> None:
    product_id = await workshop.product()
    assert await shelf.count() == 1
    await workshop.order((product_id, 1))
    assert await shelf.count() == 1
    assert shelf.loads == 1
    await workshop.product()
    assert await shelf.count() == 2


async def test_a_crowd_that_misses_reads_once(workshop: Workshop, shelf: Shelf) -> None:
    await workshop.product()
    assert await asyncio.gather(*(shelf.count() for _ in range(20))) == [1] * 20
    assert shelf.loads == 1


async def test_the_longest_unused_answers_go_when_there_is_no_room(shelf: Shelf) -> None:
    size = ROOM_BYTES // 10
    for name in ("a", "b", *map(str, range(7)), "a", *map(str, range(10, 13))):
        await shelf.count(name, size)
    loads = shelf.loads
    await shelf.count("a", size)
    assert shelf.loads == loads
    await shelf.count("b", size)
    assert shelf.loads == loads + 1
    assert shelf._cache._bytes <= ROOM_BYTES


async def test_an_answer_too_large_for_its_share_is_not_kept(shelf: Shelf) -> None:
    size = ROOM_BYTES // ANSWER_SHARE_MAX - ENTRY_OVERHEAD_BYTES
    for _ in range(2):
        await shelf.count("/large", size)
    assert shelf.loads == 2


async def test_what_a_load_refuses_is_not_kept(shelf: Shelf) -> None:
    async def refuse(_reader: Reader) -> Answer:
        raise Refusal(Code.NOT_FOUND, "no")

    with pytest.raises(Refusal):
        await shelf.answer("/count", refuse)
    assert await shelf.count() == 0


@pytest.mark.parametrize("database_kind", ["mariadb"])
async def test_a_reader_does_not_trust_a_check_that_began_before_it_came(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, checks, answered = Watch(workshop.database), 0, asyncio.Event()

    async def slow(link: Link) -> Mapping[str, int]:
        nonlocal checks
        found = await real(link)
        checks += 1
        if checks == 1:
            await answered.wait()
        return found

    real = revisions.current
    monkeypatch.setattr(revisions, "current", slow)
    early = asyncio.create_task(watch.now())
    await until(lambda: checks == 1)
    await workshop.product()
    late = [asyncio.create_task(watch.now()) for _ in range(3)]
    await asyncio.sleep(0)
    answered.set()
    assert "products" not in await early
    assert [(await one)["products"] for one in late] == [1] * 3
    assert checks == 2
    await watch.close()
