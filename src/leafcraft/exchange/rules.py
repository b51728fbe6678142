"""What becomes of a file's rows, counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from leafcraft.exchange.rows import Bad

BAD_SHOWN_MAX = 1000


class Fate(Enum):
    """What a row does."""

    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()


Outcome = Fate | Sequence[Bad]
"""What a row does, or why it can't be."""


@dataclass
class Tally:
    """How many rows did what; of what is bad, the first BAD_SHOWN_MAX and their number."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad_total: int = 0
    bad: list[Bad] = field(default_factory=list)
    line: int = 0
    """Where the last row began."""

    @property
    def refused(self) -> int:
        """How many rows did nothing, because something about them is bad."""
        return self.rows - self.created - self.updated - self.unchanged

    def add(self, line: int, outcome: Outcome) -> None:
        """One more row; or more of what is bad about the last one."""
        self.rows += line != self.line
        self.line = line
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
