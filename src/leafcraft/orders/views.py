"""Every SQL statement that finds orders: each list is a walk along an index, however many orders there are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from leafcraft.activity import store as activity
from leafcraft.activity.store import EventFilter, ShownEvent
from leafcraft.db import Page, Reader, keyset
from leafcraft.orders import narrow, parcels, rules, search, store, words
from leafcraft.orders.narrow import Narrowing, unindexed
from leafcraft.orders.parcels import Fulfillment, Return
from leafcraft.orders.rules import Order, Status
from leafcraft.orders.tables import (
    CountRow,
    FulfillmentRow,
    HoldRow,
    LineRow,
    OrderRow,
    ReturnRow,
    WordRow,
)
from leafcraft.times import NEVER


async def mind_holds(reader: Reader) -> None:
    """For whatever shows orders: when the next hold ends, an order will be Expired by itself."""
    rows = await reader.fetch(
        "SELECT MIN(expires_at) FROM holds WHERE expires_at > %s", (reader.now,)
    )
    reader.differs_from(rows[0][0] or NEVER)


Q_CHARS_MAX = 100


class OrderFilter(NamedTuple):
    """Which orders; None: all."""

    q: str | None = None
    status: Status | None = None
    reference: str | None = None
    product_id: int | None = None
    customer_email: str | None = None
    created_after: int | None = None
    created_before: int | None = None
    ids: Sequence[int] | None = None

    def conditions(self, column: str) -> Iterator[ColumnElement[bool]]:
        """What is simply asked of each order, in a list that is sorted by this column."""
        if column == "created_at":
            yield from self._between(OrderRow.created_at)
        if self.reference is not None:
            yield OrderRow.reference == self.reference
        if self.customer_email is not None:
            yield OrderRow.customer_email == self.customer_email

    def narrowings(self, column: str) -> Iterator[Narrowing]:
        """What orders can be found by, in a list that is sorted by this column."""
        if self.ids is not None:
            these = self.ids
            named = select(OrderRow.id).where(OrderRow.id.in_(these))
            yield Narrowing([named], lambda key: key.in_(these))
        if self.customer_email is not None:
            word = words.address(self.customer_email)
            named = select(WordRow.order_id).where(WordRow.word == word)
            # Whose address it is, is asked of each order: the word may be of another's name.
            yield Narrowing([named], lambda _: true(), leads=True)
        if self.product_id is not None:
            sold = select(LineRow.order_id).where(LineRow.product_id == self.product_id)
            yield Narrowing(
                [sold],
                lambda key: narrow.there(sold.where(LineRow.order_id == key)),
                elsewhere=True,
                leads=True,
            )
        created = OrderRow.created_at
        if column == "id" and self._between(created):
            then = select(OrderRow.id).where(*self._between(created))
            yield Narrowing([then], lambda _: and_(*self._between(unindexed(created))))

    def _between(self, created: Any) -> list[ColumnElement[bool]]:
        found = []
        if self.created_after is not None:
            found.append(created > self.created_after)
        if self.created_before is not None:
            found.append(created < self.created_before)
        return found


async def page(reader: Reader, part: Page, chosen: OrderFilter) -> list[Order]:
    """One row more than the page has, if there is one."""
    await mind_holds(reader)
    asked = list(chosen.narrowings(part.column))
    if chosen.q is not None:
        searched = await search.found(reader, chosen.q)
        if not searched:
            return []
        asked += searched
    rows: list[Any] = []
    for one in _by_status(chosen.status, reader.now, part.column):
        by = await narrow.narrowed(reader, [*asked, *one.narrowings])
        conditions = [*chosen.conditions(part.column), *one.conditions]
        if chosen.status is not None:
            by = by._replace(lead=None)  # a state has an index of its own
        rows += await narrow.rows(reader, part, by=by, conditions=conditions)
    rows = _merged(rows, part) if chosen.status is Status.EXPIRED else rows
    lines = await store.lines_of(reader, [found[0] for found in rows])
    return [rules.seen(store.order_of(found, lines), reader.now) for found in rows]


async def run(reader: Reader, after: int, lines: int) -> tuple[Sequence[Order], bool]:
    """The orders, by id and whole, that the next so many lines are of; and whether there may be more.

    How much that is doesn't hang on how long the orders are: only the last one may go beyond.
    """
    row = LineRow
    statement = select(row.order_id).where(row.order_id > after)
    part = statement.order_by(row.order_id, row.line_no).limit(lines)
    numbers = [number for (number,) in await reader.select(part)]
    return list((await store.by_id(reader, numbers)).values()), len(numbers) == lines


class _Part(NamedTuple):
    """Some of the orders in a state."""

    narrowings: Sequence[Narrowing] = ()
    conditions: Sequence[ColumnElement[bool]] = ()


def _by_status(status: Status | None, now: int, column: str) -> Iterator[_Part]:
    """Of those that are Expired, each by an index: whom somebody has written down, and whom nobody has."""
    if status is None:
        yield _Part()
        return
    row = OrderRow
    open_ended = or_(row.expires_at.is_(None), row.expires_at > now)
    more = [open_ended] if status is Status.PENDING else []
    if column == "id":
        yield _Part(conditions=[row.status == status.value, *more])
    else:
        there = select(row.id).where(row.status == status.value)
        test = unindexed(row.status) == status.value
        yield _Part([Narrowing([there], lambda _: test)], more)
    if status is Status.EXPIRED:
        ended = select(HoldRow.order_id).where(HoldRow.expires_at <= now)
        yield _Part([Narrowing([ended], lambda key: key.in_(ended))])


def _merged(rows: Sequence[Any], part: Page) -> list[Any]:
    """Two parts of a page in one order, as long as one of them would be."""
    down = part.sort.startswith("-")
    merged = sorted(rows, key=lambda row: (getattr(row, part.column), row.id), reverse=down)
    return merged[: part.limit + 1]


async def fulfillments_page(reader: Reader, part: Page, order_id: int) -> list[Fulfillment]:
    """What was sent of an order."""
    numbers = await _parcels_of(reader, part, FulfillmentRow, order_id=order_id)
    found = await parcels.fulfillments(reader, numbers)
    return [found[number] for number in numbers]


async def returns_page(reader: Reader, part: Page, order_id: int) -> list[Return]:
    """What came back of an order."""
    numbers = await _parcels_of(reader, part, ReturnRow, order_id=order_id)
    found = await parcels.returns(reader, numbers)
    return [found[number] for number in numbers]


async def _parcels_of(
    reader: Reader, part: Page, row: type[FulfillmentRow | ReturnRow], *, order_id: int
) -> list[int]:
    statement = select(row.id).where(row.order_id == order_id)
    return [found for (found,) in await reader.select(keyset(statement, {"id": row.id}, part))]


async def timeline_page(reader: Reader, part: Page, order_id: int) -> list[ShownEvent]:
    """What happened to an order."""
    chosen = EventFilter(subject_type="order", subject_id=order_id)
    return await activity.page(reader, part, chosen)


async def counts(reader: Reader) -> Mapping[Status, int]:
    """How many orders are in each state; the holds that have ended are few, and counted."""
    await mind_holds(reader)
    rows = await reader.select(
        select(CountRow.status, func.sum(CountRow.orders)).group_by(CountRow.status)
    )
    found = dict.fromkeys(Status, 0) | {Status(status): int(n) for status, n in rows}
    ended = select(func.count()).select_from(HoldRow).where(HoldRow.expires_at <= reader.now)
    ((over,),) = await reader.select(ended)
    found[Status.PENDING] -= over
    found[Status.EXPIRED] += over
    return found
