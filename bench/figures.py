"""The figures that are claimed, each a ratio of two things measured in the same run, and its goal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final


@dataclass(frozen=True)
class Claim:
    """`of` against `against`: names of samples; the goal is a least ratio, or at_most a greatest."""

    title: str
    of: str
    against: str
    goal: float
    at_most: bool = False


@dataclass(frozen=True)
class Figure:
    """A claim beside what was measured: one ratio for each repetition."""

    claim: Claim
    ratios: Sequence[float]
    of_median: float
    against_median: float

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def reached(self) -> bool:
        if self.claim.at_most:
            return self.ratio <= self.claim.goal
        return self.ratio >= self.claim.goal

    def as_json(self) -> dict[str, Any]:
        """Rates are a second, latencies are milliseconds."""
        return {
            "figure": self.claim.title,
            "ratio": round(self.ratio, 3),
            "runs": [round(ratio, 3) for ratio in self.ratios],
            "of": {"sample": self.claim.of, "median": round(self.of_median, 3)},
            "against": {"sample": self.claim.against, "median": round(self.against_median, 3)},
            "goal": self.claim.goal,
            "goal_is": "at most" if self.claim.at_most else "at least",
            "reached": self.reached,
        }


def _stays(database: str, kind: str, what: str) -> Claim:
    large, small = (f"{database}.{size}.{kind}_ms" for size in ("large", "small"))
    return Claim(f"{what} in ms, large shop against small", large, small, 2, at_most=True)


GROWTH: Final = tuple(
    _stays(database, kind, f"{name}: {what}")
    for database, name in (("mariadb", "MariaDB"), ("sqlite", "SQLite"))
    for kind, what in (
        ("confirm", "a confirm"),
        ("receipt", "a receipt"),
        ("availability", "availability explained"),
        ("as_of", "stock at a past moment"),
    )
)
CLAIMS: Final = (
    Claim(
        "Confirms/s, random products, against the twin",
        "mariadb.service.random",
        "mariadb.twin.random",
        15,
    ),
    Claim(
        "Confirms/s, one hot product, against the twin",
        "mariadb.service.hot",
        "mariadb.twin.hot",
        20,
    ),
    Claim(
        "Confirms/s against a trivial endpoint of the same process",
        "mariadb.service.random",
        "mariadb.trivial",
        0.5,
    ),
    Claim(
        "Confirms/s, one hot product against random ones",
        "mariadb.service.hot",
        "mariadb.service.random",
        0.8,
    ),
    Claim("Creates/s against the twin", "mariadb.service.create", "mariadb.twin.create", 5),
    Claim(
        "A lone client's confirm in ms, against the twin",
        "mariadb.service.lone_ms",
        "mariadb.twin.lone_ms",
        1,
        at_most=True,
    ),
    Claim(
        "SQLite: confirms/s, random products, against the twin on SQLite",
        "sqlite.service.random",
        "sqlite.twin.random",
        15,
    ),
    Claim(
        "Lists/s of 50 products against a trivial endpoint of the same process",
        "mariadb.service.list",
        "mariadb.trivial",
        1,
    ),
    Claim(
        "p99 in ms of lists and confirms while wrong sign-ins flood in from many addresses, against quiet",
        "flood.many.p99_ms",
        "flood.quiet.p99_ms",
        3,
        at_most=True,
    ),
    Claim(
        "The same, all from one address",
        "flood.one.p99_ms",
        "flood.quiet.p99_ms",
        3,
        at_most=True,
    ),
    *GROWTH,
)


def figures(samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    """A figure for each claim whose two sides were measured."""
    return [
        _figure(claim, samples[claim.of], samples[claim.against])
        for claim in CLAIMS
        if claim.of in samples and claim.against in samples
    ]


def _figure(claim: Claim, of: Sequence[float], against: Sequence[float]) -> Figure:
    ratios = [mine / other for mine, other in zip(of, against, strict=True)]
    return Figure(claim, ratios, median(of), median(against))
