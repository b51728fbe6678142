"""The list of orders knows which holds have ended, written off or not, on every page of it."""

from typing import NamedTuple

import pytest

from tests.builders import Clock, Json, Shop, found
from tests.orders.holding import MICRO, held, hold, ids, next_page, rows, sweep

pytestmark = pytest.mark.anyio

SORTS = ("id", "-id", "created_at", "-created_at")
STATUSES = ("Pending", "Confirmed", "Cancelled", "Expired", "Fulfilled")


class Placed(NamedTuple):
    order_id: int
    created_at: int
    status: str


class Book:
    """Orders of every kind, among them Expired ones that are written off and ones that are not."""

    def __init__(self, shop: Shop, clock: Clock) -> None:
        self.shop = shop
        self.clock = clock
        self.placed: list[Placed] = []

    def note(self, order: Json, status: str) -> None:
        self.placed.append(Placed(order["id"], self.clock.at, status))

    async def fill(self) -> Json:
        """Two orders share each moment; the first round is swept, the second is not."""
        tea = await self.shop.product(stock=99)
        for swept in (True, False):
            for _ in range(3):
                self.note(await held(self.shop, 5, (tea, 1)), "Expired")
                self.note(await held(self.shop, 40, (tea, 1)), "Pending")
                self.clock.advance(seconds=10)
                self.note(await self.shop.order((tea, 1)), "Pending")
                confirmed = await self.shop.confirm(await held(self.shop, 5, (tea, 1)))
                self.note(confirmed, "Confirmed")
                cancelled = await self.shop.cancel(await held(self.shop, 5, (tea, 1)))
                self.note(cancelled, "Cancelled")
                self.note(await held(self.shop, 5, (tea, 1)), "Expired")
            self.clock.advance(seconds=600)
            if swept:
                assert await sweep(self.shop) == 6
        return tea

    def expected(self, sort: str, status: str | None = None) -> list[int]:
        chosen = [one for one in self.placed if status in {None, one.status}]
        by_moment = sort.endswith("created_at")
        chosen.sort(
            key=lambda one: (one.created_at if by_moment else 0, one.order_id),
            reverse=sort.startswith("-"),
        )
        return [one.order_id for one in chosen]


@pytest.mark.parametrize("sort", SORTS)
async def test_every_status_is_listed_in_every_order_a_page_at_a_time(
    still: Shop, clock: Clock, sort: str
) -> None:
    book = Book(still, clock)
    await book.fill()
    for status in STATUSES:
        for limit in (1, 2, 3, 5, 100):
            path = f"/orders/?status={status}&sort={sort}&limit={limit}"
            shown = await rows(still, path)
            assert [one["id"] for one in shown] == book.expected(sort, status), path
            assert {one["status"] for one in shown} <= {status}
    everything = await rows(still, f"/orders/?sort={sort}&limit=7")
    assert [one["id"] for one in everything] == book.expected(sort)
    told = {one["id"]: one["status"] for one in everything}
    assert told == {one.order_id: one.status for one in book.placed}


async def test_expired_orders_are_filtered_like_any_other(still: Shop, clock: Clock) -> None:
    book = Book(still, clock)
    tea = await book.fill()
    mint = await still.product()
    both = await held(still, 1, (mint, 1), (tea, 1))
    clock.advance(seconds=60)
    expired = f"/orders/?status=Expired&product_id={mint['id']}"
    assert await ids(still, expired) == [both["id"]]
    moment = book.placed[20]
    since = (await still.reload({"id": moment.order_id}))["created_at"]
    later = [
        one.order_id
        for one in book.placed
        if one.status == "Expired" and one.created_at > moment.created_at
    ]
    assert await ids(still, f"/orders/?status=Expired&created_after={since}&limit=2") == [
        *later,
        both["id"],
    ]
    earlier = [
        one.order_id
        for one in book.placed
        if one.status == "Expired" and one.created_at < moment.created_at
    ]
    assert await ids(still, f"/orders/?status=Expired&created_before={since}&limit=2") == earlier


async def test_pages_stay_whole_while_holds_end_and_are_swept(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=99)
    orders = [await held(still, minutes, (tea, 1)) for minutes in (1, 3, 1, 2, 1, 2)]
    clock.advance(seconds=60)
    first = await still.get("/orders/?status=Expired&limit=2")
    assert [one["id"] for one in first.json()] == [1, 3]
    clock.advance(seconds=60)
    await sweep(still)
    clock.advance(seconds=60)
    place = next_page(first)
    assert place is not None
    assert [one["id"] for one in await rows(still, place)] == [4, 5, 6]
    assert await ids(still, "/orders/?status=Expired&sort=-id&limit=4") == [6, 5, 4, 3, 2, 1]
    assert len(orders) == 6


async def test_the_end_of_a_hold_is_shown_while_it_matters(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=9)
    pending, ended, confirmed, cancelled = [await held(still, 10, (tea, 1)) for _ in range(4)]
    found(await hold(still, pending, 20))
    await still.confirm(confirmed)
    await still.cancel(cancelled)
    for _ in range(2):
        clock.advance(seconds=600)
        shown = {one["id"]: one["expires_at"] for one in await rows(still, "/orders/")}
        assert shown == {
            pending["id"]: "2026-01-01T12:20:00Z",
            ended["id"]: "2026-01-01T12:10:00Z",
            confirmed["id"]: None,
            cancelled["id"]: None,
        }
        await sweep(still)


async def test_an_order_leaves_the_pending_ones_at_the_very_end(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=9)
    order = await held(still, 10, (tea, 1))
    clock.advance(seconds=600 - MICRO)
    assert await ids(still, "/orders/?status=Pending") == [order["id"]]
    assert await ids(still, "/orders/?status=Expired") == []
    clock.advance(seconds=MICRO)
    assert await ids(still, "/orders/?status=Pending") == []
    assert await ids(still, "/orders/?status=Expired") == [order["id"]]
