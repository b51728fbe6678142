"""The units of an order's lines: which of them a verb is about, and how many there can be."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from leafcraft.errors import Code, Refusal
from leafcraft.orders.rules import Line


class Wanted(NamedTuple):
    """So many units of a product, of one line of it or of whichever there are."""

    product_id: int
    quantity: int
    line_no: int | None = None


Counted = Mapping[int, int]
"""Units by line number; never 0."""


def all_of(lines: Iterable[Line], room: Callable[[Line], int]) -> Counted:
    """All that there is room for."""
    return {line.line_no: units for line in lines if (units := room(line))}


def spread(
    lines: Sequence[Line], wanted: Sequence[Wanted], room: Callable[[Line], int]
) -> Counted | Refusal:
    """The wanted units, from line to line as far as each has room. Lines that are named come first,
    or those of a product would take their room; refused with all that exceeds it."""
    left = {line.line_no: room(line) for line in lines}
    counted: dict[int, int] = {}
    exceeded = []
    for want in sorted(wanted, key=lambda want: want.line_no is None):
        missing = want.quantity
        for line in lines:
            if line.product_id == want.product_id and want.line_no in {None, line.line_no}:
                units = min(missing, left[line.line_no])
                left[line.line_no] -= units
                missing -= units
                if units:
                    counted[line.line_no] = counted.get(line.line_no, 0) + units
        if missing:
            exceeded.append(_excess(want, want.quantity - missing))
    if exceeded:
        detail = "This is more than there is of the order's lines to do it with."
        return Refusal(Code.QUANTITY_EXCEEDED, detail, exceeded=exceeded)
    return counted


def _excess(want: Wanted, possible: int) -> dict[str, int]:
    named = {} if want.line_no is None else {"line": want.line_no}
    return {
        "product_id": want.product_id,
        **named,
        "requested": want.quantity,
        "possible": possible,
    }


def renewed(
    lines: Sequence[Line], items: Sequence[Wanted], prices: Mapping[int, int]
) -> Sequence[Line] | Refusal:
    """The lines as an edit wants them: the first item of a product is its first line, and so on.

    What stays keeps its number and its price; what is new takes that of the product's other lines,
    or the product's own. What was sent or cancelled of a line can't be edited away.
    """
    old: dict[int, list[Line]] = {}
    for line in lines:
        old.setdefault(line.product_id, []).append(line)
    paid = {line.product_id: line.unit_price_minor for line in reversed(lines)}
    next_no = max((line.line_no for line in lines), default=0) + 1
    made = []
    for item in items:
        if there := old.get(item.product_id):
            made.append(there.pop(0)._replace(quantity=item.quantity))
            continue
        price = paid.get(item.product_id, prices.get(item.product_id, 0))
        made.append(Line(next_no, item.product_id, item.quantity, price))
        next_no += 1
    gone = [line._replace(quantity=0) for rest in old.values() for line in rest]
    refusal = _refuse_less(made, gone)
    return refusal or sorted(made)


def _refuse_less(made: Sequence[Line], gone: Sequence[Line]) -> Refusal | None:
    less = [
        {
            "product_id": line.product_id,
            "line": line.line_no,
            "requested": line.quantity,
            "minimum": line.fulfilled + line.cancelled,
        }
        for line in (*made, *gone)
        if line.open < 0
    ]
    if less:
        detail = "What was sent or cancelled can't be edited away."
        return Refusal(Code.QUANTITY_EXCEEDED, detail, exceeded=less)
    if not any(line.open or line.fulfilled for line in made):
        return Refusal(Code.CONFLICT, "Nothing would be left of the order; cancel it instead.")
    return None


def told_items(lines: Iterable[Line], counted: Counted) -> list[dict[str, int]]:
    """So many units of which products, as events tell it."""
    return [
        {"line": line.line_no, "product_id": line.product_id, "quantity": counted[line.line_no]}
        for line in lines
        if line.line_no in counted
    ]
