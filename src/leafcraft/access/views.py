"""The sessions of a user, as they are shown."""

from typing import NamedTuple

from sqlalchemy import and_, or_, select

from leafcraft.access.rules import lives
from leafcraft.access.tables import SessionRow
from leafcraft.accounts.store import UserRow
from leafcraft.db import Page, Reader, keyset


class OpenSession(NamedTuple):
    """A sign-in that is not over."""

    id: int
    started_at: int
    used_at: int
    address: str
    agent: str
    browser: bool


_COLUMNS = [getattr(SessionRow, column) for column in OpenSession._fields]


async def open_sessions(reader: Reader, page: Page, *, user_id: int, now: int) -> list[OpenSession]:
    """Of the user, a page of those that are not over; the same as `over_or_none` says of each."""
    alive = []
    for browser in (False, True):
        oldest, idle = lives(browser=browser)
        alive.append(
            and_(
                SessionRow.browser == browser,
                SessionRow.started_at > now - oldest,
                SessionRow.used_at > now - idle,
            )
        )
    statement = (
        select(*_COLUMNS)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .where(SessionRow.user_id == user_id, SessionRow.era == UserRow.era)
        .where(SessionRow.ended_at.is_(None), or_(*alive))
    )
    rows = await reader.select(keyset(statement, {"id": SessionRow.id}, page))
    return [OpenSession(*row)._replace(browser=bool(row[-1])) for row in rows]
