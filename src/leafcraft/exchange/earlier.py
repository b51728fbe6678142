"""Earlier references: which ones a file has had so far, kept on the disk, because a file may have
more of them than memory has room for."""

import sqlite3
from typing import Self

from leafcraft.errors import Code, Refusal

CACHE_KIB_MAX = 2048
"""What is held in memory of them."""
PAGES_MAX = 1024 * 1024
"""What may lie on the disk of them, in pages of 4 KiB."""


class Earlier:
    """Where each reference was first. The database has no name, so nobody else finds it, and it is
    gone at the end."""

    def __enter__(self) -> Self:
        # Rows are read in one thread after the other, never in two at once.
        self._kept = sqlite3.connect("", check_same_thread=False)
        self._kept.execute(f"PRAGMA cache_size = -{CACHE_KIB_MAX}")
        self._kept.execute(f"PRAGMA max_page_count = {PAGES_MAX}")
        self._kept.execute("PRAGMA journal_mode = OFF")  # there is nothing to go back to
        self._kept.execute("CREATE TABLE seen (reference TEXT PRIMARY KEY, line INT) WITHOUT ROWID")
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    def line_of(self, reference: str, line: int) -> int | None:
        """The line on which the reference was before; None: it wasn't, and from now on it was on this one.

        Raises Refusal `overloaded` where the disk is full.
        """
        try:
            return self._line_of(reference.encode("utf-8", "surrogatepass"), line)
        except sqlite3.OperationalError:
            raise Refusal(
                Code.OVERLOADED, "There is no room for the file right now; nothing was applied."
            ) from None

    def _line_of(self, reference: bytes, line: int) -> int | None:
        added = self._kept.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (reference, line))
        if added.rowcount:
            return None
        known = self._kept.execute("SELECT line FROM seen WHERE reference = ?", (reference,))
        first: int = known.fetchone()[0]
        return first
