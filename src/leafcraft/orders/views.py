"""Every SQL statement that finds orders: each list is a walk along an index, however many orders there are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, func, or_, select

from leafcraft.activity import store as activity
from leafcraft.activity.store import EventFilter, ShownEvent
from leafcraft.db import Page, Reader, keyset
from leafcraft.orders import parcels, rules, search, store, words
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

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """All but the status, which also hangs on the moment, and what is searched for."""
        row = OrderRow
        if self.reference is not None:
            yield row.reference == self.reference
        if self.customer_email is not None:
            word = WordRow.word == words.address(self.customer_email)
            yield exists().where(WordRow.order_id == row.id, word)
            yield row.customer_email == self.customer_email
        if self.product_id is not None:
            line = LineRow.product_id == self.product_id
            yield exists().where(LineRow.order_id == row.id, line)
        if self.created_after is not None:
            yield row.created_at > self.created_after
        if self.created_before is not None:
            yield row.created_at < self.created_before


async def page(reader: Reader, part: Page, chosen: OrderFilter) -> list[Order]:
    """One row more than the page has, if there is one."""
    await mind_holds(reader)
    row = OrderRow
    conditions = list(chosen.conditions())
    if chosen.q is not None:
        conditions += await search.found(reader, chosen.q)
    if chosen.status is Status.EXPIRED:
        # Each by its own index: those written down as Expired, and those that nobody has written down.
        ended = select(HoldRow.order_id).where(HoldRow.expires_at <= reader.now)
        written = await _rows(reader, part, [*conditions, row.status == Status.EXPIRED.value])
        unwritten = await _rows(reader, part, [*conditions, row.id.in_(ended)])
        rows = _merged([*written, *unwritten], part)
    else:
        if chosen.status is Status.PENDING:
            conditions.append(or_(row.expires_at.is_(None), row.expires_at > reader.now))
        if chosen.status is not None:
            conditions.append(row.status == chosen.status.value)
        rows = await _rows(reader, part, conditions)
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


async def _rows(
    reader: Reader, part: Page, conditions: Sequence[ColumnElement[bool]]
) -> Sequence[Any]:
    row = OrderRow
    statement = select(*(getattr(row, name) for name in store.COLUMNS))
    columns = {"id": row.id, "created_at": row.created_at}
    return await reader.select(keyset(statement.where(*conditions), columns, part))


def _merged(rows: Sequence[Any], part: Page) -> Sequence[Any]:
    """Two parts of a page in one order, as long as one of them would be."""
    down = part.sort.startswith("-")
    merged = sorted(rows, key=lambda row: (getattr(row, part.column), row.id), reverse=down)
    return merged[: part.limit + 1]


async def fulfillments_page(reader: Reader, part: Page, order_id: int) -> list[Fulfillment]:
    """What was sent of an order."""
    row = FulfillmentRow
    statement = select(row.id).where(row.order_id == order_id)
    numbers = [n for (n,) in await reader.select(keyset(statement, {"id": row.id}, part))]
    found = await parcels.fulfillments(reader, numbers)
    return [found[number] for number in numbers]


async def returns_page(reader: Reader, part: Page, order_id: int) -> list[Return]:
    """What came back of an order."""
    row = ReturnRow
    statement = select(row.id).where(row.order_id == order_id)
    numbers = [n for (n,) in await reader.select(keyset(statement, {"id": row.id}, part))]
    found = await parcels.returns(reader, numbers)
    return [found[number] for number in numbers]


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
