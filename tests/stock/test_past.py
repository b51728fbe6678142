"""`as_of`: what lay where at any past moment, whatever was done, and whenever it was written down."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from leafcraft import times
from tests.builders import Clock, Json, Shop, found, problem
from tests.conftest import MakeSettings
from tests.orders.holding import (
    DAY_MINUTES,
    MICRO,
    assert_sound,
    balances,
    held,
    hold,
    location,
    receive,
    rows,
    stock_at,
    sweep,
    unswept,
)

pytestmark = pytest.mark.anyio

SECOND = times.MICROS_PER_SECOND
STEPS = {"sqlite": 60, "mariadb": 40}

Levels = dict[str, tuple[int, int]]
"""On hand and reserved, by location."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def still(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Shop]:
    """The service, where ended holds are written off only when somebody comes."""
    async with unswept(make_settings(token_minutes=DAY_MINUTES), clock) as shop:
        yield shop


class History:
    """Things happen to one product at two places; what must have lain there is noted at each step.

    Nothing of it comes from the service but the ids of orders: `attic` serves after `main`.
    """

    def __init__(self, shop: Shop, clock: Clock, random: Random) -> None:
        self.shop = shop
        self.clock = clock
        self.random = random
        self.on_hand = {"main": 0, "attic": 0}
        self.promised: dict[int, tuple[int, Levels]] = {}
        self.noted: list[tuple[int, Levels]] = []

    async def begin(self) -> None:
        await location(self.shop, "attic", priority=5)
        self.tea = await self.shop.product(stock=20)
        self.on_hand["main"] = 20
        self.note()

    def levels(self, moment: int) -> Levels:
        """What lies where, of what is promised beyond that moment."""
        reserved = {"main": 0, "attic": 0}
        for end, taken in self.promised.values():
            for code, (_, units) in taken.items():
                reserved[code] += units if end > moment else 0
        return {code: (self.on_hand[code], reserved[code]) for code in self.on_hand}

    def note(self) -> None:
        """At the end of a step, and of each hold that ended before it."""
        self.noted.append((self.clock.at, self.levels(self.clock.at)))

    def advance(self) -> None:
        before, after = self.clock.at, self.clock.at + self.random.randint(1, 90) * SECOND
        ends = {end for end, _ in self.promised.values() if before < end <= after}
        for end in sorted(ends):
            self.noted.append((end, self.levels(end)))
        self.clock.at = after

    def take(self, units: int) -> Levels | None:
        """Where so many units come from, `main` first; None when there are not enough."""
        taken: Levels = {}
        for code, (on_hand, reserved) in self.levels(self.clock.at).items():
            some = min(units, on_hand - reserved)
            taken[code] = (0, some)
            units -= some
        return None if units else taken

    async def step(self) -> None:
        kinds = ("receive", "adjust", "transfer", "order", "hold", "hold", "cancel", "prolong")
        await getattr(self, self.random.choice(kinds))()
        self.note()

    async def receive(self) -> None:
        code, units = self.random.choice(["main", "attic"]), self.random.randint(1, 9)
        await receive(self.shop, self.tea, units, code)
        self.on_hand[code] += units

    async def adjust(self) -> None:
        code = self.random.choice(["main", "attic"])
        on_hand, reserved = self.levels(self.clock.at)[code]
        counted = self.random.randint(reserved, on_hand + 3)
        body = {"product_id": self.tea["id"], "location": code, "counted": counted}
        found(await self.shop.post("/stock/adjustments", {**body, "reason": "count"}), 201)
        self.on_hand[code] = counted

    async def transfer(self) -> None:
        there, here = self.random.sample(["main", "attic"], 2)
        on_hand, reserved = self.levels(self.clock.at)[there]
        units = min(on_hand - reserved, self.random.randint(1, 5))
        if units:
            places = {"from_location": there, "to_location": here}
            body = {"product_id": self.tea["id"], "quantity": units, **places}
            found(await self.shop.post("/stock/transfers", body), 201)
            self.on_hand[there] -= units
            self.on_hand[here] += units

    async def order(self) -> None:
        units = self.random.randint(1, 6)
        taken, order = self.take(units), await self.shop.order((self.tea, units))
        answer = await self.shop.patch(f"/orders/{order['id']}/confirm")
        assert answer.status_code == (409 if taken is None else 200)
        if taken is not None:
            self.promised[order["id"]] = (times.NEVER, taken)

    async def hold(self) -> None:
        units, minutes = self.random.randint(1, 6), self.random.randint(1, 4)
        taken = self.take(units)
        if taken is not None:
            order = await held(self.shop, minutes, (self.tea, units))
            end = self.clock.at + minutes * times.MICROS_PER_MINUTE
            self.promised[order["id"]] = (end, taken)

    def running(self) -> list[int]:
        return [number for number, (end, _) in self.promised.items() if end > self.clock.at]

    async def cancel(self) -> None:
        if running := self.running():
            number = self.random.choice(running)
            await self.shop.cancel({"id": number})
            del self.promised[number]

    async def prolong(self) -> None:
        holds = [one for one in self.running() if self.promised[one][0] < times.NEVER]
        if holds:
            number, minutes = self.random.choice(holds), self.random.randint(1, 4)
            found(await hold(self.shop, {"id": number}, minutes))
            end, taken = self.promised[number]
            longer = self.clock.at + minutes * times.MICROS_PER_MINUTE
            self.promised[number] = (max(end, longer), taken)

    async def agrees(self) -> None:
        """At each noted moment, and just before the next."""
        begun = {"attic": False}
        for place, (moment, levels) in enumerate(self.noted):
            after = self.noted[place + 1][0] if place + 1 < len(self.noted) else self.clock.at + 1
            if after == moment:
                continue
            begun["attic"] |= levels["attic"] != (0, 0)
            for asked in {moment, self.random.randint(moment, after - 1), after - 1}:
                assert await self.at(asked) == levels, (place, times.write(asked))
        assert begun["attic"]
        assert set((await self.at(self.noted[0][0] - 1)).values()) == {(0, 0)}

    async def at(self, moment: int | None) -> Levels:
        shown = await stock_at(self.shop, self.tea, moment)
        found = {code: (on_hand, reserved) for code, on_hand, reserved, _ in shown}
        return {"main": (0, 0), "attic": (0, 0), **found}


@pytest.mark.parametrize("sweeping", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_past_is_told_as_it_was(
    still: Shop, clock: Clock, database_kind: str, seed: int, sweeping: bool
) -> None:
    history = History(still, clock, Random(seed))
    await history.begin()
    for _ in range(STEPS[database_kind]):
        history.advance()
        await history.step()
        if sweeping and history.random.random() < 0.3:
            await sweep(still)
        assert await history.at(None) == history.noted[-1][1]
    await history.agrees()
    await sweep(still)  # long after some of the holds have ended: that changes no past
    await history.agrees()
    await assert_sound(still, clock)


async def test_a_hold_ends_in_the_past_when_it_ended_not_when_it_was_swept(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    await held(still, 10, (tea, 3))
    end = clock.at + 600 * SECOND
    clock.advance(hours=1)
    for _ in range(2):
        assert await stock_at(still, tea, end - 1) == [("main", 5, 3, 2)]
        assert await stock_at(still, tea, end) == [("main", 5, 0, 5)]
        await sweep(still)


async def test_what_was_prolonged_did_not_end_at_its_first_end(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    order = await held(still, 10, (tea, 3))
    first_end = clock.at + 600 * SECOND
    clock.advance(seconds=300)
    found(await hold(still, order, 20))
    clock.advance(hours=1)
    assert await stock_at(still, tea, first_end) == [("main", 5, 3, 2)]
    assert await stock_at(still, tea, first_end + 900 * SECOND) == [("main", 5, 0, 5)]


async def test_what_is_still_to_come_is_not_told(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=5)
    path = f"/products/{tea['id']}/stock"
    for moment in (clock.at + 1, clock.at + 3600 * SECOND):
        problem(
            await still.get(path, params={"as_of": times.write(moment)}), 422, "validation_error"
        )
    shown = found(await still.get(path, params={"as_of": times.write(clock.at)}))
    assert (shown["product_id"], shown["as_of"]) == (tea["id"], times.write(clock.at))
    clock.advance(seconds=MICRO)
    found(await still.get(path, params={"as_of": times.write(clock.at)}))


@pytest.mark.parametrize(
    "moment", ["", "yesterday", "2026-01-01", "2026-01-01T12:00:00", "0", "9999-12-31T23:59:59Z"]
)
async def test_what_is_no_past_moment_is_refused(shared_shop: Shop, moment: str) -> None:
    product = await shared_shop.product()
    answer = await shared_shop.get(f"/products/{product['id']}/stock", params={"as_of": moment})
    problem(answer, 422, "validation_error")


async def ledger_at(shop: Shop, product: Json, moment: int) -> tuple[int, int]:
    """On hand and reserved in `main`: the sum of the movements until then."""
    path = f"/stock/movements?product_id={product['id']}&location=main"
    until = [one for one in await rows(shop, path) if one["occurred_at"] <= times.write(moment)]
    return sum(m["on_hand_delta"] for m in until), sum(m["reserved_delta"] for m in until)


async def test_a_clock_that_goes_back_does_not_confuse_the_ledger(
    still: Shop, clock: Clock
) -> None:
    begin = clock.at
    tea = await still.product(stock=5)
    for seconds, units in ((10, 1), (-20, 2), (5, 3), (30, 4), (-60, 5)):
        clock.advance(seconds=seconds)
        await receive(still, tea, units)
    moments = [m["occurred_at"] for m in await still.movements(product_id=tea["id"])]
    assert moments == sorted(moments)
    clock.at = begin + 3600 * SECOND
    for seconds in range(-70, 70, 5):
        moment = begin + seconds * SECOND
        (_, on_hand, reserved, _) = (await stock_at(still, tea, moment))[0]
        assert (on_hand, reserved) == await ledger_at(still, tea, moment)
    await assert_sound(still, clock)


async def test_what_is_there_now_is_told_when_the_clock_has_gone_back(
    still: Shop, clock: Clock
) -> None:
    """Or when another process, whose clock is ahead, has just written: what was acknowledged is seen."""
    tea = await still.product(stock=5)
    clock.advance(seconds=-1)
    await receive(still, tea, 2)
    levels = await rows(still, f"/stock/levels?product_id={tea['id']}")
    assert balances(levels) == [("main", 7, 0, 7)]
    assert await stock_at(still, tea) == [("main", 7, 0, 7)]


async def test_a_hold_made_by_a_clock_that_went_back_leaves_no_hole_in_the_past(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=5)
    begin = clock.at
    clock.advance(seconds=-300)
    await held(still, 1, (tea, 3))
    clock.at = begin + 3600 * SECOND
    for _ in range(2):
        for seconds in (-300, -241, -240, -239, -1, 0, 1):
            for _, on_hand, reserved, _ in await stock_at(still, tea, begin + seconds * SECOND):
                assert 0 <= reserved <= on_hand, seconds
        await sweep(still)
    await assert_sound(still, clock)
