"""Scopes and browsers, in the words of those who work here."""

import re
from collections.abc import Mapping
from typing import Final

from leafcraft.accounts.rules import Permission

SCOPES: Final[Mapping[str, str]] = {
    Permission.PRODUCTS_READ.value: "See products",
    Permission.PRODUCTS_WRITE.value: "Add and edit products",
    Permission.STOCK_READ.value: "See stock, its movements and locations",
    Permission.STOCK_WRITE.value: "Receive, adjust and move stock, and see to locations",
    Permission.ORDERS_READ.value: "See orders and sales",
    Permission.ORDERS_WRITE.value: "Place, change, send and cancel orders",
    Permission.ADMIN.value: "See to users and API keys, and to what everybody did",
}
"""What a key with this scope may do."""

UNKNOWN: Final = "Something that does not say what it is"

# Each says that it is those after it, too: the first that is found is the right one.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS: Final = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "a Mac",
    "Linux": "Linux",
}
_PRODUCT: Final = re.compile(r"[\w.-]+")


def device(agent: str) -> str:
    """A `User-Agent` as people say it: `Firefox on a Mac`; of a program its name, `curl`."""
    browser = next((name for mark, name in _BROWSERS.items() if f"{mark}/" in agent), "")
    if not browser:
        found = _PRODUCT.match(agent)
        return found[0] if found else UNKNOWN
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if system else browser
