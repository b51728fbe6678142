"""What the roles are, in the words of those who give them."""

from collections.abc import Mapping
from typing import Final

from leafcraft.accounts.rules import Role

ROLES: Final[Mapping[str, str]] = {
    Role.VIEWER.value: "Sees products, stock, orders and sales, and changes nothing.",
    Role.OPERATOR.value: "Runs the shop: places, confirms, sends and cancels orders, and looks after"
    " products, stock and locations.",
    Role.ADMIN.value: "Runs the shop as operators do, and sees to users, API keys and what"
    " everybody did.",
}
"""By role; each may do all that the one before may."""
