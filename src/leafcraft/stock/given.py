"""What comes in about stock over the wire."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, RootModel, StringConstraints, model_validator

from leafcraft.stock.rules import MAIN_CODE, PRIORITY_MAX, Reason
from leafcraft.stock.tables import (
    CODE_CHARS_MAX,
    NAME_CHARS_MAX,
    NOTE_CHARS_MAX,
    REASON_CHARS_MAX,
    REFERENCE_CHARS_MAX,
)
from leafcraft.web import wire

Code = Annotated[
    str,
    StringConstraints(
        strict=True, pattern=r"^[a-z0-9][a-z0-9_-]*$", min_length=1, max_length=CODE_CHARS_MAX
    ),
    Field(examples=[MAIN_CODE]),
]
"""A location's code: lower case, so that every database takes the same two for one."""
Name = Annotated[wire.PlainText, StringConstraints(min_length=1, max_length=NAME_CHARS_MAX)]
Priority = Annotated[
    int, Field(strict=True, ge=0, le=PRIORITY_MAX, description="the lowest number serves first")
]
Reasoning = Annotated[wire.PlainText, StringConstraints(min_length=1, max_length=REASON_CHARS_MAX)]
Reference = Annotated[
    wire.PlainText, StringConstraints(min_length=1, max_length=REFERENCE_CHARS_MAX)
]
Note = Annotated[wire.PlainText, StringConstraints(min_length=1, max_length=NOTE_CHARS_MAX)]
Counted = Annotated[int, Field(strict=True, ge=0, le=wire.QUANTITY_MAX)]


def _not_nothing(delta: int) -> int:
    if not delta:
        raise ValueError("must not be 0")
    return delta


Delta = Annotated[
    int,
    Field(
        strict=True,
        ge=-wire.QUANTITY_MAX,
        le=wire.QUANTITY_MAX,
        json_schema_extra={"not": {"const": 0}},
    ),
    AfterValidator(_not_nothing),
]


class NewLocation(wire.Body):
    """A place that holds stock."""

    code: Code
    name: Name | None = None
    priority: Priority = 0


class LocationEdit(wire.Body):
    """What to change; what is left out stays."""

    name: wire.LeftOutOr[Name] = None
    priority: wire.LeftOutOr[Priority] = None
    active: wire.LeftOutOr[Annotated[bool, Field(strict=True)]] = None


class Receipt(wire.Body):
    """Goods that come in."""

    product_id: wire.BodyId
    quantity: wire.Quantity
    location: Code = MAIN_CODE
    reason: Reasoning | None = None
    reference: Reference | None = None


class Adjustment(wire.Body):
    """A correction: by `delta` units, or to what was `counted`, if on hand still is what was expected."""

    product_id: wire.BodyId
    location: Code = MAIN_CODE
    delta: Delta | None = None
    counted: Counted | None = None
    expected_on_hand: Counted | None = None
    reason: Reason
    note: Note | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.delta is None) == (self.counted is None):
            raise ValueError("takes either delta or counted")
        if self.expected_on_hand is not None and self.counted is None:
            raise ValueError("expected_on_hand goes with counted")
        return self


class NewTransfer(wire.Body):
    """From one location to another."""

    product_id: wire.BodyId
    quantity: wire.Quantity
    from_location: Code
    to_location: Code

    @model_validator(mode="after")
    def _somewhere_else(self) -> Self:
        if self.from_location == self.to_location:
            raise ValueError("from_location and to_location are the same")
        return self


class Receipts(RootModel[wire.OneOrMany[Receipt]]):
    """One receipt, or a list of them."""


class Adjustments(RootModel[wire.OneOrMany[Adjustment]]):
    """One adjustment, or a list of them."""


class Transfers(RootModel[wire.OneOrMany[NewTransfer]]):
    """One transfer, or a list of them."""
