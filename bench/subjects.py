"""What is measured: the service and its twin, each a child process beside the books it must keep."""

import json
import os
import secrets
import shutil
import sqlite3
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, Self

import jwt

from tests.harness.mariadb import PrivateMariaDB
from tests.harness.processes import Child, free_port
from tests.harness.service import ROOT, Service

PRODUCTS: Final = 1_000
STOCK_OF_EACH: Final = 100_000_000
READY_WITHIN_SECONDS: Final = 60.0
TOKEN_HOURS: Final = 2
SERVE: Final = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level=warning")


@dataclass(frozen=True)
class Books:
    """What a subject's own tables say."""

    orders: int
    confirmed: int
    units_taken: int


class Subject(Protocol):
    """A running server under load."""

    name: str
    port: int

    @property
    def url(self) -> str: ...

    @property
    def product_range(self) -> tuple[int, int]:
        """The id of the first product and the number of them; their ids have no gaps."""

    def token(self) -> str: ...

    def books(self) -> Books: ...


class Ledger(Protocol):
    """A database that answers a query of one row of numbers."""

    def numbers(self, sql: str) -> Sequence[int]: ...


class MariaDBLedger:
    """One database of the private MariaDB."""

    def __init__(self, server: PrivateMariaDB, database: str) -> None:
        self._server = server
        self._database = database

    def numbers(self, sql: str) -> Sequence[int]:
        return [int(number) for number in self._server.query(sql, self._database)[0]]


class SQLiteLedger:
    """A SQLite file, read beside the server that writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def numbers(self, sql: str) -> Sequence[int]:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            return [int(number) for number in connection.execute(sql).fetchone()]
        finally:
            connection.close()


class TwinSubject:
    """The naive twin under the same server and the same options as the service."""

    def __init__(self, name: str, database_url: str, ledger: Ledger) -> None:
        self.name = name
        self.port = free_port()
        self.product_range = (1, PRODUCTS)
        self._database_url = database_url
        self._ledger = ledger
        self._secret_key = secrets.token_hex(32)
        self._home = Path(tempfile.mkdtemp(prefix="leafcraft-twin-"))
        self._process: Child | None = None

    def __enter__(self) -> Self:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TWIN_DATABASE_URL": self._database_url,
            "TWIN_SECRET_KEY": self._secret_key,
            "TWIN_PRODUCTS": str(PRODUCTS),
        }
        command = [sys.executable, "-m", "uvicorn", "bench.twin:app", "--port", str(self.port)]
        self._process = Child(
            [*command, *SERVE], name="twin", logs=self._home, environment=environment
        )
        self._process.wait_until(self._ready, within_seconds=READY_WITHIN_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self) -> str:
        expires = datetime.now(UTC) + timedelta(hours=TOKEN_HOURS)
        return jwt.encode({"sub": "1", "exp": expires}, self._secret_key, algorithm="HS256")

    def books(self) -> Books:
        orders, confirmed, moved, taken = self._ledger.numbers(
            "SELECT COUNT(*), COALESCE(SUM(status = 'Confirmed'), 0),"
            " (SELECT COALESCE(-SUM(delta), 0) FROM movements),"
            f" (SELECT {PRODUCTS * STOCK_OF_EACH} - SUM(stock_quantity) FROM products) FROM orders"
        )
        if moved != taken:
            raise ValueError(f"{self.name}: {moved} units in movements, {taken} gone from the stock")
        return Books(orders, confirmed, taken)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):  # noqa: S310
                return True
        except (OSError, urllib.error.URLError):
            return False


def post(url: str, token: str, body: object) -> dict[str, object]:
    """One JSON request to a subject, outside any measured time."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        created: dict[str, object] = json.load(answer)
        return created
