"""What is asked for of an order's lines, and of what they have been promised: so many units, from here and there."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.reliability.model import Line, Order
from tests.reliability.shelves import Promise


class Wish(NamedTuple):
    """So many units of a product, of one line of it or of whichever there are."""

    product_id: int
    quantity: int
    line_no: int | None = None


def spread(
    order: Order, wishes: Sequence[Wish], room: Callable[[Line], int]
) -> dict[int, int] | None:
    """Units by line number; named lines first. None when there are not as many."""
    counted: dict[int, int] = {}
    for wish in sorted(wishes, key=lambda one: one.line_no is None):
        missing = wish.quantity
        for line in order.lines:
            if line.product_id == wish.product_id and wish.line_no in {None, line.no}:
                part = min(missing, room(line) - counted.get(line.no, 0))
                missing -= part
                if part:
                    counted[line.no] = counted.get(line.no, 0) + part
        if missing:
            return None
    return counted


def counted_of(order: Order, wishes: Sequence[Wish] | None) -> dict[int, int] | None:
    if wishes is None:
        return {one.no: one.open for one in order.lines if one.open}
    return spread(order, wishes, lambda one: one.open)


def parts_of(promises: Sequence[Promise], units: int) -> list[tuple[Promise, int]]:
    parts = []
    for one in promises:
        part = min(one.quantity, units)
        units -= part
        if part:
            parts.append((one, part))
    assert not units
    return parts
