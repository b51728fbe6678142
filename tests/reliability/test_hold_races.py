"""Several writers with clocks of their own over one database: a hold ends once, and for everyone alike."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from leafcraft import times
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal
from leafcraft.orders import actions as orders
from leafcraft.orders import holds
from leafcraft.orders.rules import Status
from leafcraft.stock import actions as stock
from leafcraft.writer import Writer
from tests.builders import NOON, Clock
from tests.writer.workshop import BY, Workshop, same

pytestmark = pytest.mark.anyio

ROUNDS: Final = 12
END: Final = NOON + times.MICROS_PER_MINUTE
"""When a hold of a minute ends that was begun at noon."""


class Till(Workshop):
    """A workshop with a clock of its own, as on another machine."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, Writer(database, clock))
        self.clock = clock

    async def do(self, action: Any, command: Any) -> Any:
        return await self.writer.submit(action, command, same)

    async def held(self, *lines: tuple[int, int], minutes: int = 1) -> int:
        made = await self.do(orders.create, orders.Create(lines, "USD", BY, minutes))
        order_id: int = made.id
        return order_id

    async def confirms(self, order_id: int) -> Any:
        return await self.do(orders.confirm, orders.Confirm(order_id, BY))

    async def sweep(self) -> int:
        swept = await self.do(holds.expire, holds.Expire(BY))
        return int(swept)

    async def status(self, order_id: int) -> str:
        ((status,),) = await self.rows("SELECT status FROM orders WHERE id = %s", order_id)
        return str(status)


@pytest.fixture
async def tills(database_url: str, tmp_path: Path) -> AsyncIterator[list[Till]]:
    """Three of them, each with a writer and a connection of its own."""
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(3):
            clock = Clock()
            database = Database(database_url, tmp_path, clock)
            stack.push_async_callback(database.close)
            opened.append(Till(database, clock))
            stack.push_async_callback(opened[-1].writer.stop)
        yield opened


@pytest.fixture(autouse=True)
def _only_the_first_line_of_defence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A guard that holds, or a batch that is taken apart, would make up for a lock that is missing."""
    yield
    told = [record.message for record in caplog.get_records("call")]
    assert [line for line in told if re.search("guard held|one at a time|failed", line)] == []


def at(till: Till, moment: int) -> Till:
    till.clock.at = moment
    return till


def won(outcome: Any) -> bool:
    return not isinstance(outcome, Refusal)


async def test_the_last_unit_goes_to_its_owner_or_to_another_never_to_both(
    tills: list[Till],
) -> None:
    """The owner's clock says that the hold runs still; that of the buyer says that it is over."""
    chance = random.Random(1)
    first = tills[0]
    for _ in range(ROUNDS):
        tea = await at(first, NOON).product(stock=1)
        mine, yours = await first.held((tea, 1)), await first.order((tea, 1))
        slow, fast = at(tills[1], END - 1), at(tills[2], END)
        racers = [slow.confirms(mine), fast.confirms(yours)]
        chance.shuffle(racers)
        outcomes = await asyncio.gather(*racers)
        assert sorted(map(won, outcomes)) == [False, True]
        sold = {await first.status(mine), await first.status(yours)}
        assert sold in ({"Confirmed", "Pending"}, {"Expired", "Confirmed"})
        assert await first.level(tea) == (1, 1)
        at(first, END + 1)
        await first.sweep()
        await first.assert_sound()


async def test_a_hold_is_released_once_however_many_notice_that_it_has_ended(
    tills: list[Till],
) -> None:
    """Sweepers, buyers, the owner and the stockroom, all at once."""
    first = tills[0]
    teas = [await at(first, NOON).product(stock=40) for _ in range(2)]
    held = [await first.held((teas[0], 1), (teas[1], 1)) for _ in range(30)]
    for till in tills:
        at(till, END)
    outcomes = await asyncio.gather(
        *(till.sweep() for till in tills * 3),
        *(till.confirms(order_id) for till in tills for order_id in held[:10]),
        *(tills[1].cancel(order_id) for order_id in held[10:15]),
        *(till.do(stock.receive, stock.Receive(tea, 1, BY)) for till in tills for tea in teas),
        *(tills[2].held((teas[0], 1)) for _ in range(10)),
    )
    while await first.sweep():
        pass  # what one leaves, the next one takes
    refused = [one for one in outcomes if isinstance(one, Refusal)]
    assert {one.code for one in refused} == {Code.ORDER_EXPIRED}
    assert await first.level(teas[0]) == (43, 10)
    assert await first.level(teas[1]) == (43, 0)
    released = await first.rows(
        "SELECT order_id, COUNT(*), SUM(reserved_delta) FROM stock_movements"
        " WHERE kind = 'release' GROUP BY order_id ORDER BY order_id"
    )
    assert [(order, int(n), int(sum_)) for order, n, sum_ in released] == [
        (order, 2, -2) for order in held
    ]
    told = await first.rows("SELECT subject_id FROM events WHERE type = 'order.expired'")
    assert sorted(order for (order,) in told) == held
    assert {await first.status(order) for order in held} == {Status.EXPIRED.value}
    await first.assert_sound()


async def test_who_prolongs_by_a_slow_clock_keeps_all_or_nothing(tills: list[Till]) -> None:
    """Another product of the order may have been taken by somebody whose clock is ahead."""
    first = tills[0]
    for _ in range(ROUNDS):
        teas = [await at(first, NOON).product(stock=1) for _ in range(2)]
        order_id = await first.held(*((tea, 1) for tea in teas))
        slow, fast = at(tills[1], END - 1), at(tills[2], END + 1)
        rival = await fast.order((teas[1], 1))
        prolonged, taken = await asyncio.gather(
            slow.do(holds.hold, holds.Hold(order_id, 5, BY)), fast.confirms(rival)
        )
        assert won(prolonged) != won(taken)
        levels = [await first.level(tea) for tea in teas]
        assert levels == ([(1, 1), (1, 1)] if won(prolonged) else [(1, 0), (1, 1)])
        await at(first, END + 1).sweep()
        await first.assert_sound()


async def test_clocks_that_disagree_make_neither_more_stock_nor_less(tills: list[Till]) -> None:
    """Three tills half a minute apart do whatever they like with four products."""
    chance = random.Random(7)
    teas = [await at(tills[0], NOON).product(stock=12) for _ in range(4)]

    async def visit(till: Till) -> None:
        lines = [(tea, chance.randint(1, 3)) for tea in chance.sample(teas, 2)]
        made = await till.do(
            orders.create, orders.Create(lines, "USD", BY, chance.choice([None, 1, 2]))
        )
        if isinstance(made, Refusal):
            await till.sweep()
            return
        for _ in range(chance.randint(0, 2)):
            await asyncio.sleep(0)
            action, command = chance.choice(
                [
                    (orders.confirm, orders.Confirm(made.id, BY)),
                    (orders.cancel, orders.Cancel(made.id, BY)),
                    (holds.hold, holds.Hold(made.id, 1, BY)),
                ]
            )
            await chance.choice(tills).do(action, command)

    for turn in range(10):
        for n, till in enumerate(tills):
            at(till, NOON + 20 * times.MICROS_PER_SECOND * turn + n * times.MICROS_PER_MINUTE // 2)
        await asyncio.gather(*(visit(till) for till in tills * 8))
    for till in tills:
        at(till, NOON + times.MICROS_PER_DAY)
    while await tills[0].sweep():
        pass
    await tills[0].assert_sound()
