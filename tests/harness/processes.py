"""Child processes that never outlive their parent, and waits that end with a reason."""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEAD_WITHIN_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.02
LOG_TAIL_LINES: Final = 40
PORTS_FROM: Final = 15_000
PORTS: Final = 2000
TEST_WORKER: Final = "PYTEST_XDIST_WORKER"

# Reads until the parent is gone, however it went, then takes the child's whole group along.
_GUARD: Final = 'read -r _ || kill -s KILL -- "-$1" 2>/dev/null'


class HarnessError(RuntimeError):
    """Something around the test failed: a program is missing, a server did not start or stop."""


@dataclass(frozen=True)
class Member:
    """One live process of a group, as the kernel lists it."""

    pid: int
    parent_pid: int
    command: str


class Child:
    """One program in a process group of its own, its output in `<name>.out` and `<name>.err`."""

    def __init__(
        self, arguments: Sequence[str], *, name: str, logs: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.stdout_path = logs / f"{name}.out"
        self.stderr_path = logs / f"{name}.err"
        with self.stdout_path.open("ab") as out, self.stderr_path.open("ab") as err:
            self._process = subprocess.Popen(
                arguments,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def members(self) -> list[Member]:
        """Every live process of the child's group, the child itself included."""
        return group_members(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Signal the child alone, as a supervisor would."""
        self._process.send_signal(number)

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the child and everything it started."""
        with contextlib.suppress(ProcessLookupError):  # the whole group may be gone already
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL the whole group and wait until none of it is left."""
        self.signal_group(signal.SIGKILL)
        self._process.wait(DEAD_WITHIN_SECONDS)
        deadline = time.monotonic() + DEAD_WITHIN_SECONDS
        while self.members():
            if time.monotonic() > deadline:
                raise HarnessError(f"{self.name}: the group survives SIGKILL: {self.members()}")
            time.sleep(POLL_SECONDS)
        self._dismiss_guard()

    def terminate(self, *, within_seconds: float) -> int:
        """SIGTERM, wait for a clean end, give its exit code; a child that hangs on is an error."""
        self.send(signal.SIGTERM)
        return self.finish(within_seconds=within_seconds)

    def finish(self, *, within_seconds: float) -> int:
        """Wait until the child ends by itself, give its exit code; one that hangs on is an error."""
        try:
            code = self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            tail = self.log_tail()
            self.kill()
            message = f"{self.name} had not ended after {within_seconds:g} s\n{tail}"
            raise HarnessError(message) from None
        self.kill()  # whatever the child forgot to take along
        return code

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """The last lines of both outputs, for the message of a failure."""
        return "\n".join(
            f"--- {path.name}\n{_tail(path, lines)}"
            for path in (self.stdout_path, self.stderr_path)
            if path.exists() and path.stat().st_size
        )

    def wait_until(self, ready: Callable[[], bool], *, within_seconds: float) -> None:
        """Return once `ready()` holds; a child that ends first or takes too long is an error."""
        deadline = time.monotonic() + within_seconds
        while not ready():
            if not self.alive:
                reason = f"ended with code {self.exit_code} before it was ready"
            elif time.monotonic() > deadline:
                reason = f"was not ready within {within_seconds:g} s"
            else:
                time.sleep(POLL_SECONDS)
                continue
            tail = self.log_tail()
            self.kill()
            raise HarnessError(f"{self.name} {reason}\n{tail}")

    def _dismiss_guard(self) -> None:
        """Kill the guard rather than let it read the end of its input: pids are used again."""
        self._guard.kill()
        self._guard.wait(DEAD_WITHIN_SECONDS)
        if self._guard.stdin is not None:
            self._guard.stdin.close()


def group_members(group: int) -> list[Member]:
    """The live processes of a group from /proc; a zombie that nobody reaped counts as dead."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The program's name stands in parentheses and may hold spaces: read from its end.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        state, parent_pid, group_of_entry = fields[0], int(fields[1]), int(fields[2])
        if group_of_entry == group and state not in "ZX":
            members.append(Member(int(entry.name), parent_pid, command.strip()))
    return members


def free_port() -> int:
    """A loopback TCP port that nobody listens on at this moment.

    It lies below those that the system gives out by itself, and each process that runs tests has
    a range of its own: what is free stays so until somebody listens on it, and while they restart.
    """
    first = PORTS_FROM + int(re.sub(r"\D", "", os.environ.get(TEST_WORKER, "")) or 0) % 8 * PORTS
    while True:
        port = first + secrets.randbelow(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _tail(path: Path, lines: int) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
