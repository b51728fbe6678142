"""Lists of orders that are narrowed: along an index each, whether few orders match or many.

What few orders match is gathered first, and the list is made of those. What many match is walked
instead, in the order of the list and an index, and asked of one order after the other: where many
match, a page is soon full. No planner is trusted to tell the two apart: SQLite takes whatever is
equal to something for rare, MariaDB what is sorted for short, and both end up with every order.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, literal, select, union

from leafcraft.db import Page, Reader, keyset
from leafcraft.orders import store
from leafcraft.orders.tables import OrderRow

MATCHES_MAX = 5000
"""Orders that are gathered for one condition, before it counts as one that many meet."""
TOGETHER_MAX = 1000
"""The same for conditions that many meet each: less, for it takes many looks to find one."""
WALKED_MAX = 20_000
"""Orders that are asked one after the other for a page. If it isn't full by then, those that match
are all somewhere else, and it costs less to gather them, however many."""

Ids = Select[*tuple[Any, ...]]
Test = ColumnElement[bool]


class Narrowing(NamedTuple):
    """A condition that an index knows the orders of."""

    places: Sequence[Ids]
    """Where their ids are found."""
    test: Callable[[Any], Test]
    """The same, asked of one order by its id, so that no planner begins with it."""
    elsewhere: bool = False
    """Whether it is asked of other tables than that of the orders."""
    leads: bool = False
    """Whether its index has the ids in their order."""

    @property
    def key(self) -> Any:
        (place, *_) = self.places
        return next(iter(place.selected_columns))


class Narrowed(NamedTuple):
    """What is asked of each order, and what leads to them."""

    conditions: Sequence[Test]
    gathered: bool = False
    lead: Narrowing | None = None
    elsewhere: Sequence[Narrowing] = ()
    """What is asked of other tables, where many orders meet it."""


def unindexed(column: Any) -> Any:
    """The column where its index should not be used, in every database."""
    return func.coalesce(column, column)


def there(ids: Ids) -> Test:
    """Whether there is one of these for an order. The limit keeps MariaDB from gathering all of them first."""
    return ids.with_only_columns(literal(1)).limit(1).scalar_subquery() == 1


async def narrowed(reader: Reader, found: Iterable[Narrowing]) -> Narrowed:
    """Gathers what few orders meet, each condition alone or some of them together."""
    gathered: set[int] | None = None
    many: list[Narrowing] = []
    for one in found:
        matches = await _few(reader, one.places, MATCHES_MAX)
        if matches is None:
            many.append(one)
        else:
            gathered = matches if gathered is None else gathered & matches
    if gathered is None and (both := _together(many)) is not None:
        gathered = await _few(reader, [both], TOGETHER_MAX)
    if gathered is not None:
        tests = [one.test(OrderRow.id) for one in many]
        return Narrowed([OrderRow.id.in_(sorted(gathered)), *tests], gathered=True)
    lead = many[0] if len(many) == 1 and many[0].leads else None
    here = [one.test(OrderRow.id) for one in many if not one.elsewhere]
    return Narrowed(here, lead=lead, elsewhere=[one for one in many if one.elsewhere])


def _all(one: Narrowing) -> Ids | CompoundSelect[*tuple[Any, ...]]:
    return union(*one.places) if len(one.places) > 1 else one.places[0]


async def _few(reader: Reader, places: Sequence[Ids], most: int) -> set[int] | None:
    """The orders found at these places; None where there are more."""
    matches: set[int] = set()
    for ids in places:
        if await reader.select(ids.limit(1).offset(most)):
            return None
        matches |= {order_id for (order_id,) in await reader.select(ids.limit(most))}
    return matches if len(matches) <= most else None


def _together(many: Sequence[Narrowing]) -> Ids | None:
    """The orders that many conditions of other tables find together; these may be few."""
    apart = [one for one in many if one.elsewhere]
    first = next((one for one in apart if len(one.places) == 1), None)
    if first is None or len(apart) == 1:
        return None
    return first.places[0].where(*(one.test(first.key) for one in apart if one is not first))


async def rows(
    reader: Reader, part: Page, *, by: Narrowed, conditions: Sequence[Test]
) -> list[Any]:
    """The rows of a page and one more."""
    every = [*by.conditions, *conditions]
    if by.lead is not None and part.column == "id":
        return await _led(reader, part, lead=by.lead, conditions=every)
    if not by.elsewhere:
        return await _selected(reader, part, every, gathered=by.gathered)
    near = await _near(reader, part)
    asked = [one.test(OrderRow.id) for one in by.elsewhere]
    found = await _selected(reader, part, [*every, *asked, *near], gathered=False)
    if len(found) > part.limit or not near:
        return found
    all_there = [OrderRow.id.in_(_all(one)) for one in by.elsewhere]
    first = keyset(select(OrderRow.id).where(*every, *all_there), _sorted_by(gathered=True), part)
    ids = [order_id for (order_id,) in await reader.select(first)]  # an index tells these alone
    rest = Page(part.limit, part.sort)
    return await _selected(reader, rest, [OrderRow.id.in_(ids)], gathered=True)


def _sorted_by(*, gathered: bool) -> dict[str, Any]:
    """The columns of a list. A few gathered orders are sorted: no index of all is walked for them."""
    columns: dict[str, Any] = {"id": OrderRow.id, "created_at": OrderRow.created_at}
    return {n: unindexed(column) for n, column in columns.items()} if gathered else columns


async def _near(reader: Reader, part: Page) -> list[Test]:
    """The next orders of the list, as far as a page may walk; empty where that is all of them."""
    columns = _sorted_by(gathered=False)
    column = columns[part.column]
    ahead = keyset(select(column), columns, part._replace(limit=WALKED_MAX))
    edge = await reader.select(ahead.limit(1).offset(WALKED_MAX))
    if not edge:
        return []
    return [column >= edge[0][0] if part.sort.startswith("-") else column <= edge[0][0]]


async def _selected(
    reader: Reader, part: Page, conditions: Sequence[Test], *, gathered: bool
) -> list[Any]:
    row = OrderRow
    statement = select(*(getattr(row, name) for name in store.COLUMNS)).where(*conditions)
    columns = _sorted_by(gathered=gathered)
    return list(await reader.select(keyset(statement, columns, part)))


async def _led(
    reader: Reader, part: Page, *, lead: Narrowing, conditions: Sequence[Test]
) -> list[Any]:
    """Follows the index that has the orders in the order of the list, wherever in it they are."""
    found: list[Any] = []
    place, limit = part.after, part.limit
    while True:
        after = Page(limit, part.sort, place)
        batch = keyset(lead.places[0].distinct(), {"id": lead.key}, after)
        ids = [order_id for (order_id,) in await reader.select(batch)]
        here = [*conditions, OrderRow.id.in_(ids)]
        found += await _selected(reader, Page(len(ids), part.sort), here, gathered=True)
        if len(found) > part.limit or len(ids) <= limit:
            return found[: part.limit + 1]
        place, limit = (ids[-1], ids[-1]), min(2 * limit, MATCHES_MAX)
