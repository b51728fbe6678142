"""What is noted down about the service itself."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from leafcraft import events
from leafcraft.activity import store
from leafcraft.cause import Cause
from leafcraft.db import Transaction

CHANGED = "settings.changed"


class NoteSettings(NamedTuple):
    """The settings that a service starts with, without its secrets."""

    settings: Mapping[str, Any]
    by: Cause


async def note_settings(tx: Transaction, commands: Sequence[NoteSettings]) -> Sequence[bool]:
    """Whether they are others than at the last start."""
    return [await _note(tx, command) for command in commands]


async def _note(tx: Transaction, command: NoteSettings) -> bool:
    last = await store.last_data(tx, CHANGED)
    if last is not None and orjson.loads(last) == command.settings:
        return False
    events.record(tx, CHANGED, 0, by=command.by, **command.settings)
    return True
