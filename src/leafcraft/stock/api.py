"""How programs ask about stock, and move it."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

from fastapi import Query

from leafcraft.accounts.rules import Permission
from leafcraft.bulk import Many
from leafcraft.committer import Action
from leafcraft.db import Reader
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.idempotency import Answer
from leafcraft.stock import actions, given, locations, results, reversals, schemas, store, views
from leafcraft.stock.actions import Adjust, Entries, Receive, Transfer
from leafcraft.stock.locations import AddLocation, EditLocation
from leafcraft.stock.reversals import Reverse
from leafcraft.stock.rules import Location
from leafcraft.stock.store import TOPIC
from leafcraft.web import problems, wire
from leafcraft.web.call import Asked, Call
from leafcraft.web.operations import Operations, Promise

T = TypeVar("T")

stock = Operations("/stock", "Stock")
of_products = Operations("/products", "Stock")
sites = Operations("/locations", "Locations")

RECEIVES = Promise(
    "receive_stock",
    Permission.STOCK_WRITE,
    schemas.Movement,
    status=201,
    refuses=(Code.PRODUCT_NOT_FOUND, Code.CONFLICT),
    answers_many=schemas.Results,
)
TAKES = RECEIVES._replace(refuses=(*RECEIVES.refuses, Code.INSUFFICIENT_STOCK))


@stock.post("/receipts", RECEIVES)
async def receive_stock(call: Asked, body: given.Receipts) -> Answer:
    """Goods come in. A list does many, each for itself, with one result each."""

    def command(one: given.Receipt) -> Receive:
        return Receive(
            one.product_id, one.quantity, call.by, one.location, one.reason, one.reference
        )

    return await _move(
        call, _Verb(actions.receive, actions.receive_many), body.root, command=command
    )


@stock.post("/adjustments", TAKES._replace(name="adjust_stock"))
async def adjust_stock(call: Asked, body: given.Adjustments) -> Answer:
    """Correct what is on hand, with a reason; never below what is promised. A list does many."""

    def command(one: given.Adjustment) -> Adjust:
        return Adjust(
            one.product_id,
            one.location,
            one.reason,
            call.by,
            one.delta,
            one.counted,
            one.expected_on_hand,
            one.note,
        )

    return await _move(call, _Verb(actions.adjust, actions.adjust_many), body.root, command=command)


@stock.post("/transfers", TAKES._replace(name="transfer_stock", answers=schemas.Moved))
async def transfer_stock(call: Asked, body: given.Transfers) -> Answer:
    """Carry what is not promised from one location to another. A list does many."""

    def command(one: given.NewTransfer) -> Transfer:
        return Transfer(one.product_id, one.quantity, one.from_location, one.to_location, call.by)

    return await _move(
        call, _Verb(actions.transfer, actions.transfer_many), body.root, command=command
    )


@stock.post(
    "/movements/{movement_id}/reverse",
    Promise(
        name="reverse_movement",
        permission=Permission.STOCK_WRITE,
        answers=schemas.Moved,
        status=201,
        refuses=(Code.NOT_FOUND, Code.CONFLICT, Code.INSUFFICIENT_STOCK),
    ),
)
async def reverse_movement(call: Asked, movement_id: wire.Id) -> Answer:
    """Take back a receipt, an adjustment or a transfer by its opposite, once."""
    return await call.write(reversals.reverse, Reverse(movement_id, call.by), results.pair)


@stock.get(
    "/levels",
    Promise(
        name="list_stock_levels",
        permission=Permission.STOCK_READ,
        answers=list[schemas.Level],
    ),
)
async def list_levels(call: Asked, query: Annotated[schemas.LevelQuery, Query()]) -> Answer:
    """What lies where: on hand, reserved and available of each product at each location."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        await views.mind_holds(reader)
        rows = await views.levels_page(
            reader, page, products=query.products, location=query.location
        )
        shown, more = query.cut(rows, "location_id")
        return wire.listing([schemas.level(row) for row in shown], more)

    return await call.read((TOPIC,), load)


@stock.get(
    "/movements",
    Promise(
        name="list_stock_movements",
        permission=Permission.STOCK_READ,
        answers=list[schemas.Movement],
    ),
)
async def list_movements(call: Asked, query: Annotated[schemas.MovementQuery, Query()]) -> Answer:
    """The ledger: every change of a stock level, with the balances after it."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await views.movements_page(reader, page, query.chosen()))
        links = await store.links(reader, (row.id for row in shown))
        return wire.listing([schemas.movement(row, links) for row in shown], more)

    return await call.read((TOPIC,), load)


@of_products.get(
    "/{product_id}/stock",
    Promise(
        name="get_product_stock",
        permission=Permission.STOCK_READ,
        answers=schemas.Stock,
        refuses=[Code.NOT_FOUND],
    ),
)
async def get_stock(
    call: Asked, product_id: wire.Id, query: Annotated[schemas.StockQuery, Query()]
) -> Answer:
    """On hand, reserved and available at each location, now or at any moment that has passed."""

    async def load(reader: Reader) -> Answer:
        if query.as_of is None:
            moment = reader.now
            levels = await views.levels_of(reader, product_id)
        elif query.as_of <= reader.now:
            moment = query.as_of
            levels = await views.past_levels(reader, product_id, moment)
        else:
            raise problems.invalid_parameter("as_of", "is still to come")
        if not levels:
            raise not_found("product", product_id)
        return wire.shown(schemas.stock(product_id, moment, levels))

    if query.as_of is None:
        return await call.look(load)  # the answer has the moment in it
    return await call.read((TOPIC,), load)


@of_products.get(
    "/{product_id}/availability",
    Promise(
        name="get_product_availability",
        permission=Permission.STOCK_READ,
        answers=schemas.Availability,
        refuses=[Code.NOT_FOUND],
    ),
)
async def get_availability(
    call: Asked, product_id: wire.Id, query: Annotated[schemas.AvailabilityQuery, Query()]
) -> Answer:
    """Why as much is available as there is: on hand, less each open reservation, holds first. The
    `Link` header leads to further orders with reservations."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        await views.mind_holds(reader)
        levels = await views.levels_of(reader, product_id)
        if not levels:
            raise not_found("product", product_id)
        promised = await views.promised_page(reader, page, product_id)
        shown, more = query.cut(promised, "order_id")
        document = schemas.availability(product_id, levels, shown)
        return wire.shown(document)._replace(next_query=more)

    return await call.read((TOPIC,), load)


@sites.post(
    "/",
    Promise(
        name="create_location",
        permission=Permission.STOCK_WRITE,
        answers=schemas.Location,
        status=201,
        refuses=[Code.CONFLICT],
    ),
)
async def create_location(call: Asked, body: given.NewLocation) -> Answer:
    """Open a place that holds stock."""
    command = AddLocation(body.code, body.name or body.code, body.priority, call.by)
    return await call.write(locations.add_location, command, _opened)


@sites.get(
    "/",
    Promise(
        name="list_locations",
        permission=Permission.STOCK_READ,
        answers=list[schemas.Location],
    ),
)
async def list_locations(call: Asked, query: Annotated[schemas.LocationQuery, Query()]) -> Answer:
    """The places that hold stock."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        shown, more = query.cut(await views.locations_page(reader, page))
        return wire.listing([schemas.location(row) for row in shown], more)

    return await call.read((TOPIC,), load)


@sites.patch(
    "/{location_id}",
    Promise(
        name="edit_location",
        permission=Permission.STOCK_WRITE,
        answers=schemas.Location,
        refuses=(Code.NOT_FOUND, Code.CONFLICT),
    ),
)
async def edit_location(call: Asked, location_id: wire.Id, body: given.LocationEdit) -> Answer:
    """Rename a location, change its priority, close it when nothing lies there, or open it again."""
    command = EditLocation(location_id, call.by, body.name, body.priority, body.active)
    return await call.write(locations.edit_location, command, _location)


class _Verb(NamedTuple):
    """An action, and the same for a list of commands."""

    one: Action[Any, Entries]
    many: Action[Many, Sequence[Entries | Refusal]]


async def _move(
    call: Call, verb: _Verb, asked: T | list[T], *, command: Callable[[T], Any]
) -> Answer:
    if not isinstance(asked, list):
        return await call.write(verb.one, command(asked), results.one)
    commands = [command(one) for one in asked]
    return await call.write(
        verb.many, Many(commands), lambda found: results.many(call, found), weight=len(commands)
    )


def _opened(made: Location) -> Answer:
    return _location(made)._replace(status=201)


def _location(shown: Location) -> Answer:
    return wire.shown(schemas.location(shown))
