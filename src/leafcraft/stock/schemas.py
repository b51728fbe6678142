"""Stock on the wire."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from leafcraft import times
from leafcraft.stock.store import MovementFilter, ShownLevel, ShownMovement
from leafcraft.stock.tables import CODE_CHARS_MAX
from leafcraft.web import wire
from leafcraft.web.paging import ListQuery

QueryId = Annotated[int, Field(ge=1, le=wire.ID_MAX)]
LocationCode = Annotated[str, Field(max_length=CODE_CHARS_MAX)]
MovementKind = Literal[
    "receipt",
    "adjustment",
    "transfer_out",
    "transfer_in",
    "reserve",
    "release",
    "fulfill",
    "return",
]


class Level(TypedDict):
    """What lies at one location, what of it is promised, and what can still be sold."""

    product_id: int
    location: str
    on_hand: int
    reserved: int
    available: int


class Movement(TypedDict):
    """One line of the ledger: the change, and the balances after it."""

    id: int
    product_id: int
    location: str
    kind: MovementKind
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int
    reserved_after: int
    order_id: int | None
    reason: str | None
    reference: str | None
    actor: str
    occurred_at: wire.Time


class LevelQuery(ListQuery):
    sort: Literal["product_id", "-product_id"] = "product_id"
    product_id: QueryId | None = None
    location: LocationCode | None = None


class MovementQuery(ListQuery):
    sort: Literal["id", "-id", "occurred_at", "-occurred_at"] = "id"
    product_id: QueryId | None = None
    order_id: QueryId | None = None
    location: LocationCode | None = None
    kind: MovementKind | None = None
    since: Annotated[wire.GivenTime | None, Field(description="from this moment on")] = None
    until: Annotated[wire.GivenTime | None, Field(description="before this moment")] = None

    def chosen(self) -> MovementFilter:
        return MovementFilter(
            self.product_id,
            self.order_id,
            self.location,
            self.kind,
            self.since,
            self.until,
        )


def level(shown: ShownLevel) -> Level:
    return {
        "product_id": shown.product_id,
        "location": shown.location,
        "on_hand": shown.on_hand,
        "reserved": shown.reserved,
        "available": shown.on_hand - shown.reserved,
    }


def movement(shown: ShownMovement) -> dict[str, object]:
    return {**shown._asdict(), "occurred_at": times.write(shown.occurred_at)}
