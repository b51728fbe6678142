"""Does what is remembered add up? Every slice's own checks, over one snapshot of the whole shop."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from leafcraft.db import Database, Source
from leafcraft.orders import verify as orders
from leafcraft.orders import verify_units as units
from leafcraft.stock import verify as stock

Check = Callable[[Source], Awaitable[Sequence[str]]]


class Finding(NamedTuple):
    """What one check found; no discrepancies: it holds."""

    claim: str
    discrepancies: Sequence[str]


CHECKS: Sequence[tuple[str, Check]] = (
    ("every stock level equals the sum of its movements", stock.levels_equal_ledger),
    ("the balances after each movement follow from the one before", stock.ledger_runs),
    ("reserved stock equals the active reservations", stock.reserved_equals_reservations),
    ("no level is negative or promised beyond what is on hand", stock.levels_in_bounds),
    ("every level's movements are in the order of their moments", stock.moments_follow),
    ("no closed location holds stock", stock.closed_locations_empty),
    ("every product at or below its reorder point is marked low", stock.low_is_marked),
    ("no hold ends earlier than its level says", stock.ends_are_noted),
    ("transfers have two halves, reversals undo exactly", stock.links_are_mutual),
    ("what is open of every confirmed order is covered", orders.confirmed_orders_covered),
    ("no other order holds stock, but by a hold", orders.others_hold_nothing),
    ("every hold covers its order until it ends", orders.holds_are_whole),
    ("every order's total equals its lines", orders.totals_equal_lines),
    ("every order's life is told by its events", orders.lives_equal_events),
    ("every order's state agrees with its units", units.states_agree_with_units),
    ("what was sent and came back is what the parcels say", units.lines_equal_parcels),
    ("the ledger tells of every unit sent or returned", units.ledger_tells_of_lines),
    ("the counts of orders are right", units.counts_equal_orders),
    ("every day's sales equal its orders", units.sales_equal_lines),
)


async def verify(database: Database) -> list[Finding]:
    """All checks; they read one snapshot, so a running shop is judged at one moment."""

    async def run(source: Source) -> list[Finding]:
        return [Finding(claim, await check(source)) for claim, check in CHECKS]

    return await database.read(run)
