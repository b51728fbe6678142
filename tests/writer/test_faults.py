"""Every single call to the database fails in turn: each time all of a command stands, or nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from leafcraft.db import Database, Link, Write
from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Key
from leafcraft.writer import Writer
from tests.writer.workshop import Workshop, key

pytestmark = pytest.mark.anyio

T = TypeVar("T")
CALLS_MAX = 60


class Faults:
    """Which call fails, counted over all connections; before it reaches the database or after."""

    def __init__(self, at: int, error: Exception, *, done: bool = False) -> None:
        self.at = at
        self.error = error
        self.done = done
        self.calls = 0

    async def around(self, call: Coroutine[Any, Any, T]) -> T:
        self.calls += 1
        fails = self.calls == self.at
        if fails and not self.done:
            call.close()
            raise self.error
        result = await call
        if fails:
            raise self.error
        return result


class FaultyLink(Link):
    """A real connection, on which one call goes wrong."""

    def __init__(self, real: Link, faults: Faults) -> None:
        self.for_update = real.for_update
        self.for_share = real.for_share
        self._real = real
        self._faults = faults

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await self._real.run(work)

    async def begin(self) -> None:
        await self._faults.around(self._real.begin())

    async def commit(self) -> None:
        await self._faults.around(self._real.commit())

    async def rollback(self) -> None:
        await self._real.rollback()

    async def close(self) -> None:
        await self._real.close()

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        return await self._faults.around(self._real.fetch(sql, values))

    async def insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> list[int]:
        return await self._faults.around(self._real.insert(table, columns, rows))

    async def write(self, write: Write) -> int:
        return await self._faults.around(self._real.write(write))


class Unlucky(Database):
    """The database, over connections on which one call goes wrong."""

    faults: Faults

    async def link(self) -> Link:
        return FaultyLink(await super().link(), self.faults)


@pytest.fixture
async def unlucky(database_url: str, tmp_path: Path) -> AsyncIterator[Unlucky]:
    database = Unlucky(database_url, tmp_path)
    yield database
    await database.close()


async def outcome_of(shop: Workshop, order_id: int, named: Key | None) -> int | Refusal:
    try:
        return (await shop.confirm(order_id, named)).status
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize("named", [True, False], ids=["with a key", "without a key"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "error", [ConnectionResetError(), ValueError("a defect")], ids=["lost", "defect"]
)
async def test_whichever_call_fails_a_confirmation_is_whole_or_nothing(
    workshop: Workshop, unlucky: Unlucky, error: Exception, done: bool, named: bool
) -> None:
    product_id = await workshop.product(stock=CALLS_MAX)
    for at in range(1, CALLS_MAX):
        order_id = await workshop.order((product_id, 1))
        unlucky.faults = Faults(at, error, done=done)
        writer = Writer(unlucky)
        name = key(f"confirm {order_id}") if named else None
        outcome = await outcome_of(Workshop(unlucky, writer), order_id, name)
        _, reserved = await workshop.level(product_id)
        if outcome == 200:
            assert reserved == at, f"call {at}: {outcome}"
        else:
            assert isinstance(outcome, Refusal), f"call {at}: {outcome}"
            assert outcome.code is Code.INTERNAL_ERROR
            assert reserved == at - 1, f"call {at}: refused, and still applied"
            unlucky.faults = Faults(0, error)
            again = await outcome_of(Workshop(unlucky, writer), order_id, name)
            assert again == 200, f"call {at}: the retry got {again}"
        await writer.stop()
        if unlucky.faults.at and unlucky.faults.calls < at:
            break
    else:
        pytest.fail("the confirmation never ends")
    await workshop.assert_sound()


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_a_defect_anywhere_in_a_batch_costs_nobody_an_answer(
    workshop: Workshop, unlucky: Unlucky, done: bool
) -> None:
    product_id = await workshop.product(stock=1000)
    for at in range(1, CALLS_MAX):
        order_ids = [await workshop.order((product_id, 1)) for _ in range(3)]
        unlucky.faults = Faults(at, ValueError("a defect"), done=done)
        writer = Writer(unlucky)
        shop = Workshop(unlucky, writer)
        outcomes = await asyncio.gather(*(outcome_of(shop, one, None) for one in order_ids))
        assert outcomes == [200] * 3, f"call {at}"
        await writer.stop()
        if unlucky.faults.calls < at:
            break
    else:
        pytest.fail("the batch never ends")
    await workshop.assert_sound()
