"""The real service as its users run it: a child process, reached over HTTP, killed at will."""

import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from tests.harness.processes import Child, HarnessError, Member, free_port

ROOT: Final = Path(__file__).resolve().parents[2]
ADMIN_EMAIL: Final = "admin@example.com"
READY_WITHIN_SECONDS: Final = 180.0
STOP_WITHIN_SECONDS: Final = 120.0
VERB_SECONDS_MAX: Final = 300.0
HTTP_SECONDS_MAX: Final = 60.0


class Service:
    """`leafcraft serve` on a free loopback port, with a data directory of its own.

    Without a `database_url` the service keeps its default, a SQLite file in the data directory.
    `settings` are further `LEAFCRAFT_…` variables; they win over the ones set here.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        workers: int = 1,
        data_dir: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.admin_password = secrets.token_urlsafe(18)
        self._home = Path(tempfile.mkdtemp(prefix="leafcraft-service-"))
        self.data_dir = data_dir or self._home / "data"
        self._database_url = database_url
        self._workers = workers
        self._settings = dict(settings or {})
        self._secret_key = secrets.token_hex(32)
        self._process: Child | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        """The command line of one of the service's verbs; a benchmark may serve another app."""
        return [sys.executable, "-m", "leafcraft", *arguments]

    def start(self) -> None:
        """Run the service and return once `/readyz` says 200."""
        if self._process is not None:
            raise HarnessError("this service runs already")
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._process = Child(
            self.command("serve"), name="service", logs=self._home, environment=self.environment()
        )
        try:
            self._process.wait_until(self.ready, within_seconds=READY_WITHIN_SECONDS)
        except HarnessError:
            self._process = None
            raise

    def kill(self) -> None:
        """SIGKILL the service and all its workers: a crash of the whole process group."""
        self._running().kill()
        self._process = None

    def kill_worker(self) -> int:
        """SIGKILL one worker, which the service should replace; gives the dead worker's pid."""
        workers = self.workers()
        if not workers:
            raise HarnessError("this service has no worker processes: start it with workers=2")
        victim = workers[0].pid
        os.kill(victim, signal.SIGKILL)
        return victim

    def workers(self) -> list[Member]:
        """The worker processes; none when the service serves from its first process."""
        process = self._running()
        return [
            member
            for member in process.members()
            # Python's multiprocessing keeps a tracker beside the workers.
            if member.parent_pid == process.pid and "resource_tracker" not in member.command
        ]

    def terminate(self) -> int:
        """SIGTERM, wait for the drain, give the exit code; a service that hangs is an error."""
        process, self._process = self._running(), None
        return process.terminate(within_seconds=STOP_WITHIN_SECONDS)

    def restart(self) -> None:
        """Start again on the same port and data, after a kill() or instead of a running one."""
        if self._process is not None:
            self.terminate()
        self.start()

    def stop(self) -> None:
        """End the service and remove its directory; safe to call at any time, also twice."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        shutil.rmtree(self._home, ignore_errors=True)

    def ready(self) -> bool:
        """Whether the service answers and says that it is ready."""
        try:
            return self._ask("GET", "/readyz")[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def token(self) -> str:
        """A fresh access token of the first administrator."""
        form = urllib.parse.urlencode({"username": ADMIN_EMAIL, "password": self.admin_password})
        status, body = self._ask("POST", "/auth/login", form)
        if status != http.HTTPStatus.OK:
            raise HarnessError(f"the login answered {status}: {body[:500]!r}\n{self.log_tail()}")
        token: str = json.loads(body)["access_token"]
        return token

    def verify(self) -> tuple[int, str]:
        """Run `leafcraft verify` on the same database: its exit code and all its output."""
        return self.verb("verify")

    def verb(self, *words: str) -> tuple[int, str]:
        """Run one of the other verbs on the same database: its exit code and all its output."""
        done = subprocess.run(
            self.command(*words),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=VERB_SECONDS_MAX,
            check=False,
        )
        return done.returncode, done.stdout

    def log_tail(self) -> str:
        """The last lines that the running service wrote."""
        return self._running().log_tail()

    def environment(self) -> dict[str, str]:
        """The caller's environment without its own `LEAFCRAFT_…`, and the settings of this one."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LEAFCRAFT_")}
        database = {"LEAFCRAFT_DATABASE_URL": self._database_url} if self._database_url else {}
        return {
            **inherited,
            **database,
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self._home),  # what a killed service leaves behind goes with stop()
            "LEAFCRAFT_DATA_DIR": str(self.data_dir),
            "LEAFCRAFT_HOST": "127.0.0.1",
            "LEAFCRAFT_PORT": str(self.port),
            "LEAFCRAFT_WORKERS": str(self._workers),
            "LEAFCRAFT_SECRET_KEY": self._secret_key,
            "LEAFCRAFT_ADMIN_EMAIL": ADMIN_EMAIL,
            "LEAFCRAFT_ADMIN_PASSWORD": self.admin_password,
            "LEAFCRAFT_RATE_LIMIT": "off",
            **self._settings,
        }

    def _running(self) -> Child:
        if self._process is None:
            raise HarnessError("this service does not run")
        return self._process

    def _ask(self, method: str, path: str, form: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_SECONDS_MAX)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        try:
            connection.request(method, path, form, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
