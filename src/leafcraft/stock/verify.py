"""What must be true of stock at every moment, each as one query that finds whatever breaks it."""

from collections.abc import Sequence

from leafcraft.db import Source

SHOWN_MAX = 20
"""Discrepancies shown of each kind; one is alarming enough."""


async def levels_equal_ledger(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT l.product_id, l.location_id, l.on_hand, l.reserved, l.seq,"
        " COALESCE(m.on_hand, 0), COALESCE(m.reserved, 0), COALESCE(m.entries, 0)"
        " FROM stock_levels l LEFT JOIN (SELECT product_id, location_id, SUM(on_hand_delta) AS on_hand,"
        " SUM(reserved_delta) AS reserved, COUNT(*) AS entries FROM stock_movements"
        " GROUP BY product_id, location_id) m"
        " ON m.product_id = l.product_id AND m.location_id = l.location_id"
        " WHERE l.on_hand <> COALESCE(m.on_hand, 0) OR l.reserved <> COALESCE(m.reserved, 0)"
        f" OR l.seq <> COALESCE(m.entries, 0) LIMIT {SHOWN_MAX}"
    )
    return [
        f"product {p} at location {at}: level on hand {h}, reserved {r}, {n} movements;"
        f" ledger on hand {int(lh)}, reserved {int(lr)}, {int(ln)} movements"
        for p, at, h, r, n, lh, lr, ln in rows
    ]


async def ledger_runs(source: Source) -> Sequence[str]:
    over = "OVER (PARTITION BY product_id, location_id ORDER BY seq, id)"
    rows = await source.fetch(
        "SELECT id, product_id, location_id, seq FROM (SELECT id, product_id, location_id, seq,"
        " on_hand_after, reserved_after,"
        f" ROW_NUMBER() {over} AS place,"
        f" SUM(on_hand_delta) {over} AS on_hand, SUM(reserved_delta) {over} AS reserved"
        " FROM stock_movements) m WHERE seq <> place OR on_hand_after <> on_hand"
        f" OR reserved_after <> reserved LIMIT {SHOWN_MAX}"
    )
    return [
        f"movement {id_}: number {seq} of product {p} at location {at} does not follow"
        for id_, p, at, seq in rows
    ]


async def reserved_equals_reservations(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT l.product_id, l.location_id, l.reserved, COALESCE(r.quantity, 0) FROM stock_levels l"
        " LEFT JOIN (SELECT product_id, location_id, SUM(quantity) AS quantity FROM reservations"
        " WHERE state = 'active' GROUP BY product_id, location_id) r"
        " ON r.product_id = l.product_id AND r.location_id = l.location_id"
        f" WHERE l.reserved <> COALESCE(r.quantity, 0) LIMIT {SHOWN_MAX}"
    )
    return [
        f"product {p} at location {at}: {reserved} reserved, {int(active)} in active reservations"
        for p, at, reserved, active in rows
    ]


async def levels_in_bounds(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT product_id, location_id, on_hand, reserved FROM stock_levels"
        f" WHERE reserved < 0 OR on_hand < reserved LIMIT {SHOWN_MAX}"
    )
    return [f"product {p} at location {at}: on hand {h}, reserved {r}" for p, at, h, r in rows]
