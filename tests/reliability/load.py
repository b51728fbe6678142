"""Mixed load that remembers everything: what was acknowledged, what was not, and what must be true of it later."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

from tests.harness.service import Service
from tests.reliability import audit
from tests.reliability.client import Ask, Client, NotSent, Reply, Untold, cancel, confirm, create
from tests.reliability.stockroom import moved
from tests.writer.workshop import until

BUYERS: Final = 12
PAUSE_SECONDS: Final = 0.02
PROGRESS_SECONDS_MAX: Final = 180.0
RETRIES_MAX: Final = 1000
PLACES: Final = create([]).path
STATUS_AFTER: Final = {"confirm": "Confirmed", "cancel": "Cancelled"}


class Load:
    """Buyers who place, confirm and cancel orders, every request with a key of its own."""

    def __init__(self, client: Client, products: Sequence[int], seed: int) -> None:
        self.answers: dict[Ask, Reply] = {}
        self.untold: dict[Ask, str] = {}
        self.done_untold: set[Ask] = set()
        """What had been applied all the same, as its retry told."""
        self.lived: set[int] = set()
        """Orders whose states follow from more than confirmations and cancellations."""
        self._client = client
        self.products = products
        self._chance = random.Random(seed)
        self._stopping = False
        self._numbers = itertools.count(1)
        self._run = str(uuid4())
        self._buyers: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        """Makes what the buyers need beside products."""

    def start(self) -> None:
        self._buyers = [asyncio.create_task(self._buy()) for _ in range(BUYERS)]

    async def stop(self) -> None:
        """Lets every buyer finish the request under way."""
        self._stopping = True
        await asyncio.gather(*self._buyers)

    async def progress(self, answers: int) -> None:
        """Returns once so many more requests have been answered."""
        goal = len(self.answers) + answers
        await until(lambda: len(self.answers) >= goal, PROGRESS_SECONDS_MAX)

    async def _buy(self) -> None:
        while not self._stopping:
            await self._turn()

    async def _turn(self) -> None:
        """What one buyer does before the next thing."""
        lines = [self._line() for _ in range(self._chance.randint(1, 3))]
        placed = await self._tell(create(lines, self._key()))
        if placed is None or placed.status != 201:
            return
        order_id = placed.json["id"]
        steps = [confirm(order_id, self._key()), cancel(order_id, self._key())]
        await self._walk(steps[: self._chance.randint(0, 2)])

    async def _walk(self, steps: Sequence[Ask]) -> None:
        """One step after the other, until one is not answered."""
        for step in steps:
            if await self._tell(step) is None:
                return

    def _line(self) -> tuple[int, int]:
        return self._chance.choice(self.products), self._chance.randint(1, 3)

    def _key(self) -> str:
        return f"{self._run}-{next(self._numbers)}"

    async def _tell(self, ask: Ask) -> Reply | None:
        """The final answer; None when there was none, or one that invites a retry."""
        while True:
            try:
                reply = await self._client.ask(ask)
            except NotSent:
                if self._stopping:
                    return None
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            except Untold as untold:
                self.untold[ask] = str(untold)
                return None
            if reply.status >= 500:
                self.untold[ask] = f"{reply.status} {reply.json['detail']}"
                return None
            self.answers[ask] = reply
            return reply

    async def settle(self) -> None:
        """Retries, key by key, all that was not acknowledged, until it is."""
        for ask in self.untold:
            self.answers[ask] = reply = await self.retry(ask)
            if reply.replayed:
                self.done_untold.add(ask)

    async def retry(self, ask: Ask) -> Reply:
        for _ in range(RETRIES_MAX):
            try:
                reply = await self._client.ask(ask)
            except (NotSent, Untold):
                reply = None
            if reply is not None and reply.status < 500:
                return reply
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"no answer to {ask}")


async def assert_nothing_lost_and_nothing_twice(load: Load, service: Service) -> None:
    """Every acknowledged answer stands and is told again; every effect is there once."""
    await load.settle()
    assert {reply.status for reply in load.answers.values()} <= {200, 201, 409}
    stored = await audit.statuses(service, load.products)
    for ask, first in load.answers.items():
        again = await load.retry(ask)
        assert (again.status, again.body) == (first.status, first.body), ask
        assert again.replayed, ask
    assert await audit.statuses(service, load.products) == stored
    assert untouched(load, stored) == untouched(load, expected(load.answers))
    assert await audit.parcels(service, load.products) == parcels(load.answers)
    assert await audit.moved_by_hand(service, load.products) == told(load.answers)
    await audit.assert_sound(service)


def untouched(load: Load, statuses: Mapping[int, str]) -> Mapping[int, str]:
    """Without the orders that more was done to than can be told from its answers here."""
    return {number: status for number, status in statuses.items() if number not in load.lived}


def parcels(answers: Mapping[Ask, Reply]) -> Mapping[str, set[int]]:
    """The ids of all fulfillments, those undone, and returns that were answered with."""
    found: dict[str, set[int]] = {"fulfillments": set(), "undone": set(), "returns": set()}
    for ask, reply in answers.items():
        what = ask.path.rpartition("/")[2]
        if what == "undo" and reply.status == 200:
            assert reply.json["id"] not in found["undone"], "two keys undid the same parcel"
            found["undone"].add(reply.json["id"])
        elif what in found and reply.status == 201:
            assert reply.json["id"] not in found[what], "two keys were told the same parcel"
            found[what].add(reply.json["id"])
    return found


def expected(answers: dict[Ask, Reply]) -> dict[int, str]:
    """Every order that was placed, with the status that the answers promise."""
    found: dict[int, str] = {}
    for ask, reply in answers.items():
        if ask.path == PLACES and reply.status == 201:
            assert reply.json["id"] not in found, "two keys were told the same order"
            found[reply.json["id"]] = "Pending"
    for ask, reply in answers.items():
        step = STATUS_AFTER.get(ask.path.rpartition("/")[2])
        if step and reply.status == 200 and found[ask.about] != "Cancelled":
            found[ask.about] = step
    return found


def told(answers: dict[Ask, Reply]) -> dict[int, int]:
    """Every movement that was answered with, and what it changed on hand."""
    found: dict[int, int] = {}
    for ask, reply in answers.items():
        for movement in moved(reply) if ask.path.startswith("/stock/") else ():
            assert movement["id"] not in found, "two keys were told the same movement"
            found[movement["id"]] = movement["on_hand_delta"]
    return found


@asynccontextmanager
async def under_load(
    service: Service, seed: int = 1, kind: type[Load] = Load
) -> AsyncIterator[Load]:
    """Load on a service until the end of the block."""
    client = Client(service.port, service.token())
    stocks = (100_000, 100_000, 40, 10)
    products = [await client.product(f"tea {uuid4()}", stock) for stock in stocks]
    load = kind(client, products, seed)
    await load.prepare()
    load.start()
    try:
        yield load
    finally:
        await load.stop()
