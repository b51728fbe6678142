"""What a product may be called, and the sku it gets when it is given none."""

import hashlib
import re
import unicodedata

NAME_CHARS_MAX = 200
SKU_CHARS_MAX = 64
SKU_KEY_CHARS_MAX = 128
"""Normalising can make a text longer; a sku that grows beyond this is refused."""
OPENING_QUANTITY_MAX = 1_000_000_000

_TAIL_CHARS = 8


def sku_key(sku: str) -> str:
    """What makes two skus the same in every database: `GT-001` and `gt-001` are one code.

    Some databases compare without regard to case and accents, others to the letter; the
    unique key is on this value, so that none of them decides.
    """
    return unicodedata.normalize("NFKC", sku).casefold()


def sku(given: str) -> str:
    """The sku itself. Raises ValueError, in a user's words, when it can't be one."""
    if not given:
        raise ValueError("must not be empty")
    if len(given) > SKU_CHARS_MAX or len(sku_key(given)) > SKU_KEY_CHARS_MAX:
        raise ValueError(f"must have at most {SKU_CHARS_MAX} characters")
    return given


def sku_from(name: str) -> str:
    """`Green Tea Premium` -> `green-tea-premium`: the same name always makes the same sku."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    slug = re.sub(r"[\W_]+", "-", plain).strip("-")
    if slug and len(slug) <= SKU_CHARS_MAX:
        return slug
    tail = hashlib.sha256(name.encode()).hexdigest()[:_TAIL_CHARS]
    head = slug[: SKU_CHARS_MAX - _TAIL_CHARS - 1].strip("-")
    return f"{head or 'product'}-{tail}"
