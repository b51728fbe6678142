"""A shop without its counter: actions go to the writer directly, and SQL looks at what came of it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from leafcraft.cause import Cause
from leafcraft.committer import Action
from leafcraft.db import Database, Link, Reader, Transaction
from leafcraft.errors import Refusal
from leafcraft.idempotency import Answer, Key
from leafcraft.orders import actions as orders
from leafcraft.orders.rules import Order
from leafcraft.products import actions as products
from leafcraft.products.store import Draft
from leafcraft.verify import verify
from leafcraft.writer import Writer

BY: Final = Cause("user:1", "request-1", "127.0.0.1")

WAIT_SECONDS_MAX: Final = 60.0
POLL_SECONDS: Final = 0.005
ARRIVAL: Final = "SELECT count FROM revisions"
"""How the question begins whether the last COMMIT arrived."""

_numbers = itertools.count(1)


class Workshop:
    """What the tests of the write path do over and over."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self.database = database
        self.writer = writer

    def beside(self, writer: Writer) -> "Workshop":
        """The same database through another writer, as in another process."""
        return Workshop(self.database, writer)

    async def product(self, stock: int = 10, *, price_minor: int = 250) -> int:
        name = f"tea-{next(_numbers)}"
        command = products.Create(Draft(name, name, price_minor), stock, BY)
        return (await self.writer.perform(products.create, command)).product.id

    async def order(self, *lines: tuple[int, int], key: Key | None = None) -> int:
        """A Pending order of (product, quantity) lines; its id."""
        answer = await self.place(*lines, key=key)
        assert answer.status == 201, answer
        return int(answer.body)

    async def place(self, *lines: tuple[int, int], key: Key | None = None) -> Answer:
        command = orders.Create(lines, "USD", BY)
        return await self.writer.submit(orders.create, command, told(201), key=key)

    async def confirm(self, order_id: int, key: Key | None = None) -> Answer:
        command = orders.Confirm(order_id, BY)
        return await self.writer.submit(orders.confirm, command, told(200), key=key)

    async def cancel(self, order_id: int, key: Key | None = None) -> Answer:
        command = orders.Cancel(order_id, BY)
        return await self.writer.submit(orders.cancel, command, told(200), key=key)

    async def level(self, product_id: int) -> tuple[int, int]:
        """On hand and reserved."""
        sql = "SELECT on_hand, reserved FROM stock_levels WHERE product_id = %s"
        ((on_hand, reserved),) = await self.rows(sql, product_id)
        return on_hand, reserved

    async def count(self, table: str) -> int:
        ((count,),) = await self.rows(f"SELECT COUNT(*) FROM {table}")
        return int(count)

    async def rows(self, sql: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        async def load(reader: Reader) -> Sequence[tuple[Any, ...]]:
            return await reader.fetch(sql, values)

        return await self.database.read(load)

    async def assert_sound(self) -> None:
        """Everything that must always be true is true."""
        broken = [finding for finding in await verify(self.database) if finding.discrepancies]
        assert broken == []


async def until(holds: Callable[[], bool], within_seconds: float = WAIT_SECONDS_MAX) -> None:
    """Returns once it holds; looks every few milliseconds."""
    async with asyncio.timeout(within_seconds):
        while not holds():  # noqa: ASYNC110 what is awaited lies in another task, or in another process
            await asyncio.sleep(POLL_SECONDS)


async def someone_waits(workshop: Workshop, statement: str) -> None:
    """Returns once some session of this MariaDB waits in a statement that begins like this."""
    sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE time_ms > 50 AND info LIKE %s"
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while await workshop.rows(sql, f"{statement}%") == [(0,)]:  # noqa: ASYNC110 a server's state
            await asyncio.sleep(POLL_SECONDS)


def key(name: str, request: str = "the request", caller: str = "user:1") -> Key:
    return Key.of(caller, name, request.encode(), secret=b"of the tests")


def told(status: int) -> Callable[[Order | Refusal], Answer]:
    """Renders an order as its id, and a refusal as its code: 409 for what is stored, else 422."""

    def render(outcome: Order | Refusal) -> Answer:
        if isinstance(outcome, Refusal):
            conflict = outcome.code.kind.name == "CONFLICT"
            return Answer(409 if conflict else 422, outcome.code.word.encode())
        return Answer(status, str(outcome.id).encode())

    return render


class Recorder:
    """An action that notes which commands came together, and leaves a mark for each that stays."""

    def __init__(self, *, fails_on: object = None) -> None:
        self.batches: list[list[Any]] = []
        self._fails_on = fails_on

    async def __call__(self, tx: Transaction, commands: Sequence[Any]) -> Sequence[Any]:
        self.batches.append(list(commands))
        tx.facts.extend(
            ("mark.made", "mark", 1, *BY, f'"{command}"', tx.now) for command in commands
        )
        if self._fails_on in commands:
            raise ValueError(f"{self._fails_on} can't be done")
        return commands


async def marks(workshop: Workshop) -> list[str]:
    """The marks that were committed, in order."""
    rows = await workshop.rows("SELECT data FROM events WHERE type = 'mark.made' ORDER BY id")
    return [data.strip('"') for (data,) in rows]


def same(outcome: Any) -> Any:
    return outcome


async def all_of(writer: Writer, action: Action[Any, Any], commands: Sequence[Any]) -> list[Any]:
    """Submits the commands in one turn of the loop; their outcomes, or what was raised."""
    return await asyncio.gather(
        *(writer.submit(action, command, same) for command in commands), return_exceptions=True
    )


@asynccontextmanager
async def link_to(database: Database) -> AsyncIterator[Link]:
    """A second connection, with nothing of the write path around it."""
    link = await database.link()
    try:
        yield link
    finally:
        await link.close()


@asynccontextmanager
async def transaction_on(link: Link) -> AsyncIterator[Transaction]:
    """A transaction that is rolled back at the end unless the test has ended it."""
    await link.run(link.begin)
    try:
        yield Transaction(link, 1)
    finally:
        await link.run(link.rollback)
