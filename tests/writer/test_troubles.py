"""The table of database errors, line by line."""

import asyncio
import sqlite3
from pathlib import Path

import asyncmy.errors
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from leafcraft.db import Trouble, trouble_of
from leafcraft.db.transaction import GuardHeld

CONFLICTS = {
    1213: "deadlock, or certification failure",
    1205: "lock wait timeout",
    1020: "record changed since last read",
    1062: "duplicate key",
    3572: "lock not available at once",
}
LOST = {
    0: "not connected",
    1040: "too many connections",
    1047: "Galera node not ready",
    1053: "server shutdown in progress",
    1077: "normal shutdown",
    1078: "got signal",
    1080: "forcing close of thread",
    1152: "aborted connection",
    1158: "error reading communication packets",
    1159: "timeout reading communication packets",
    1160: "error writing communication packets",
    1161: "timeout writing communication packets",
    1180: "error during COMMIT",
    1203: "too many connections of this user",
    1317: "execution interrupted",
    1927: "connection was killed",
    2002: "can't connect through socket",
    2003: "can't connect to server",
    2005: "unknown host",
    2006: "server has gone away",
    2013: "lost connection during query",
    2014: "commands out of sync",
    2055: "lost connection",
    4031: "hung up on an idle connection (MySQL 8)",
}
OTHERS = {
    1048: "column can't be null",
    1054: "unknown column",
    1064: "syntax error",
    1146: "no such table",
    1264: "out of range",
    1406: "data too long",
    1452: "foreign key fails",
    3819: "CHECK violated (MySQL)",
    4025: "CHECK violated (MariaDB)",
}
LINES = [
    *((code, Trouble.CONFLICT) for code in CONFLICTS),
    *((code, Trouble.LOST) for code in LOST),
    *((code, Trouble.OTHER) for code in OTHERS),
]


@pytest.mark.parametrize(("code", "trouble"), LINES)
def test_every_server_code_means_what_the_table_says(code: int, trouble: Trouble) -> None:
    error = asyncmy.errors.OperationalError(code, "…")
    assert trouble_of(error) is trouble
    assert trouble_of(DBAPIError("SELECT 1", (), error)) is trouble


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (sqlite3.SQLITE_BUSY, Trouble.CONFLICT),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Trouble.CONFLICT),
        (sqlite3.SQLITE_BUSY_RECOVERY, Trouble.CONFLICT),
        (sqlite3.SQLITE_LOCKED, Trouble.CONFLICT),
        (sqlite3.SQLITE_FULL, Trouble.OTHER),
        (sqlite3.SQLITE_IOERR, Trouble.OTHER),
        (sqlite3.SQLITE_CORRUPT, Trouble.OTHER),
        (sqlite3.SQLITE_READONLY, Trouble.OTHER),
    ],
)
def test_every_sqlite_code_means_what_the_table_says(code: int, trouble: Trouble) -> None:
    error = sqlite3.OperationalError("…")
    error.sqlite_errorcode = code
    assert trouble_of(error) is trouble
    assert trouble_of(OperationalError("BEGIN", (), error)) is trouble


def test_a_locked_sqlite_file_is_a_conflict(tmp_path: Path) -> None:
    first, second = (sqlite3.connect(tmp_path / "x.db", timeout=0) for _ in range(2))
    try:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as busy:
            second.execute("BEGIN IMMEDIATE")
        assert trouble_of(busy.value) is Trouble.CONFLICT
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ConnectionResetError(), Trouble.LOST),
        (BrokenPipeError(), Trouble.LOST),
        (ConnectionRefusedError(), Trouble.LOST),
        (TimeoutError(), Trouble.LOST),
        (asyncio.IncompleteReadError(b"", 4), Trouble.LOST),
        (PoolTimeout(), Trouble.LOST),
        (GuardHeld(), Trouble.OTHER),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), Trouble.OTHER),
        (sqlite3.ProgrammingError("closed"), Trouble.OTHER),
        (asyncmy.errors.Error(), Trouble.OTHER),
        (ValueError(), Trouble.OTHER),
    ],
)
def test_every_other_error_means_what_it_should(error: Exception, trouble: Trouble) -> None:
    assert trouble_of(error) is trouble
