"""A throw-away MariaDB of one's own: real durability, real crashes, nothing left behind."""

import asyncio
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self

import asyncmy

from tests.harness.processes import Child, HarnessError, free_port

USER: Final = "leafcraft"
READY_WITHIN_SECONDS: Final = 180.0
STOP_WITHIN_SECONDS: Final = 120.0
QUERY_SECONDS_MAX: Final = 120
CONNECT_SECONDS_MAX: Final = 30
BUFFER_POOL: Final = "256M"

_PROGRAMS: Final = ("mariadbd", "mariadb-install-db")
_DATABASE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")

Rows = list[tuple[Any, ...]]


def mariadb_available() -> bool:
    """Whether this machine has the programs that a private MariaDB needs."""
    return all(_find(program) for program in _PROGRAMS)


class PrivateMariaDB:
    """One durable server on a free loopback port with a datadir of its own.

    Every acknowledged commit is on the disk (`innodb_flush_log_at_trx_commit=1`, and
    `sync_binlog=1` with a binlog), so that kill() is a fair test of what survives.
    """

    def __init__(self, *, binlog: bool = False) -> None:
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self._binlog = binlog
        self._home: Path | None = None
        self._server: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make the datadir at the first start, run the server, return once it answers."""
        if self._server is not None:
            raise HarnessError("this MariaDB runs already")
        home = self._home or self._install()
        self._server = Child(
            self._command(home), name="mariadbd", logs=home, environment=os.environ
        )
        try:
            self._server.wait_until(self._answers, within_seconds=READY_WITHIN_SECONDS)
        except HarnessError:
            self._server = None
            raise

    def kill(self) -> None:
        """SIGKILL: the crash of a database server."""
        self._running().kill()
        self._server = None

    def restart(self) -> None:
        """Start again on the same port and data, after a kill() or instead of a running one."""
        if self._server is not None:
            self._server.terminate(within_seconds=STOP_WITHIN_SECONDS)
            self._server = None
        self.start()

    def pause(self) -> None:
        """SIGSTOP: the server is there, its connections stay open, and nothing answers."""
        self._running().send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: the end of a pause()."""
        self._running().send(signal.SIGCONT)

    def stop(self) -> None:
        """End the server and remove its data; safe to call at any time, also twice."""
        if self._server is not None:
            self._server.kill()
            self._server = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def url(self, name: str) -> str:
        """The service's URL of a database of this server."""
        return f"mysql://{USER}:{self.password}@127.0.0.1:{self.port}/{name}"

    def create_database(self, name: str) -> str:
        """Create an empty database and give its URL."""
        self.query(f"CREATE DATABASE {_checked(name)} CHARACTER SET utf8mb4")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there."""
        self.query(f"DROP DATABASE IF EXISTS {_checked(name)}")

    def query(self, sql: str, database: str | None = None) -> Rows:
        """Run one statement, committed at once, and give its rows (none for a write)."""

        async def run() -> Rows:
            connection = await self._connect(database)
            try:
                async with connection.cursor() as cursor:
                    await cursor.execute(sql)
                    return [tuple(row) for row in await cursor.fetchall()]
            finally:
                connection.close()

        return _in_own_loop(run)

    def _answers(self) -> bool:
        try:
            return self.query("SELECT 1") == [(1,)]
        except (OSError, EOFError, asyncmy.errors.Error):
            return False

    async def _connect(self, database: str | None) -> Any:
        return await asyncmy.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            database=database,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS_MAX,
            read_timeout=QUERY_SECONDS_MAX,
        )

    def _running(self) -> Child:
        if self._server is None:
            raise HarnessError("this MariaDB does not run")
        return self._server

    def _install(self) -> Path:
        """Create the datadir, and the file that makes the service's user at every start."""
        install_db = _required("mariadb-install-db")
        home = Path(tempfile.mkdtemp(prefix="leafcraft-mariadb-"))
        self._home = home
        (home / "tmp").mkdir()
        arguments = ["--no-defaults", f"--datadir={home / 'data'}", *_as_root()]
        made = subprocess.run(
            [install_db, *arguments, "--auth-root-authentication-method=normal", "--skip-test-db"],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            self.stop()
            message = f"mariadb-install-db failed with code {made.returncode}"
            raise HarnessError(f"{message}\n{made.stdout}\n{made.stderr}")
        account = f"'{USER}'@'127.0.0.1'"
        (home / "user.sql").write_text(
            f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {account};\n"
        )
        return home

    def _command(self, home: Path) -> list[str]:
        """`--no-defaults` comes first, and keeps the machine's own configuration out."""
        return [
            _required("mariadbd"),
            "--no-defaults",
            *_as_root(),
            f"--datadir={home / 'data'}",
            # A server that starts removes what it takes for leftovers of a dead one: not its neighbour's.
            f"--tmpdir={home / 'tmp'}",
            f"--init-file={home / 'user.sql'}",
            f"--socket={home / 'socket'}",
            f"--pid-file={home / 'pid'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--max-connections=300",
            f"--innodb-buffer-pool-size={BUFFER_POOL}",
            "--innodb-flush-log-at-trx-commit=1",
            *(["--log-bin=binlog", "--server-id=1", "--sync-binlog=1"] if self._binlog else []),
        ]


def _find(program: str) -> str | None:
    """Debian keeps the server in a directory that is not in every user's PATH."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _required(program: str) -> str:
    found = _find(program)
    if found is None:
        raise HarnessError(
            f"{program} is not in PATH nor in /usr/sbin: "
            "install MariaDB (on Debian: apt-get install mariadb-server)"
        )
    return found


def _as_root() -> list[str]:
    """MariaDB refuses to run as root unless it is told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _checked(name: str) -> str:
    if not _DATABASE_NAME.fullmatch(name):
        raise HarnessError(f"not a database name: {name!r}")
    return name


def _in_own_loop(run: Callable[[], Awaitable[Rows]]) -> Rows:
    """Drive a coroutine from anywhere: the caller's thread may have a running loop of its own."""

    async def main() -> Rows:
        return await run()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(main())).result()
