"""Many commands in one call, each for itself: the same as giving them one by one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from leafcraft.committer import Action
from leafcraft.db import Transaction
from leafcraft.errors import Refusal


class Many(NamedTuple):
    """Commands of one kind, in the order in which they were given."""

    commands: Sequence[Any]


def each(action: Action[Any, Any]) -> Action[Many, Sequence[Any]]:
    """The action that does many: one outcome a command, and a refusal disturbs no neighbour."""

    async def many(tx: Transaction, given: Sequence[Many]) -> Sequence[Sequence[Any | Refusal]]:
        outcomes = iter(await action(tx, [one for many in given for one in many.commands]))
        return [[next(outcomes) for _ in many.commands] for many in given]

    return many
