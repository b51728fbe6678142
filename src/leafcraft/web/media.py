"""Which media type an answer should have, by what the caller says in `Accept` (RFC 9110, 12.5.1)."""

import re
from collections.abc import Sequence

JSON = "application/json"
RANGES_MAX = 50
"""Of an `Accept` header; nobody means more."""

_Q = re.compile(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", re.IGNORECASE | re.ASCII)


def chosen(accept: str | None, offered: Sequence[str]) -> str:
    """The offered type that is wanted most; by equal wishes the one that is named more exactly, and
    then the first. Who wants none of them gets the first, too: it is better than nothing."""
    wishes = dict(map(_wish, (accept or "*/*").split(",")[:RANGES_MAX]))
    return max(offered, key=lambda media: _wanted(media, wishes))


def _wish(given: str) -> tuple[str, float]:
    """A range of types, and how much it is wanted: 0 to 1."""
    name, *parameters = given.split(";")
    weights = [found[1] for one in parameters if (found := _Q.fullmatch(one))]
    return name.strip().lower(), min(float(weights[0]), 1.0) if weights else 1.0


def _wanted(media: str, wishes: dict[str, float]) -> tuple[float, int]:
    """How much, and how exactly it is named: what is said of the type itself goes before the rest."""
    bare = media.partition(";")[0]
    for exactness, name in ((2, bare), (1, f"{bare.partition('/')[0]}/*"), (0, "*/*")):
        if name in wishes:
            return wishes[name], exactness if wishes[name] else 0
    return 0.0, 0
