"""Every SQL statement about what was sent of orders, and what came back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from leafcraft.db import Source, Statement, Transaction, ids
from leafcraft.orders.rules import Disposition
from leafcraft.orders.store import TOPIC
from leafcraft.stock.rules import Portion
from leafcraft.stock.store import locations_by_id


class ParcelLine(NamedTuple):
    """So many units of an order's line, from a location or to it."""

    line_no: int
    product_id: int
    location_id: int
    quantity: int
    location: str
    """Its code."""

    @property
    def portion(self) -> Portion:
        return Portion(self.line_no, self.product_id, self.location_id, self.quantity)


class Fulfillment(NamedTuple):
    """What was sent at one time."""

    id: int
    order_id: int
    carrier: str | None
    tracking_number: str | None
    undone_at: int | None
    actor: str
    created_at: int
    lines: Sequence[ParcelLine] = ()


class Return(NamedTuple):
    """What came back at one time."""

    id: int
    order_id: int
    disposition: Disposition
    reason: str | None
    actor: str
    created_at: int
    lines: Sequence[ParcelLine] = ()


_SENT = ", ".join(name for name in Fulfillment._fields if name != "lines")
_CAME_BACK = ", ".join(name for name in Return._fields if name != "lines")


async def located(tx: Transaction, sent: Sequence[Sequence[Portion]]) -> list[list[ParcelLine]]:
    """The same with the locations' codes."""
    wanted = {one.location_id for portions in sent for one in portions}
    places = await locations_by_id(tx, wanted)
    return [[ParcelLine(*one, places[one.location_id].code) for one in part] for part in sent]


async def add_fulfillments(tx: Transaction, drafts: Sequence[Fulfillment]) -> list[Fulfillment]:
    """Appends what has just been sent; with the ids the database gave."""
    columns = "order_id, carrier, tracking_number, actor, created_at"
    rows = [(d.order_id, d.carrier, d.tracking_number, d.actor, d.created_at) for d in drafts]
    numbers = await tx.insert("fulfillments", columns, rows)
    made = [draft._replace(id=number) for number, draft in zip(numbers, drafts, strict=True)]
    _add_lines(tx, "fulfillment", made)
    return made


async def add_returns(tx: Transaction, drafts: Sequence[Return]) -> list[Return]:
    columns = "order_id, disposition, reason, actor, created_at"
    rows = [(d.order_id, d.disposition.value, d.reason, d.actor, d.created_at) for d in drafts]
    numbers = await tx.insert("returns", columns, rows)
    made = [draft._replace(id=number) for number, draft in zip(numbers, drafts, strict=True)]
    _add_lines(tx, "return", made)
    return made


def _add_lines(tx: Transaction, noun: str, made: Sequence[Fulfillment] | Sequence[Return]) -> None:
    tx.append(
        f"{noun}_lines",
        f"{noun}_id, line_no, product_id, location_id, quantity",
        [(one.id, *line.portion) for one in made for line in one.lines],
    )


async def fulfillments(source: Source, numbers: Iterable[int]) -> Mapping[int, Fulfillment]:
    """These fulfillments, as far as they exist."""
    wanted = ids(numbers)
    if wanted == "()":
        return {}
    rows = await source.fetch(f"SELECT {_SENT} FROM fulfillments WHERE id IN {wanted}")
    lines = await _lines(source, "fulfillment", [row[0] for row in rows])
    return {row[0]: Fulfillment._make([*row, lines.get(row[0], ())]) for row in rows}


async def returns(source: Source, numbers: Iterable[int]) -> Mapping[int, Return]:
    """These returns, as far as they exist."""
    wanted = ids(numbers)
    if wanted == "()":
        return {}
    rows = await source.fetch(f"SELECT {_CAME_BACK} FROM returns WHERE id IN {wanted}")
    lines = await _lines(source, "return", [row[0] for row in rows])
    found = [Return._make([*row, lines.get(row[0], ())]) for row in rows]
    return {one.id: one._replace(disposition=Disposition(one.disposition)) for one in found}


async def _lines(
    source: Source, noun: str, parcel_ids: Sequence[int]
) -> Mapping[int, list[ParcelLine]]:
    found: dict[int, list[ParcelLine]] = {}
    if parcel_ids:
        rows = await source.fetch(
            f"SELECT l.{noun}_id, l.line_no, l.product_id, l.location_id, l.quantity, p.code"
            f" FROM {noun}_lines l JOIN locations p ON p.id = l.location_id"
            f" WHERE l.{noun}_id IN {ids(parcel_ids)}"
            f" ORDER BY l.{noun}_id, l.line_no, l.location_id"
        )
        for number, *line in rows:
            found.setdefault(number, []).append(ParcelLine(*line))
    return found


def undo(tx: Transaction, fulfillment_id: int) -> None:
    """Marks it undone, exactly once."""
    change = Statement(
        "UPDATE fulfillments SET undone_at = %s WHERE id = %s AND undone_at IS NULL",
        (tx.now, fulfillment_id),
    )
    tx.later(change, 1)


def track(tx: Transaction, fulfillment: Fulfillment) -> None:
    """Writes who carries it, under which number."""
    tx.touched.add(TOPIC)
    change = Statement(
        "UPDATE fulfillments SET carrier = %s, tracking_number = %s WHERE id = %s",
        (fulfillment.carrier, fulfillment.tracking_number, fulfillment.id),
    )
    tx.later(change, 1)
