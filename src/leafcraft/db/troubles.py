"""What a database error means for a write: the one table of codes that everything else asks.

Sources: MySQL and MariaDB server error references; SQLite result codes.
"""

import sqlite3
from enum import Enum, auto

import asyncmy.errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Trouble(Enum):
    """How a failed transaction goes on."""

    CONFLICT = auto()
    """Definitely not committed, and another try may well succeed: roll back, run it all again."""
    LOST = auto()
    """The connection is gone. Before COMMIT was sent nothing happened; after, nobody knows yet."""
    OTHER = auto()
    """A defect or bad data: trying again would only repeat it."""


_CONFLICTS = {
    1213,  # deadlock, or a Galera certification failure: the whole transaction is gone
    1205,  # lock wait timeout: only the statement is gone, so the rest must be rolled back too
    1020,  # record changed since last read (innodb_snapshot_isolation)
    1062,  # duplicate key: another process stored the same key first; the next try sees its row
    3572,  # NOWAIT lock not available
}
_LOST = {
    0,  # the driver's own "not connected"
    1040,  # too many connections
    1047,  # Galera node not ready
    1053,  # server shutdown in progress
    1077,
    1078,
    1080,  # server shutting down
    1152,
    1158,
    1159,
    1160,
    1161,  # aborted connection, network errors
    1180,  # error during COMMIT: on Galera the outcome is unknown
    1203,  # too many connections of this user
    1317,  # interrupted
    1927,  # connection was killed
    2002,
    2003,
    2005,
    2006,
    2013,
    2014,
    4031,  # the server hung up on an idle connection (MySQL 8)
    2055,  # can't connect, gone away, lost during the query, out of sync
}
_SQLITE_CONFLICTS = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def trouble_of(error: BaseException) -> Trouble:
    """Classifies a driver's or SQLAlchemy's exception."""
    if isinstance(error, PoolTimeout):
        return Trouble.LOST
    if isinstance(error, DBAPIError):
        return trouble_of(error.orig) if error.orig is not None else Trouble.OTHER
    if isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return Trouble.CONFLICT if code in _SQLITE_CONFLICTS else Trouble.OTHER
    if isinstance(error, asyncmy.errors.Error):
        code = error.args[0] if error.args else None
        if code in _CONFLICTS:
            return Trouble.CONFLICT
        return Trouble.LOST if code in _LOST else Trouble.OTHER
    # asyncio.IncompleteReadError is an EOFError; a socket's errors and time-outs are OSErrors.
    return Trouble.LOST if isinstance(error, (OSError, EOFError)) else Trouble.OTHER
