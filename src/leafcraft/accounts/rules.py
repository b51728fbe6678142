"""What an account may do, and what makes a good e-mail address and password."""

import re
from enum import StrEnum
from functools import lru_cache
from importlib import resources

EMAIL_CHARS_MAX = 254
PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 128
PASSWORD_DISTINCT_MIN = 5


class Role(StrEnum):
    """Each role may do all that the one before may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    """What an operation may ask for. All but USER can be given to an API key as a scope."""

    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ADMIN = "admin"
    USER = "user"
    """To be a person who is signed in, whatever the role; no machine is."""


SCOPES = tuple(permission for permission in Permission if permission is not Permission.USER)

_VIEWS = frozenset(
    {
        Permission.USER,
        Permission.PRODUCTS_READ,
        Permission.STOCK_READ,
        Permission.ORDERS_READ,
    }
)
_OPERATES = _VIEWS | {Permission.PRODUCTS_WRITE, Permission.STOCK_WRITE, Permission.ORDERS_WRITE}

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(_VIEWS),
    Role.OPERATOR: frozenset(_OPERATES),
    Role.ADMIN: frozenset(_OPERATES | {Permission.ADMIN}),
}

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
_NUMBER = re.compile(r"[\d\s./+-]+")
_DECORATION = re.compile(r"[\W\d_]+")


def email(given: str) -> str:
    """The address in its one spelling. Raises ValueError, in a user's words."""
    address = given.strip().casefold()
    if len(address) > EMAIL_CHARS_MAX or not _EMAIL.fullmatch(address) or not address.isprintable():
        raise ValueError("not an e-mail address")
    return address


def password(given: str, whose: str = "") -> str:
    """The password itself; `whose` is the e-mail address it would be for.

    Raises ValueError when it is too short, too long, or among the first that anybody would try.
    """
    if not PASSWORD_CHARS_MIN <= len(given) <= PASSWORD_CHARS_MAX:
        raise ValueError(f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")
    plain = given.casefold()
    if plain == whose or len(set(plain)) < PASSWORD_DISTINCT_MIN or _expected(plain, whose):
        raise ValueError("the password is a common one, or is easy to guess")
    return given


def _expected(plain: str, whose: str) -> bool:
    """Whether it is a common password, or a common word with the usual decoration."""
    bare = _bare(plain)
    known = _common()
    guessable = {whose.partition("@")[0], "leafcraft"}
    return plain in known or bare in known | guessable or _NUMBER.fullmatch(plain) is not None


def _bare(plain: str) -> str:
    """What is left without decoration and repetition: `Summer2026!` is `summer`, `abcabc` is `abc`."""
    word = _DECORATION.sub("", plain)
    doubled = f"{word}{word}".find(word, 1) if word else 0
    return word[:doubled]


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """The most used passwords, as they have turned up in breaches (the list that Django checks
    against, by Royce Williams): all that are long enough, and the words that short ones are made of."""
    text = resources.files("leafcraft.accounts").joinpath("common_passwords.txt").read_text()
    return frozenset(text.splitlines())
