"""A movement that is taken back while it is written, or by two at once: once, and never by half."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from leafcraft.cause import Cause
from leafcraft.db import Database, Source
from leafcraft.errors import Code, Refusal
from leafcraft.stock import actions as stock
from leafcraft.stock import locations, reversals, store
from leafcraft.stock.rules import Movement
from leafcraft.writer import Writer
from tests.writer.workshop import BY, Workshop, same

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_kind", ["mariadb"])]

BESIDE = Cause("user:2", "request-2", "127.0.0.1")


@pytest.fixture
async def rooms(database_url: str, tmp_path: Path) -> AsyncIterator[list[Workshop]]:
    """Two writers over one database, as in two processes; the first has opened the annex."""
    database = Database(database_url, tmp_path)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        opened = [Workshop(database, Writer(database)) for _ in range(2)]
        for one in opened:
            stack.push_async_callback(one.writer.stop)
        annex = locations.AddLocation("annex", "Annex", 1, BY)
        await opened[0].writer.perform(locations.add_location, annex)
        yield opened


async def carry(room: Workshop, tea: int) -> list[int]:
    command = stock.Transfer(tea, 5, "main", "annex", BY)
    return [entry.id for entry in await room.writer.perform(stock.transfer, command)]


async def undo(room: Workshop, number: int) -> object:
    return await room.writer.submit(reversals.reverse, reversals.Reverse(number, BESIDE), same)


async def test_a_transfer_that_is_committed_while_it_is_looked_up_is_whole(
    rooms: list[Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody guesses the number of a movement that is just being written."""
    tea = await rooms[0].product(stock=10)
    look_up, written = store.links, asyncio.Event()

    async def links(source: Source, asked: Iterable[int]) -> Mapping[tuple[int, str], int]:
        found = await look_up(source, asked)
        if not written.is_set():
            written.set()
            assert await carry(rooms[0], tea) == [2, 3]
        return found

    monkeypatch.setattr(store, "links", links)
    outcome = await undo(rooms[1], 2)
    assert not isinstance(outcome, Refusal) or outcome.code is Code.NOT_FOUND
    await rooms[0].assert_sound()


async def test_two_who_look_at_the_same_moment_do_not_both_take_it_back(
    rooms: list[Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked up what the movement belongs to before either of them locks anything."""
    tea = await rooms[0].product(stock=10)
    numbers = await carry(rooms[0], tea)
    look_up, both = store.movements, asyncio.Barrier(2)
    waited: set[Source] = set()

    async def movements(source: Source, asked: Iterable[int]) -> Mapping[int, Movement]:
        found = await look_up(source, asked)
        if source not in waited and len(waited) < 2:
            waited.add(source)
            await both.wait()
        return found

    monkeypatch.setattr(store, "movements", movements)
    outcomes = await asyncio.gather(
        *(undo(room, number) for room, number in zip(rooms, numbers, strict=True))
    )
    (refusal,) = [one for one in outcomes if isinstance(one, Refusal)]
    assert refusal.code is Code.CONFLICT
    assert await rooms[0].rows("SELECT on_hand FROM stock_levels ORDER BY location_id") == [
        (10,),
        (0,),
    ]
    await rooms[0].assert_sound()
