"""What an order is found by: its reference, and its customer's name, e-mail address and phone number.

Each word is a row of its own, so that a search is a walk along an index, and never a look at every order.
"""

import unicodedata

import orjson

from leafcraft.accounts import rules as accounts

WORD_CHARS_MAX = 64
WORDS_MAX = 24
"""Of one order; more say nothing that a shop would search for."""


def normal(text: str) -> str:
    """One spelling for what people take for the same: `MÜLLER` is `muller`."""
    bare = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(bare).casefold()


def words_of(reference: str | None, customer: str | None) -> list[str]:
    """The words of an order; `customer` is its JSON object."""
    about = {} if customer is None else orjson.loads(customer)
    email = about.get("email")
    # The whole address comes first: orders are filtered by it, so it must never be one word too many.
    found = [address(email)] if email else []
    found += terms(reference or "")
    for name in ("name", "company", "email"):
        found += terms(about.get(name) or "")
    found += _domain(email or "")
    found += _digits(about.get("phone") or "")
    return list(dict.fromkeys(found))[:WORDS_MAX]


def address(email: str) -> str:
    """The word of a whole e-mail address."""
    return normal(accounts.email(email))[:WORD_CHARS_MAX]


def terms(asked: str) -> list[str]:
    """What somebody looks for, or can be found by, word by word."""
    found = (word.strip(".,;:()+\"'") for word in normal(asked).split())
    return list(dict.fromkeys(word[:WORD_CHARS_MAX] for word in found if word))


def _domain(email: str) -> list[str]:
    return terms(email.rpartition("@")[2]) if "@" in email else []


def _digits(phone: str) -> list[str]:
    """As it is written, part by part, and all in one."""
    return [*terms(phone), *terms("".join(char for char in phone if char.isdigit()))]
