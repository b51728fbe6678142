"""Load from outside: `wrk` with 64 kept-alive connections, and a lone client with one."""

import json
import os
import shutil
import socket
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.subjects import PRODUCTS, Subject
from tests.harness.processes import Child

CONNECTIONS: Final = 64
WARM_SECONDS: Final = 0.7
REQUEST_SECONDS_MAX: Final = 20
ROUND_SECONDS_MAX: Final = 120
LONE_WARM_REQUESTS: Final = 20

_SCRIPT: Final = Path(__file__).with_name("load.lua")


class LoadError(RuntimeError):
    """The load could not be made, or its report could not be read."""


@dataclass(frozen=True)
class Round:
    """What one run of `wrk` saw."""

    issued: int
    """Requests, the warm-up's too; every one was answered, or `broken` is not zero."""
    rate: float
    """Answers a second in the timed window."""
    refused: int
    """Answers with a status of 400 or more."""
    broken: int
    """Connections that failed and answers that never came."""
    ran_out: bool
    """The prepared orders ended before the window did."""


@dataclass(frozen=True)
class Load:
    """What to send: `kind` is confirm, create, trivial or list."""

    kind: str
    window_seconds: float = 4.0
    warm_seconds: float = WARM_SECONDS
    limit: int | None = None
    hot: bool = False
    orders: Sequence[int] = field(default=(), repr=False)


def run(subject: Subject, load: Load) -> Round:
    """One round of load against a running subject."""
    with tempfile.TemporaryDirectory(prefix="leafcraft-load-") as scratch:
        return _wrk(subject, load, Path(scratch))


def prepare_orders(subject: Subject, count: int, *, hot: bool) -> list[int]:
    """Create Pending orders over the subject's own HTTP API and give their ids."""
    load = Load("create", ROUND_SECONDS_MAX, warm_seconds=0, limit=count, hot=hot)
    with tempfile.TemporaryDirectory(prefix="leafcraft-load-") as scratch:
        created = Path(scratch) / "created"
        made = _wrk(subject, load, Path(scratch), created)
        ids = [int(line) for line in created.read_text().split()]
    if made.refused or made.broken or len(set(ids)) != count:
        raise LoadError(f"{subject.name}: {len(set(ids))} of {count} orders prepared: {made}")
    return ids


def lone_latency_ms(subject: Subject, orders: Sequence[int]) -> float:
    """The median time in milliseconds of one confirm by one client that is alone."""
    token, key = subject.token(), uuid.uuid4().hex
    seconds = []
    with socket.create_connection(("127.0.0.1", subject.port), REQUEST_SECONDS_MAX) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for order in orders:
            request = (
                f"PATCH /orders/{order}/confirm HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {token}\r\nIdempotency-Key: {key}-{order}\r\n\r\n"
            ).encode()
            began = time.perf_counter()
            connection.sendall(request)
            status = _read_status(connection)
            seconds.append(time.perf_counter() - began)
            if status != 200:
                raise LoadError(f"{subject.name}: a lone confirm was answered {status}")
    return statistics.median(seconds[LONE_WARM_REQUESTS:]) * 1000


def _read_status(connection: socket.socket) -> int:
    """Read one whole answer, so that the connection is ready for the next request."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    missing = length - len(body)
    while missing > 0:
        missing -= len(_received(connection))
    return int(head.split(b" ", 2)[1])


def _received(connection: socket.socket) -> bytes:
    received = connection.recv(65_536)
    if not received:
        raise LoadError("the server closed the lone client's connection")
    return received


def _wrk(subject: Subject, load: Load, scratch: Path, created: Path | None = None) -> Round:
    program = shutil.which("wrk")
    if program is None:
        raise LoadError("wrk is not installed (on Debian: apt-get install wrk)")
    shape = ["-t1", f"-c{CONNECTIONS}", f"-d{ROUND_SECONDS_MAX + 10}s"]
    patience = f"--timeout={REQUEST_SECONDS_MAX}s"
    wrk = Child(
        [program, *shape, patience, "-s", str(_SCRIPT), f"http://127.0.0.1:{subject.port}"],
        name="wrk",
        logs=scratch,
        environment=_settings(subject, load, scratch, created),
    )
    code = wrk.finish(within_seconds=ROUND_SECONDS_MAX + 20)
    lines = wrk.stdout_path.read_text().splitlines()
    report = [line for line in lines if line.startswith("RESULT ")]
    if code or not report:
        raise LoadError(f"wrk failed with code {code}\n{wrk.log_tail()}")
    return _round(json.loads(report[0].removeprefix("RESULT ")))


def _settings(subject: Subject, load: Load, scratch: Path, created: Path | None) -> dict[str, str]:
    orders = scratch / "orders"
    orders.write_text("".join(f"{order}\n" for order in load.orders))
    settings = {
        "KIND": load.kind,
        "TOKEN": subject.token(),
        "RUN": uuid.uuid4().hex,
        "SEED": str(time.monotonic_ns() % 1_000_000_007),
        "FIRST_PRODUCT": str(subject.first_product),
        "PRODUCTS": str(PRODUCTS),
        "HOT": "1" if load.hot else "0",
        "LIMIT": "" if load.limit is None else str(load.limit),
        "WARM_SECONDS": str(load.warm_seconds),
        "WINDOW_SECONDS": str(load.window_seconds),
        "CONNECTIONS": str(CONNECTIONS),
        "CREATED": "" if created is None else str(created),
        "ORDERS": str(orders),
    }
    return {**os.environ, **{f"LOAD_{name}": value for name, value in settings.items()}}


def _round(report: dict[str, float]) -> Round:
    elapsed = report["window_seconds"]
    return Round(
        issued=int(report["issued"]),
        # As many requests are under way at both ends of the window: issued there is answered there.
        rate=report["window_issued"] / elapsed if elapsed > 0 else 0.0,
        refused=int(report["refused"]),
        broken=int(report["broken"] + report["issued"] - report["answered"]),
        ran_out=bool(report["ran_out"]),
    )
