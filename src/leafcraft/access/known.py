"""Who is known: what a process has found out about tokens, and for how long it holds."""

from typing import Generic, Protocol, TypeVar

from leafcraft.web.call import Call

KNOWN_MAX = 10_000


class Checked(Protocol):
    """Somebody whose token has been checked."""

    @property
    def revision(self) -> int:
        """Of access, when it was."""

    @property
    def until(self) -> int:
        """When the token ends by itself."""


T = TypeVar("T", bound=Checked)


class Acquaintances(Generic[T]):
    """Each under the secret that they come with. What is known holds until the token ends or anybody's
    access has changed, in whichever process."""

    def __init__(self) -> None:
        self._known: dict[str, T] = {}

    def still(self, secret: str, revision: int, now: int) -> T | None:
        """What is known and still holds."""
        known = self._known.get(secret)
        if known is None or known.revision != revision or known.until <= now:
            return None
        return known

    def forget(self, secret: str, call: Call) -> None:
        """Before it is found out again: who is refused then is a stranger. Raises Refusal
        `rate_limited` where one address brings too much that was never known."""
        if self._known.pop(secret, None) is None:
            call.runtime.limits.stranger(call.address)

    def keep(self, secret: str, known: T) -> None:
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[secret] = known
