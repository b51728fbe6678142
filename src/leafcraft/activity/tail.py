"""The end of the list of events: each is read once, however late it was committed.

An event's id is given out before its transaction commits, and several processes commit at once: an
event may come to light behind a newer one. So the ids that are missing are asked for again, for as
long as a transaction may take; those of one that was rolled back never come.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from leafcraft.activity import store
from leafcraft.activity.store import Subject
from leafcraft.db import Reader

EVENTS_MAX = 500
"""Read at a time; where there are more, it is only said that there are many."""
MISSING_MAX = 1000
MISSING_SECONDS = 60.0
"""Longer than the write path tries one transaction."""


class Seen(NamedTuple):
    """What one look has found."""

    newest: Sequence[Subject]
    late: Sequence[Subject]


class Tail:
    """How far one reader has come."""

    def __init__(self) -> None:
        self._last = 0
        self._missing: dict[int, float] = {}
        """Ids that may still come, the lowest first, and until when they are asked for."""

    async def look(self, reader: Reader) -> Seen:
        """Reads, and changes nothing: it may be tried again."""
        newest = await store.newest(reader, self._last, EVENTS_MAX + 1)
        return Seen(newest, await store.those(reader, self._missing))

    def take(self, seen: Seen, now: float) -> Sequence[Subject] | None:
        """What is new since the last look; None where that is more than EVENTS_MAX. `now`, in
        seconds, is only compared with other moments of the same clock."""
        for subject in seen.late:
            self._missing.pop(subject.event_id)
        many = len(seen.newest) > EVENTS_MAX
        if many:
            self._last = seen.newest[-1].event_id - 1  # what lies before is not missing, but unread
        self._pass(reversed(seen.newest), now + MISSING_SECONDS)
        self._forget(now)
        return None if many else [*seen.late, *reversed(seen.newest)]

    def _pass(self, subjects: Iterable[Subject], until: float) -> None:
        for subject in subjects:
            first = max(self._last + 1, subject.event_id - MISSING_MAX)
            self._missing.update(dict.fromkeys(range(first, subject.event_id), until))
            self._last = subject.event_id

    def _forget(self, now: float) -> None:
        surplus = len(self._missing) - MISSING_MAX
        gone = [
            event_id
            for place, (event_id, until) in enumerate(self._missing.items())
            if place < surplus or until <= now
        ]
        for event_id in gone:
            del self._missing[event_id]
