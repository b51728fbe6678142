"""`python -m bench`: measure, check the books, print the table; exit 1 if the books disagree."""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench import orders_growth, report
from bench.figures import figures
from bench.growth import LARGE, QUITE_LARGE, SMALL, GrownShop, Size
from bench.load import LoadError
from bench.orders_growth import OLD, QUITE_OLD, YOUNG, OrderShop
from bench.rounds import Bench
from bench.subjects import MariaDBLedger, ServiceSubject, SQLiteLedger, TwinSubject
from tests.harness.mariadb import PrivateMariaDB
from tests.harness.processes import HarnessError
from tests.harness.service import ROOT

REPETITIONS: Final = 3
WINDOW_SECONDS: Final = 4.0
QUICK_WINDOW_SECONDS: Final = 2.0
IDLE_LOAD_MAX: Final = 0.5
WHERE: Final = {"elsewhere": "an address of her own", "there": "where it all comes from"}


def main() -> int:
    # A stop from outside unwinds like any other end, so that no server and no directory is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    arguments = _arguments()
    quick = arguments.quick
    repetitions = 1 if quick else arguments.repetitions
    bench = Bench(QUICK_WINDOW_SECONDS if quick else WINDOW_SECONDS)
    began, load_before = time.monotonic(), os.getloadavg()
    version = _measure_mariadb(bench, repetitions)
    _measure_sqlite(bench, repetitions)
    _measure_growth(bench, repetitions, QUITE_LARGE if quick else LARGE)
    _measure_orders(bench, QUITE_OLD if quick else OLD)
    measured = figures(bench.samples)
    context = {
        "mariadb": version,
        "repetitions": repetitions,
        "window_seconds": bench.window_seconds,
        "total_seconds": round(time.monotonic() - began),
        "load_average": {"before": load_before, "after": os.getloadavg()},
        "acknowledged": bench.acknowledged,
        "faults": bench.faults,
    }
    report.write_json(arguments.json, measured, bench.samples, context)
    print(f"\n{report.table(measured)}\n")
    print(f"{orders_growth.table(bench.samples)}\n")
    for where in ("elsewhere", "there"):
        tries = ", ".join(f"{one:.1f}" for one in bench.samples[f"flood.owner.{where}_s"])
        print(f"The owner got in during the flood, from {WHERE[where]}, after {tries} s")
    print(f"{bench.acknowledged:,} requests acknowledged; every sample is in {arguments.json}")
    if load_before[0] > IDLE_LOAD_MAX:
        print(
            f"The machine was busy before the start (load {load_before[0]:.1f}): don't quote this."
        )
    for fault in bench.faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return 1 if bench.faults else 0


def _measure_mariadb(bench: Bench, repetitions: int) -> str:
    """Durable and with the binlog on, as in production with replicas; both sides on one server."""
    with PrivateMariaDB(binlog=True) as server:
        service_url = server.create_database("service")
        twin_url = server.create_database("twin").replace("mysql://", "mysql+asyncmy://")
        with (
            ServiceSubject(service_url, MariaDBLedger(server, "service")) as service,
            TwinSubject(twin_url, MariaDBLedger(server, "twin")) as twin,
        ):
            for n in range(repetitions):
                _say(f"MariaDB, repetition {n + 1} of {repetitions}")
                bench.on_mariadb(service, twin)
            bench.verify("mariadb", service)
            bench.verify("mariadb", twin)
        with ServiceSubject(
            server.create_database("flood"), MariaDBLedger(server, "flood"), limits=True
        ) as service:
            for n in range(repetitions):
                _say(f"A flood of wrong sign-ins, repetition {n + 1} of {repetitions}")
                bench.on_flood(service)
            bench.verify("flood", service)
        ((version,),) = server.query("SELECT VERSION()")
        return str(version)


def _measure_sqlite(bench: Bench, repetitions: int) -> None:
    with tempfile.TemporaryDirectory(prefix="leafcraft-bench-") as scratch:
        path = Path(scratch) / "twin.db"
        with (
            ServiceSubject(None) as service,
            TwinSubject(f"sqlite+aiosqlite:///{path}", SQLiteLedger(path)) as twin,
        ):
            for n in range(repetitions):
                _say(f"SQLite, repetition {n + 1} of {repetitions}")
                bench.on_sqlite(service, twin)
            bench.verify("sqlite", service)
            bench.verify("sqlite", twin)


def _measure_growth(bench: Bench, repetitions: int, size: Size) -> None:
    """A large shop beside a small one, on each database."""
    with PrivateMariaDB(binlog=True) as server:
        _grow(bench, repetitions, size, server)
    _grow(bench, repetitions, size, None)


def _measure_orders(bench: Bench, orders: int) -> None:
    """An old shop beside a young one, on each database."""
    with PrivateMariaDB(binlog=True) as server:
        _age(bench, orders, server)
    _age(bench, orders, None)


def _age(bench: Bench, orders: int, server: PrivateMariaDB | None) -> None:
    database = "mariadb" if server else "sqlite"
    _say(f"{database}: a shop of {orders:,} orders")
    with OrderShop(YOUNG, server, "young") as young, OrderShop(orders, server, "old") as old:
        bench.on_orders(database, young, old)


def _grow(bench: Bench, repetitions: int, size: Size, server: PrivateMariaDB | None) -> None:
    database = "mariadb" if server else "sqlite"
    _say(f"{database}: a shop of {size.products:,} products and {size.movements:,} movements")
    with GrownShop(SMALL, server, "small") as small, GrownShop(size, server, "large") as large:
        for _ in range(repetitions):
            bench.on_growth(database, small, large)
        bench.verify(database, large)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short repetition: a smoke test")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json", metavar="PATH")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (HarnessError, LoadError) as error:
        sys.exit(f"bench: {error}")
