"""How programs ask for many orders at once: each for itself, and results in the order asked."""

from collections.abc import Callable, Sequence
from typing import Any

from leafcraft.accounts.rules import Permission
from leafcraft.bulk import Many
from leafcraft.committer import Action
from leafcraft.errors import Refusal
from leafcraft.idempotency import Answer
from leafcraft.orders import actions, fulfillments, given, schemas
from leafcraft.orders.actions import Cancel, Confirm
from leafcraft.orders.api import allocation, creation
from leafcraft.orders.fulfillments import Fulfill
from leafcraft.web import problems, wire
from leafcraft.web.call import Asked, Call
from leafcraft.web.operations import Operations, Promise

bulk = Operations("/orders", "Orders")


@bulk.post(
    "/bulk",
    Promise(name="create_orders", permission=Permission.ORDERS_WRITE, answers=schemas.CreatedMany),
)
async def create_orders(call: Asked, body: given.NewOrders) -> Answer:
    """Place many orders, each for itself."""
    commands = [creation(call, one) for one in body.orders]

    def told(outcomes: Sequence[Any]) -> Answer:
        return _answer([_created(call, index, outcome) for index, outcome in enumerate(outcomes)])

    return await call.write(actions.create_many, Many(commands), told, weight=len(commands))


@bulk.post(
    "/confirm",
    Promise(name="confirm_orders", permission=Permission.ORDERS_WRITE, answers=schemas.Results),
)
async def confirm_orders(call: Asked, body: given.OrderIds) -> Answer:
    """Confirm many orders, each for itself."""
    strategy = allocation(call)
    return await _each(
        call, body, actions.confirm_many, command=lambda number: Confirm(number, call.by, strategy)
    )


@bulk.post(
    "/cancel",
    Promise(name="cancel_orders", permission=Permission.ORDERS_WRITE, answers=schemas.Results),
)
async def cancel_orders(call: Asked, body: given.OrderIds) -> Answer:
    """Cancel many orders, each for itself."""
    return await _each(
        call, body, actions.cancel_many, command=lambda number: Cancel(number, call.by)
    )


@bulk.post(
    "/fulfill",
    Promise(name="fulfill_orders", permission=Permission.ORDERS_WRITE, answers=schemas.Results),
)
async def fulfill_orders(call: Asked, body: given.FulfilledIds) -> Answer:
    """Send all that is open of many orders, each for itself."""
    return await _each(
        call,
        body,
        fulfillments.fulfill_many,
        command=lambda number: Fulfill(number, call.by, None, body.location, body.carrier),
    )


async def _each(
    call: Call,
    body: given.OrderIds,
    action: Action[Any, Any],
    *,
    command: Callable[[int], Any],
) -> Answer:
    def told(outcomes: Sequence[Any]) -> Answer:
        pairs = zip(body.order_ids, outcomes, strict=True)
        return _answer([{"order_id": n, **_told(call, n, outcome)} for n, outcome in pairs])

    commands = [command(number) for number in body.order_ids]
    return await call.write(action, Many(commands), told, weight=len(commands))


def _answer(results: Sequence[dict[str, Any]]) -> Answer:
    return Answer(200, wire.dump({"results": results}))


def _told(call: Call, number: int, outcome: Any) -> dict[str, Any]:
    if not isinstance(outcome, Refusal):
        return {"status_code": 200}
    verb = call.path.rpartition("/")[2]
    return _refused(call, outcome, f"/orders/{number}/{verb}")


def _created(call: Call, index: int, outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        return {"index": index, **_refused(call, outcome, call.path)}
    return {"index": index, "status_code": 201, "order": schemas.order(outcome)}


def _refused(call: Call, refusal: Refusal, instance: str) -> dict[str, Any]:
    problem = problems.document(refusal, instance, call.request_id)
    return {"status_code": problem["status"], "problem": problem}
