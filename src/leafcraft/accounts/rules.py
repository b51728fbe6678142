"""What an account may do, and what makes a good e-mail address and password."""

import re
from enum import StrEnum

EMAIL_CHARS_MAX = 254
PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 128


class Role(StrEnum):
    """Each role may do all that the one before may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    STOCK_READ = "stock:read"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"


_READS = frozenset({Permission.PRODUCTS_READ, Permission.STOCK_READ, Permission.ORDERS_READ})
_WRITES = frozenset({Permission.PRODUCTS_WRITE, Permission.ORDERS_WRITE})

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(_READS),
    Role.OPERATOR: _READS | _WRITES,
    Role.ADMIN: _READS | _WRITES,
}

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")


def email(given: str) -> str:
    """The address in its one spelling. Raises ValueError, in a user's words."""
    address = given.strip().casefold()
    if len(address) > EMAIL_CHARS_MAX or not _EMAIL.fullmatch(address) or not address.isprintable():
        raise ValueError("not an e-mail address")
    return address


def password(given: str) -> str:
    """The password itself. Raises ValueError when it is too short or too long."""
    if not PASSWORD_CHARS_MIN <= len(given) <= PASSWORD_CHARS_MAX:
        raise ValueError(f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")
    return given
