"""What is measured: the service and its twin, each a child process beside the books it must keep."""

import http.client
import json
import os
import secrets
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, Self

import jwt

from tests.harness.mariadb import PrivateMariaDB
from tests.harness.processes import Child, HarnessError, free_port
from tests.harness.service import ROOT, Service

PRODUCTS: Final = 1_000
STOCK_OF_EACH: Final = 100_000_000
READY_WITHIN_SECONDS: Final = 60.0
HTTP_SECONDS_MAX: Final = 30.0
TOKEN_HOURS: Final = 2

# What `leafcraft serve` tells the same server.
TWIN_OPTIONS: Final = ("--loop=uvloop", "--http=httptools", "--no-access-log", "--backlog=2048")


@dataclass(frozen=True)
class Books:
    """What a subject's own tables say; the units are those of confirmed orders."""

    orders: int
    confirmed: int
    units: int


class Ledger(Protocol):
    """A database that answers a query of one row of numbers."""

    def numbers(self, sql: str) -> Sequence[int]: ...


class Subject(Protocol):
    """A running server under load."""

    name: str
    first_product: int
    """The id of the first of PRODUCTS products; there are no gaps between their ids."""

    @property
    def port(self) -> int: ...

    def token(self) -> str: ...

    def books(self) -> Books: ...

    def findings(self) -> str:
        """What a full check of the books found wrong; nothing is an empty text."""


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


class ServiceSubject(Service):
    """The service as its users run it, and the trivial endpoint beside it."""

    name = "service"

    def __init__(
        self, database_url: str | None, ledger: Ledger | None = None, *, limits: bool = False
    ) -> None:
        settings = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "LEAFCRAFT_TOKEN_MINUTES": "600"}
        if limits:  # those of strangers; the one client that sends all the rest is let be
            settings |= {"LEAFCRAFT_RATE_LIMIT": "on", "LEAFCRAFT_RATE_PER_SECOND": "1000000"}
        super().__init__(database_url, settings=settings)
        self._token = ""
        self._ledger = ledger or SQLiteLedger(self.data_dir / "leafcraft.db")
        self.first_product = 0

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bench.server", *arguments]

    def start(self) -> None:
        """A started service has its products."""
        super().start()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_SECONDS_MAX)
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        created = []
        for n in range(PRODUCTS):
            product = {"name": f"Tea {n}", "price": 9.99, "stock_quantity": STOCK_OF_EACH}
            connection.request("POST", "/products/", json.dumps(product), headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.CREATED:
                raise HarnessError(f"a product was answered {answer.status}: {body!r}")
            created.append(int(json.loads(body)["id"]))
        connection.close()
        self.first_product = created[0]
        assert created == list(range(created[0], created[0] + PRODUCTS))

    def token(self) -> str:
        """One for the whole run: in the middle of a flood it is hard to come by another."""
        self._token = self._token or super().token()
        return self._token

    def books(self) -> Books:
        orders, confirmed, reserved, promised = self._ledger.numbers(
            "SELECT COUNT(*), COALESCE(SUM(status = 'Confirmed'), 0),"
            " (SELECT COALESCE(SUM(reserved), 0) FROM stock_levels),"
            " (SELECT COALESCE(SUM(reserved_delta), 0) FROM stock_movements) FROM orders"
        )
        return _agreed(self.name, Books(orders, confirmed, reserved), promised)

    def findings(self) -> str:
        code, output = self.verify()
        return output if code else ""


class TwinSubject:
    """The naive twin under the same server with the same options as the service."""

    name = "twin"

    def __init__(self, database_url: str, ledger: Ledger) -> None:
        self.port = free_port()
        self.first_product = 1
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
            "TWIN_STOCK_OF_EACH": str(STOCK_OF_EACH),
        }
        command = [sys.executable, "-m", "uvicorn", "bench.twin:app", f"--port={self.port}"]
        self._process = Child(
            [*command, *TWIN_OPTIONS], name="twin", logs=self._home, environment=environment
        )
        self._process.wait_until(self._ready, within_seconds=READY_WITHIN_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def token(self) -> str:
        expires = datetime.now(UTC) + timedelta(hours=TOKEN_HOURS)
        return jwt.encode({"sub": "1", "exp": expires}, self._secret_key, algorithm="HS256")

    def books(self) -> Books:
        orders, confirmed, moved, gone = self._ledger.numbers(
            "SELECT COUNT(*), COALESCE(SUM(status = 'Confirmed'), 0),"
            " (SELECT COALESCE(-SUM(delta), 0) FROM movements),"
            f" (SELECT {PRODUCTS * STOCK_OF_EACH} - SUM(stock_quantity) FROM products) FROM orders"
        )
        return _agreed(self.name, Books(orders, confirmed, moved), gone)

    def findings(self) -> str:
        self.books()
        return ""

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_SECONDS_MAX)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()


def _agreed(name: str, books: Books, units_by_the_ledger: int) -> Books:
    if books.units != units_by_the_ledger:
        raise HarnessError(f"{name}: {books}, but {units_by_the_ledger} units in the movements")
    return books
