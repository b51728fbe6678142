"""Revisions tell a reader whether anything was committed since: one row per writing process and topic.

A process adds one to its own rows in each of its own transactions, so no two processes ever wait
for the same row; a topic's revision is the sum over all of them and only ever grows. The row of
topic `COMMITS` holds the number of the process's last transaction instead: after a lost
connection it tells whether the last COMMIT arrived.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.cause import Cause
from leafcraft.db import Base, Link, Moment, Source, Statement, Transaction, text

COMMITS = "commits"
IDLE_DAYS_MAX = 1
"""A writer's rows idle for longer are folded into another's; its next transaction makes new ones."""

MARK_BYTES = 12


class Revision(Base):
    __tablename__ = "revisions"

    writer: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    topic: Mapped[str] = mapped_column(text(32), primary_key=True)
    count: Mapped[int]
    touched_at: Mapped[Moment]


class Bookmark:
    """One writing process's own rows."""

    def __init__(self, writer: int) -> None:
        self.writer = writer
        self._commits = 0
        self._open: set[str] = set()
        """The topics that have a row, as far as this process knows."""

    async def turn(self, tx: Transaction) -> None:
        """Adds one to every topic the transaction touched, and numbers the transaction."""
        self._commits += 1
        topics = {*tx.touched, COMMITS}
        if not self._open.issuperset(topics):
            await self._make(tx, topics)
        marks = ",".join(["%s"] * len(topics))
        change = Statement(
            "UPDATE revisions SET touched_at = %s,"
            " count = CASE topic WHEN %s THEN %s ELSE count + 1 END"
            f" WHERE writer = %s AND topic IN ({marks})",
            (tx.now, COMMITS, self._commits, self.writer, *sorted(topics)),
        )
        tx.later(change, len(topics))

    async def _make(self, tx: Transaction, topics: set[str]) -> None:
        rows = await tx.fetch("SELECT topic FROM revisions WHERE writer = %s", (self.writer,))
        missing = topics - {topic for (topic,) in rows}
        tx.append(
            "revisions",
            "writer, topic, count, touched_at",
            [(self.writer, topic, 0, tx.now) for topic in sorted(missing)],
        )
        self._open |= topics

    def forget(self) -> None:
        """After any failure: rows may not have been made, or have been folded away."""
        self._open.clear()

    async def arrived(self, link: Link) -> bool:
        """Whether the last transaction was committed after all.

        The locking read waits until the server has ended the session that sent it.
        """
        rows = await link.fetch(
            f"SELECT count FROM revisions WHERE writer = %s AND topic = %s{link.for_update}",
            (self.writer, COMMITS),
        )
        return bool(rows) and rows[0][0] == self._commits


async def current(link: Link) -> Mapping[str, int]:
    """Each topic's revision. The same number twice: nothing of that topic was committed in between."""
    rows = await link.fetch("SELECT topic, SUM(count) FROM revisions GROUP BY topic")
    return {topic: int(count) for topic, count in rows}


def mark(known: Mapping[str, int]) -> str:
    """All revisions in one short word. The same word twice: nothing was committed in between."""
    said = "&".join(f"{topic}={count}" for topic, count in sorted(known.items()))
    return hashlib.blake2b(said.encode(), digest_size=MARK_BYTES).hexdigest()


async def at_work(source: Source, since: int) -> set[int]:
    """The processes that have committed anything since then."""
    rows = await source.fetch(
        "SELECT DISTINCT writer FROM revisions WHERE touched_at >= %s", (since,)
    )
    return {writer for (writer,) in rows}


class Fold(NamedTuple):
    """Fold the rows of processes that have long stopped into the rows of this one."""

    writer: int
    idle_before: int
    by: Cause


async def fold(tx: Transaction, commands: Sequence[Fold]) -> Sequence[int]:
    """How many rows went. The sums stay what they are, so no cached read turns stale or falsely fresh."""
    return [await _fold(tx, command) for command in commands]


async def _fold(tx: Transaction, command: Fold) -> int:
    rows = await tx.fetch(
        "SELECT writer, topic, count FROM revisions WHERE touched_at < %s AND writer <> %s"
        f" ORDER BY writer, topic{tx.for_update}",
        (command.idle_before, command.writer),
    )
    kept: dict[str, int] = {}
    for writer, topic, count in rows:
        if topic != COMMITS:
            kept[topic] = kept.get(topic, 0) + count
        await tx.change("DELETE FROM revisions WHERE writer = %s AND topic = %s", (writer, topic))
    for topic, count in sorted(kept.items()):
        await _add(tx, (command.writer, topic), count)
    return len(rows)


async def _add(tx: Transaction, place: tuple[int, str], count: int) -> None:
    found = await tx.change(
        "UPDATE revisions SET count = count + %s WHERE writer = %s AND topic = %s",
        (count, *place),
    )
    if not found:
        row = (*place, count, tx.now)
        await tx.insert("revisions", "writer, topic, count, touched_at", [row])
