"""What can be refused, in the shop's own words; which HTTP status that means is `web.problems`' business.

    Exception
    ├── Refusal               asked for something that can't be had; carries a Code, a sentence, and details
    └── StartError            the service can't start; its text is the one line an operator needs

A Refusal is a value as much as an exception: rules and actions return it, so that one refusal in a
batch never disturbs its neighbours; a route that has nothing else to do raises it.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any


class Kind(Enum):
    """The families of refusals: each is answered in one way, whatever the code."""

    MALFORMED = auto()
    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    MISSING = auto()
    WRONG_METHOD = auto()
    TOO_SLOW = auto()
    CONFLICT = auto()
    STALE = auto()
    TOO_LARGE = auto()
    MISDIRECTED = auto()
    INVALID = auto()
    TOO_MANY = auto()
    HEAD_TOO_LARGE = auto()
    BUSY = auto()
    BROKEN = auto()


class Code(Enum):
    """The catalogue: a stable code a program can rely on, its kind, and a title for people."""

    MALFORMED_REQUEST = (Kind.MALFORMED, "Not an HTTP request")
    NOT_AUTHENTICATED = (Kind.UNAUTHENTICATED, "Sign in first")
    INVALID_CREDENTIALS = (Kind.UNAUTHENTICATED, "Wrong e-mail or password")
    TOKEN_EXPIRED = (Kind.UNAUTHENTICATED, "The token has expired")
    TOKEN_REVOKED = (Kind.UNAUTHENTICATED, "The token has been revoked")
    FORBIDDEN = (Kind.FORBIDDEN, "Not allowed for this role or key")
    NOT_FOUND = (Kind.MISSING, "Not found")
    METHOD_NOT_ALLOWED = (Kind.WRONG_METHOD, "Method not allowed")
    REQUEST_TIMEOUT = (Kind.TOO_SLOW, "The request took too long to arrive")
    INSUFFICIENT_STOCK = (Kind.CONFLICT, "Not enough stock")
    ORDER_NOT_PENDING = (Kind.CONFLICT, "The order is not Pending")
    ORDER_ALREADY_CANCELLED = (Kind.CONFLICT, "The order is already cancelled")
    ORDER_NOT_CANCELLABLE = (Kind.CONFLICT, "The order can't be cancelled")
    ORDER_NOT_CONFIRMED = (Kind.CONFLICT, "The order is not Confirmed")
    ORDER_NOT_EDITABLE = (Kind.CONFLICT, "The order can't be edited")
    ORDER_ON_HOLD = (Kind.CONFLICT, "The order is on hold")
    QUANTITY_EXCEEDED = (Kind.CONFLICT, "More than there is")
    FULFILLMENT_ALREADY_UNDONE = (Kind.CONFLICT, "The fulfillment has been undone")
    REFERENCE_TAKEN = (Kind.CONFLICT, "The reference is taken")
    ORDER_EXPIRED = (Kind.CONFLICT, "The order has expired")
    SKU_TAKEN = (Kind.CONFLICT, "The sku is taken")
    EMAIL_TAKEN = (Kind.CONFLICT, "The e-mail address is taken")
    CONFLICT = (Kind.CONFLICT, "In conflict with what is stored")
    PRECONDITION_FAILED = (Kind.STALE, "Changed since it was read")
    BODY_TOO_LARGE = (Kind.TOO_LARGE, "The body is too large")
    HOST_NOT_ALLOWED = (Kind.MISDIRECTED, "Not a host of this service")
    VALIDATION_ERROR = (Kind.INVALID, "The request is not valid")
    PRODUCT_NOT_FOUND = (Kind.INVALID, "No such product")
    PRODUCT_ARCHIVED = (Kind.INVALID, "The product is archived")
    IDEMPOTENCY_KEY_REUSED = (Kind.INVALID, "The idempotency key belongs to another request")
    RATE_LIMITED = (Kind.TOO_MANY, "Too many requests")
    HEADERS_TOO_LARGE = (Kind.HEAD_TOO_LARGE, "The headers are too large")
    OVERLOADED = (Kind.BUSY, "Too much to do right now")
    DATABASE_UNAVAILABLE = (Kind.BUSY, "The database can't be reached")
    INTERNAL_ERROR = (Kind.BROKEN, "Something went wrong here")

    def __init__(self, kind: Kind, title: str) -> None:
        self.kind = kind
        self.title = title

    @property
    def word(self) -> str:
        """The code as it stands on the wire: `insufficient_stock`."""
        return self.name.lower()


class Refusal(Exception):
    """A polite no: the code, a sentence for people, and members that say what was wrong."""

    def __init__(self, code: Code, detail: str, **members: Any) -> None:
        super().__init__(code.word, detail)
        self.code = code
        self.detail = detail
        self.members: Mapping[str, Any] = members


def not_found(noun: str, key: int) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"There is no {noun} {key}.")


class StartError(Exception):
    """The service can't start; the text tells an operator why in one line."""
