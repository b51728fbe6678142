"""Every verb in every state of an order: where it leads to, or why it is refused, and then nothing changes."""

from collections.abc import Awaitable, Callable

import pytest
from httpx2 import Response

from leafcraft.errors import Code
from leafcraft.orders.rules import LIFE, Status, Verb
from tests.builders import Clock, Json, Shop, found, problem
from tests.orders.acting import (
    all_there_is,
    confirmed,
    do,
    drop,
    edit,
    parcels,
    reorder,
    send,
    sent,
    story,
    take_back,
    undo,
    units,
)
from tests.orders.holding import assert_sound, held, hold, stock, sweep

pytestmark = pytest.mark.anyio

Act = Callable[[Shop, Json, Json], Awaitable[Response]]
"""What somebody does to an order of 4 teas."""

NOBODYS = {"id": 10**9}


async def _pending(shop: Shop, _: Clock, tea: Json) -> Json:
    return await shop.order((tea, 4))


async def _holding(shop: Shop, _: Clock, tea: Json) -> Json:
    return await held(shop, 10, (tea, 4))


async def _confirmed(shop: Shop, _: Clock, tea: Json) -> Json:
    return await confirmed(shop, (tea, 4))


async def _partly_sent(shop: Shop, _: Clock, tea: Json) -> Json:
    order = await confirmed(shop, (tea, 4))
    await sent(shop, order, (tea, 2))
    return order


async def _fulfilled(shop: Shop, _: Clock, tea: Json) -> Json:
    order = await confirmed(shop, (tea, 4))
    await sent(shop, order)
    return order


async def _cancelled(shop: Shop, _: Clock, tea: Json) -> Json:
    return await shop.cancel(await confirmed(shop, (tea, 4)))


async def _sent_and_cancelled(shop: Shop, clock: Clock, tea: Json) -> Json:
    return await shop.cancel(await _partly_sent(shop, clock, tea))


async def _unnoticed(shop: Shop, clock: Clock, tea: Json) -> Json:
    order = await _holding(shop, clock, tea)
    clock.advance(seconds=600)
    return order


async def _expired(shop: Shop, clock: Clock, tea: Json) -> Json:
    order = await _unnoticed(shop, clock, tea)
    assert await sweep(shop) == 1
    return order


STATES = {
    "Pending": (Status.PENDING, _pending),
    "Pending, with a hold": (Status.PENDING, _holding),
    "Confirmed": (Status.CONFIRMED, _confirmed),
    "Confirmed, partly sent": (Status.CONFIRMED, _partly_sent),
    "Fulfilled": (Status.FULFILLED, _fulfilled),
    "Cancelled": (Status.CANCELLED, _cancelled),
    "Cancelled, partly sent": (Status.CANCELLED, _sent_and_cancelled),
    "Expired": (Status.EXPIRED, _expired),
    "Expired, which nobody has noticed": (Status.EXPIRED, _unnoticed),
}
NEVER_SENT = {name for name in STATES if "sent" not in name and name != "Fulfilled"}


async def _undo_the_first(shop: Shop, order: Json, _: Json) -> Response:
    made = await parcels(shop, order)
    return await undo(shop, order, made[0] if made else NOBODYS)


ACTS: dict[str, tuple[Verb | None, Act]] = {
    "hold": (Verb.HOLD, lambda shop, order, _: hold(shop, order, 20)),
    "confirm": (Verb.CONFIRM, lambda shop, order, _: do(shop, order, "confirm")),
    "edit the items": (Verb.EDIT, lambda shop, order, tea: reorder(shop, order, (tea, 5))),
    "edit the customer": (
        Verb.EDIT,
        lambda shop, order, _: edit(shop, order, customer={"name": "Ada"}),
    ),
    "edit the note": (Verb.EDIT, lambda shop, order, _: edit(shop, order, note="ring twice")),
    "edit the reference": (Verb.EDIT, lambda shop, order, _: edit(shop, order, reference="A-1")),
    "put on hold": (Verb.EDIT, lambda shop, order, _: edit(shop, order, on_hold_reason="fraud?")),
    "fulfill": (Verb.FULFILL, lambda shop, order, _: send(shop, order)),
    "fulfill a part": (Verb.FULFILL, lambda shop, order, tea: send(shop, order, (tea, 1))),
    "undo a fulfillment": (Verb.UNDO, _undo_the_first),
    "cancel": (Verb.CANCEL, lambda shop, order, _: do(shop, order, "cancel")),
    "cancel a part": (Verb.CANCEL_UNITS, lambda shop, order, tea: drop(shop, order, (tea, 1))),
    "return": (Verb.RETURN, lambda shop, order, tea: take_back(shop, order, (tea, 1))),
    "say that it is paid": (None, lambda shop, order, _: edit(shop, order, payment_status="paid")),
    "note": (None, lambda shop, order, _: do(shop, order, "notes", {"text": "called"})),
}

NOT_PENDING, NOT_EDITABLE = "order_not_pending", "order_not_editable"
NOT_CONFIRMED, GONE, EXPIRED = "order_not_confirmed", "order_already_cancelled", "order_expired"
P, C, F, X, E = "Pending", "Confirmed", "Fulfilled", "Cancelled", "Expired"
_EDIT = (P, P, C, C, NOT_EDITABLE, NOT_EDITABLE, NOT_EDITABLE, EXPIRED, EXPIRED)
_CANCELLED = ("order_not_cancellable", GONE, GONE, EXPIRED, EXPIRED)
_NOT_PENDING = (*5 * (NOT_PENDING,), EXPIRED, EXPIRED)
_NOT_CONFIRMED = (*3 * (NOT_CONFIRMED,), EXPIRED, EXPIRED)
_EXCEEDED = "quantity_exceeded"
_KEEPS = (P, P, C, C, F, X, X, E, E)

OUTCOMES: dict[str, tuple[str, ...]] = {
    "hold": (P, P, *_NOT_PENDING),
    "confirm": (C, C, *_NOT_PENDING),
    "edit the items": _EDIT,
    "edit the customer": _EDIT,
    "edit the note": _EDIT,
    "edit the reference": _EDIT,
    "put on hold": _EDIT,
    "fulfill": (NOT_CONFIRMED, NOT_CONFIRMED, F, F, *_NOT_CONFIRMED),
    "fulfill a part": (NOT_CONFIRMED, NOT_CONFIRMED, C, C, *_NOT_CONFIRMED),
    "undo a fulfillment": (*3 * ("not_found",), C, C, "not_found", GONE, *2 * ("not_found",)),
    "cancel": (X, X, X, X, *_CANCELLED),
    "cancel a part": (P, P, C, C, *_CANCELLED),
    "return": (NOT_CONFIRMED, NOT_CONFIRMED, _EXCEEDED, C, F, _EXCEEDED, X, EXPIRED, EXPIRED),
    "say that it is paid": _KEEPS,
    "note": _KEEPS,
}
CELLS = [
    pytest.param(act, state, told, id=f"{act}: {state}")
    for act, row in OUTCOMES.items()
    for state, told in zip(STATES, row, strict=True)
]


@pytest.mark.parametrize(("act", "state", "told"), CELLS)
async def test_a_verb_leads_where_it_should_or_changes_nothing(
    still: Shop, clock: Clock, act: str, state: str, told: str
) -> None:
    tea = await still.product(stock=10)
    order = await STATES[state][1](still, clock, tea)
    before = await all_there_is(still)
    shown = await still.reload(order)
    assert shown["status"] == STATES[state][0]
    answer = await ACTS[act][1](still, order, tea)
    if told in set(Status):
        assert answer.status_code in {200, 201}, answer.text
        assert (await still.reload(order))["status"] == told
    else:
        refusal = problem(answer, 404 if told == "not_found" else 409, told)
        assert told in {"not_found", _EXCEEDED} or refusal["order_id"] == order["id"]
        await assert_unchanged(still, order, before)
    await assert_sound(still, clock)


async def assert_unchanged(shop: Shop, order: Json, before: list[object]) -> None:
    """But that a hold which had ended may have been written off by now."""
    after = await all_there_is(shop)
    if "expired" in await story(shop, order):
        assert after[0] == before[0]
        assert units(after[1][0]) == [(4, 0, 0, 0)]
        assert after[2] == before[2]
        assert after[4:6] == before[4:6]
    else:
        assert after == before


def test_the_table_is_that_of_the_rules() -> None:
    """What the rules name and no state can reach: a Pending or an Expired order has no fulfillment."""
    for act, (verb, _) in ACTS.items():
        for (name, (status, _)), told in zip(STATES.items(), OUTCOMES[act], strict=True):
            step = LIFE[verb][status] if verb else (status,)
            if isinstance(step, Code):
                assert told == step.word or (verb is Verb.UNDO and name in NEVER_SENT)
            else:
                assert told in {*step, _EXCEEDED, "not_found"}
    assert {verb for verb, _ in ACTS.values()} == {*Verb, None}


@pytest.mark.parametrize("act", ["say that it is paid", "note"])
@pytest.mark.parametrize("state", STATES)
async def test_what_is_said_beside_an_order_moves_no_stock(
    still: Shop, clock: Clock, act: str, state: str
) -> None:
    tea = await still.product(stock=10)
    order = await STATES[state][1](still, clock, tea)
    before = await stock(still, tea)
    assert (await ACTS[act][1](still, order, tea)).status_code in {200, 201}
    assert await stock(still, tea) == before
    kind = {"note": "noted", "say that it is paid": "payment_changed"}[act]
    assert (await story(still, order)).count(kind) == 1
    found(await still.get(f"/orders/{order['id']}"))
