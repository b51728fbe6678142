"""A flood of wrong sign-ins: what it costs everybody else, and whether the owner still gets in."""

import http.client
import json
import os
import shutil
import statistics
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import load
from bench.load import LoadError
from bench.subjects import ServiceSubject
from tests.harness.processes import Child
from tests.harness.service import ADMIN_EMAIL

CONNECTIONS: Final = 64
CROWD: Final = 16
"""Connections of the flood that the owner has to get through; each waits to be refused."""
FLOOD_SECONDS_MAX: Final = 120
SETTLE_SECONDS: Final = 2.0
"""Until the flood has used up what anybody may try for nothing."""
PROBES_PER_SECOND: Final = 100
HTTP_SECONDS_MAX: Final = 20
OWNER_SECONDS_MAX: Final = 110
OWNERS_ADDRESS: Final = "192.0.2.7"

_SCRIPT: Final = Path(__file__).with_name("flood.lua")


def probe_ms(service: ServiceSubject, seconds: float) -> list[float]:
    """How long each of a steady trickle of ordinary requests takes: a list, a confirm, in turns."""
    orders = load.prepare_orders(service, int(seconds * PROBES_PER_SECOND), hot=False)
    return _probe(service, service.token(), orders)


def probe_flooded_ms(service: ServiceSubject, seconds: float, *, many: bool) -> list[float]:
    """The same while the flood comes: from many addresses, or all from one."""
    orders = load.prepare_orders(service, int(seconds * PROBES_PER_SECOND), hot=False)
    token = service.token()
    with _flood(service, many=many):
        return _probe(service, token, orders)


def owner_seconds(service: ServiceSubject, *, address: str | None) -> float:
    """How long the owner, who has the right password, tries until let in, in the middle of a flood.

    Without an address of her own she sits where the whole flood comes from.
    """
    with _flood(service, many=address is not None, connections=CROWD):
        began = time.monotonic()
        while time.monotonic() - began < OWNER_SECONDS_MAX:
            if _signed_in(service, address):
                return time.monotonic() - began
    raise LoadError(f"the owner was kept out for {OWNER_SECONDS_MAX} seconds")


def p99(milliseconds: Sequence[float]) -> float:
    return statistics.quantiles(milliseconds, n=100)[98]


def _probe(service: ServiceSubject, token: str, orders: Sequence[int]) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=HTTP_SECONDS_MAX)
    headers = {"Authorization": f"Bearer {token}"}
    found = []
    for n, order in enumerate(orders):
        method, path = (
            ("PATCH", f"/orders/{order}/confirm") if n % 2 else ("GET", f"/orders/?limit={n + 1}")
        )
        began = time.perf_counter()
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - began) * 1000)
        if answer.status != http.HTTPStatus.OK:
            raise LoadError(f"{method} {path} was answered {answer.status}")
        time.sleep(max(0.0, 1 / PROBES_PER_SECOND - found[-1] / 1000))
    connection.close()
    return found


def _signed_in(service: ServiceSubject, address: str | None) -> bool:
    form = urllib.parse.urlencode({"username": ADMIN_EMAIL, "password": service.admin_password})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    headers |= {"X-Forwarded-For": address} if address else {}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=HTTP_SECONDS_MAX)
    connection.request("POST", "/auth/login", form, headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return "access_token" in body


@contextmanager
def _flood(
    service: ServiceSubject, *, many: bool, connections: int = CONNECTIONS
) -> Iterator[None]:
    program = shutil.which("wrk")
    if program is None:
        raise LoadError("wrk is not installed (on Debian: apt-get install wrk)")
    settings = {
        "EMAIL": ADMIN_EMAIL,
        "MANY": "1" if many else "0",
        "SEED": str(time.time_ns() % 9999),
    }
    shape = ["-t1", f"-c{connections}", f"-d{FLOOD_SECONDS_MAX}s", "--timeout=30s"]
    with tempfile.TemporaryDirectory(prefix="leafcraft-flood-") as scratch:
        wrk = Child(
            [program, *shape, "-s", str(_SCRIPT), service.url],
            name="flood",
            logs=Path(scratch),
            environment={**os.environ, **{f"FLOOD_{k}": v for k, v in settings.items()}},
        )
        try:
            time.sleep(SETTLE_SECONDS)
            yield
        finally:
            wrk.kill()
