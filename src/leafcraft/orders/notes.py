"""What people write beside an order: each note is a fact of its timeline, and is never changed."""

from collections.abc import Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Refusal, not_found
from leafcraft.orders import store

NOTED = "order.noted"


class Note(NamedTuple):
    order_id: int
    text: str
    by: Cause


class Noted(NamedTuple):
    """A note as it was written."""

    order_id: int
    text: str
    actor: str
    occurred_at: int


async def note(tx: Transaction, commands: Sequence[Note]) -> Sequence[Noted | Refusal]:
    known = await store.by_id(tx, (command.order_id for command in commands))
    outcomes: list[Noted | Refusal] = []
    for command in commands:
        if command.order_id not in known:
            outcomes.append(not_found("order", command.order_id))
            continue
        events.record(tx, NOTED, command.order_id, by=command.by, text=command.text)
        tx.touched.add(store.TOPIC)
        outcomes.append(Noted(command.order_id, command.text, command.by.actor, tx.now))
    return outcomes
