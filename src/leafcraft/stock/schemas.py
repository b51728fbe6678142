"""What goes out about stock over the wire, and what can be asked of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from leafcraft import times
from leafcraft.stock import rules
from leafcraft.stock.actions import Entry
from leafcraft.stock.rules import Kind
from leafcraft.stock.tables import CODE_CHARS_MAX
from leafcraft.stock.views import MovementFilter, Promised, ShownLevel, ShownMovement
from leafcraft.times import NEVER
from leafcraft.web import wire
from leafcraft.web.paging import ListQuery
from leafcraft.web.problems import Problem

QueryId = Annotated[int, Field(ge=1, le=wire.ID_MAX)]
QueryCode = Annotated[str, Field(max_length=CODE_CHARS_MAX)]


class Location(TypedDict):
    id: int
    code: str
    name: str
    priority: int
    active: bool


class Balance(TypedDict):
    """What lies at one location, what of it is promised, and what can still be sold."""

    location: str
    on_hand: int
    reserved: int
    available: int


class Level(Balance):
    product_id: int


class Movement(TypedDict):
    """One line of the ledger: the change, and the balances after it.

    `counterpart` is the other half of a transfer; `reverses` and `reversed_by` tie a mistake to
    the movement that took it back.
    """

    id: int
    product_id: int
    location: str
    kind: Kind
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int
    reserved_after: int
    order_id: int | None
    reason: str | None
    reference: str | None
    note: str | None
    actor: str
    occurred_at: wire.Time
    counterpart: int | None
    reverses: int | None
    reversed_by: int | None


class Moved(TypedDict):
    """What was written: of a transfer first what left, then what arrived."""

    movements: list[Movement]


class Result(TypedDict):
    """What came of one of many, by its place in the list; `problem` says why when it was refused."""

    index: int
    status_code: int
    movements: NotRequired[list[Movement]]
    problem: NotRequired[Problem]


class Results(TypedDict):
    results: list[Result]


class Stock(TypedDict):
    """A product's stock at one moment."""

    product_id: int
    as_of: wire.Time
    levels: list[Balance]


class Reservation(TypedDict):
    """Promised to an order; a hold has an end."""

    order_id: int
    location: str
    quantity: int
    expires_at: wire.Time | None


class Availability(TypedDict):
    """Why the number is what it is: on hand, less every open reservation."""

    product_id: int
    on_hand: int
    reserved: int
    available: int
    levels: list[Balance]
    reservations: list[Reservation]


class LocationQuery(ListQuery):
    sort: Literal["id", "-id", "priority", "-priority", "code", "-code"] = "id"


class LevelQuery(ListQuery):
    sort: Literal["product_id", "-product_id"] = "product_id"
    product_id: QueryId | None = None
    product_ids: Annotated[wire.GivenIds | None, Field(description="several at once")] = None
    location: QueryCode | None = None

    @property
    def products(self) -> Sequence[int] | None:
        """Those asked for, or None: all."""
        one = None if self.product_id is None else (self.product_id,)
        if one is None or self.product_ids is None:
            return one or self.product_ids
        return [each for each in one if each in self.product_ids]


class MovementQuery(ListQuery):
    sort: Literal["id", "-id", "occurred_at", "-occurred_at"] = "id"
    product_id: QueryId | None = None
    order_id: QueryId | None = None
    location: QueryCode | None = None
    kind: Kind | None = None
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


class AvailabilityQuery(ListQuery):
    """The page is one of orders that hold reservations."""

    sort: Literal["expires_at"] = "expires_at"


class StockQuery(wire.Query):
    as_of: Annotated[
        wire.GivenTime | None, Field(description="a moment that has passed; left out: now")
    ] = None


def location(shown: rules.Location) -> Location:
    return {
        "id": shown.id,
        "code": shown.code,
        "name": shown.name,
        "priority": shown.priority,
        "active": shown.active,
    }


def balance(shown: ShownLevel) -> Balance:
    return {
        "location": shown.location,
        "on_hand": shown.on_hand,
        "reserved": shown.reserved,
        "available": shown.on_hand - shown.reserved,
    }


def level(shown: ShownLevel) -> Level:
    return {"product_id": shown.product_id, **balance(shown)}


def stock(product_id: int, moment: int, levels: Sequence[ShownLevel]) -> Stock:
    return {
        "product_id": product_id,
        "as_of": times.write(moment),
        "levels": [balance(one) for one in levels],
    }


def availability(
    product_id: int, levels: Sequence[ShownLevel], promised: Sequence[Promised]
) -> Availability:
    on_hand = sum(one.on_hand for one in levels)
    reserved = sum(one.reserved for one in levels)
    return {
        "product_id": product_id,
        "on_hand": on_hand,
        "reserved": reserved,
        "available": on_hand - reserved,
        "levels": [balance(one) for one in levels],
        "reservations": [shown for one in promised for shown in reservations(one)],
    }


def reservations(shown: Promised) -> list[Reservation]:
    ends = None if shown.expires_at == NEVER else times.write(shown.expires_at)
    return [
        {
            "order_id": shown.order_id,
            "location": location,
            "quantity": quantity,
            "expires_at": ends,
        }
        for location, quantity in shown.portions
    ]


def movement(shown: ShownMovement, links: Mapping[tuple[int, str], int]) -> dict[str, Any]:
    return {
        **shown._asdict(),
        "occurred_at": times.write(shown.occurred_at),
        "counterpart": links.get((shown.id, "counterpart")),
        "reverses": links.get((shown.id, "reverses")),
        "reversed_by": links.get((shown.id, "reversed_by")),
    }


def entries(written: Sequence[Entry]) -> list[dict[str, Any]]:
    """Movements as they were just written."""
    return [
        movement(
            ShownMovement(
                id=entry.id,
                location=entry.location,
                **{k: v for k, v in entry.movement._asdict().items() if k in _SHARED},
            ),
            {(entry.id, link): other for link, other in entry.links.items()},
        )
        for entry in written
    ]


_SHARED = set(ShownMovement._fields) & set(rules.Movement._fields)
