"""Free JSON: what a client keeps with us in members of its own, bounded, and given back as it came."""

from decimal import Decimal
from math import isinf

from leafcraft.web import wire

DEPTH_MAX = 8


def check(given: object, *, chars_max: int) -> None:
    """Raises ValueError for what can't be kept, or is too much."""
    if _size(given, DEPTH_MAX) > chars_max:
        raise ValueError(f"must have at most {chars_max} characters as JSON")


def _size(given: object, depth: int) -> int:
    """How many characters it has, roughly."""
    if not depth:
        raise ValueError(f"must be nested at most {DEPTH_MAX} deep")
    if isinstance(given, dict):
        return 2 + sum(_size(part, depth - 1) for part in (*given, *given.values()))
    if isinstance(given, list):
        return 2 + sum(_size(part, depth - 1) for part in given)
    return _plain_size(given)


def _plain_size(given: object) -> int:
    match given:
        case str():
            wire.written(given)
        case int() if not -wire.ID_MAX <= given <= wire.ID_MAX:
            raise ValueError("must have no number beyond 64 bits")
        case Decimal() if isinf(float(given)):
            raise ValueError("must have no number beyond a double's range")
    return 2 + len(str(given))
