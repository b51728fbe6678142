"""The rounds of a benchmark: who is loaded with what, in which order, and whether the books agree."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench import flood, growth, load, orders_growth, pages_growth
from bench.growth import GrownShop
from bench.load import Load, Round
from bench.orders_growth import OrderShop
from bench.pages_growth import Visitor
from bench.subjects import Books, ServiceSubject, Subject

LINES_PER_ORDER: Final = 2
LONE_ORDERS: Final = 220
SPARE: Final = 1.5
"""Orders are prepared for this many times the rate of the last round."""

FIRST_GUESS_PER_SECOND: Final = {"service": 2_500, "twin": 250}
ORDERS_MIN: Final = 500


@dataclass
class Bench:
    """Collects samples under names such as `mariadb.service.random`, and all that went wrong."""

    window_seconds: float
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    acknowledged: int = 0

    def on_mariadb(self, service: Subject, twin: Subject) -> None:
        """One repetition; what is compared is measured side by side."""
        self._read("mariadb.service.list", service, "list")
        self._read("mariadb.trivial", service, "trivial")
        self._confirms("mariadb", service, hot=False)
        self._confirms("mariadb", twin, hot=False)
        self._confirms("mariadb", service, hot=True)
        self._confirms("mariadb", twin, hot=True)
        self._creates("mariadb", service)
        self._creates("mariadb", twin)
        self._lone("mariadb", service)
        self._lone("mariadb", twin)

    def on_sqlite(self, service: Subject, twin: Subject) -> None:
        """One repetition on the embedded database."""
        self._confirms("sqlite", service, hot=False)
        self._confirms("sqlite", twin, hot=False)

    def on_flood(self, service: ServiceSubject) -> None:
        """One repetition: what ordinary requests take in quiet, and while wrong sign-ins flood in."""
        seconds = self.window_seconds
        self._slowest("quiet", flood.probe_ms(service, seconds))
        self._slowest("many", flood.probe_flooded_ms(service, seconds, many=True))
        self._slowest("one", flood.probe_flooded_ms(service, seconds, many=False))
        elsewhere = flood.owner_seconds(service, address=flood.OWNERS_ADDRESS)
        self.samples["flood.owner.elsewhere_s"].append(elsewhere)
        self.samples["flood.owner.there_s"].append(flood.owner_seconds(service, address=None))

    def on_growth(self, database: str, small: GrownShop, large: GrownShop) -> None:
        """One repetition: the same requests to both."""
        for name, milliseconds in growth.compare(small, large).items():
            self.samples[f"{database}.{name}"].append(milliseconds)

    def on_orders(self, database: str, young: OrderShop, old: OrderShop) -> None:
        """One repetition: the same questions to both."""
        found = orders_growth.compare(young, old)
        found |= pages_growth.compare(Visitor(young, young.orders), Visitor(old, old.orders))
        for name, milliseconds in found.items():
            self.samples[f"{database}.orders.{name}_ms"].append(milliseconds)

    def verify(self, database: str, subject: Subject | GrownShop) -> None:
        """The subject's own full check of its books."""
        if findings := subject.findings():
            self.faults.append(f"{database}.{subject.name}: {findings}")

    def _read(self, name: str, subject: Subject, kind: str) -> None:
        self._sample(name, load.run(subject, Load(kind, self.window_seconds)))

    def _confirms(self, database: str, subject: Subject, *, hot: bool) -> None:
        name = f"{database}.{subject.name}.{'hot' if hot else 'random'}"
        orders = load.prepare_orders(subject, self._orders_needed(name, subject), hot=hot)
        before = subject.books()
        done = load.run(subject, Load("confirm", self.window_seconds, orders=orders))
        self._sample(name, done)
        expected = Books(0, done.issued, done.issued * LINES_PER_ORDER)
        self._compare(name, _change(before, subject.books()), expected)

    def _creates(self, database: str, subject: Subject) -> None:
        name = f"{database}.{subject.name}.create"
        before = subject.books()
        done = load.run(subject, Load("create", self.window_seconds))
        self._sample(name, done)
        self._compare(name, _change(before, subject.books()), Books(done.issued, 0, 0))

    def _lone(self, database: str, subject: Subject) -> None:
        name = f"{database}.{subject.name}.lone_ms"
        orders = load.prepare_orders(subject, LONE_ORDERS, hot=False)
        before = subject.books()
        self.samples[name].append(load.lone_latency_ms(subject, orders))
        expected = Books(0, LONE_ORDERS, LONE_ORDERS * LINES_PER_ORDER)
        self._compare(name, _change(before, subject.books()), expected)

    def _orders_needed(self, name: str, subject: Subject) -> int:
        known = self.samples.get(name)
        rate = known[-1] if known else FIRST_GUESS_PER_SECOND[subject.name]
        return max(ORDERS_MIN, math.ceil(rate * (load.WARM_SECONDS + self.window_seconds) * SPARE))

    def _slowest(self, what: str, milliseconds: Sequence[float]) -> None:
        self.samples[f"flood.{what}.p99_ms"].append(flood.p99(milliseconds))
        self.acknowledged += len(milliseconds)

    def _sample(self, name: str, done: Round) -> None:
        self.samples[name].append(done.rate)
        self.acknowledged += done.issued - done.refused - done.broken
        if done.refused or done.broken:
            self.faults.append(f"{name}: {done.refused} refused, {done.broken} broken: {done}")

    def _compare(self, name: str, found: Books, acknowledged: Books) -> None:
        if found != acknowledged:
            self.faults.append(f"{name}: acknowledged {acknowledged}, the tables say {found}")


def _change(before: Books, after: Books) -> Books:
    return Books(
        after.orders - before.orders,
        after.confirmed - before.confirmed,
        after.units - before.units,
    )
