"""The cause of a change: who asked for it, in which request, from where."""

from typing import NamedTuple


class Cause(NamedTuple):
    """Every command carries one; events and movements keep it."""

    actor: str
    """`user:1`, `cli`, `system`."""
    request_id: str = ""
    address: str = ""


SYSTEM = Cause("system")
CLI = Cause("cli")
