"""What becomes of a file's rows, counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from leafcraft.exchange.rows import Bad

BAD_SHOWN_MAX = 1000
CHANGES_MAX = 500
"""How many changes are told, at most, before they are made."""


class Fate(Enum):
    """What a row does."""

    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()


@dataclass(frozen=True)
class Change:
    """What a row would do."""

    line: int
    fate: Fate
    key: str
    """The sku or the reference that the row names."""
    before: Any
    """What it is about, as that is now; None: there is nothing yet."""
    after: Any
    """The same as it would be."""


Outcome = Fate | Change | Sequence[Bad]
"""What a row does or would do, or why it can't be."""


@dataclass
class Tally:
    """How many rows did what; of what is bad, the first BAD_SHOWN_MAX and their number; of what would
    change, the first `changes_max`."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad_total: int = 0
    bad: list[Bad] = field(default_factory=list)
    line: int = 0
    """Where the last row began."""
    changes_max: int = 0
    changes: list[Change] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many rows did nothing, because something about them is bad."""
        return self.rows - self.created - self.updated - self.unchanged

    def add(self, line: int, outcome: Outcome) -> None:
        """One more row; or more of what is bad about the last one."""
        self.rows += line != self.line
        self.line = line
        if isinstance(outcome, Change):
            if len(self.changes) < self.changes_max:
                self.changes.append(outcome)
            outcome = outcome.fate
        match outcome:
            case Fate.CREATED:
                self.created += 1
            case Fate.UPDATED:
                self.updated += 1
            case Fate.UNCHANGED:
                self.unchanged += 1
            case _:
                self.bad_total += len(outcome)
                self.bad += outcome[: BAD_SHOWN_MAX - len(self.bad)]
