"""What happens at the end of an import: it becomes a fact."""

from collections.abc import Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.exchange.rules import Tally


class Close(NamedTuple):
    """An import is over: what of, and what became of its rows."""

    of: str
    tally: Tally
    by: Cause


async def close(tx: Transaction, commands: Sequence[Close]) -> Sequence[Tally]:
    """Notes down that a file was imported; the fact carries the request's key, and so its answer."""
    for of, tally, by in commands:
        events.record(
            tx,
            f"{of}.imported",
            0,
            by=by,
            rows=tally.rows,
            created=tally.created,
            updated=tally.updated,
            unchanged=tally.unchanged,
            refused=tally.refused,
        )
    return [command.tally for command in commands]
