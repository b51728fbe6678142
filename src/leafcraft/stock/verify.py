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


async def moments_follow(source: Source) -> Sequence[str]:
    """A level's movements are in the order of their moments, and the level knows the last one."""
    rows = await source.fetch(
        "SELECT product_id, location_id, seq FROM (SELECT product_id, location_id, seq, occurred_at,"
        " LAG(occurred_at) OVER (PARTITION BY product_id, location_id ORDER BY seq) AS earlier"
        f" FROM stock_movements) m WHERE occurred_at < earlier LIMIT {SHOWN_MAX}"
    )
    late = await source.fetch(
        "SELECT l.product_id, l.location_id, l.seq FROM stock_levels l JOIN stock_movements m"
        " ON m.product_id = l.product_id AND m.location_id = l.location_id AND m.seq = l.seq"
        f" WHERE m.occurred_at <> l.moved_at LIMIT {SHOWN_MAX}"
    )
    return [
        f"product {p} at location {at}: movement {seq} is not at its moment"
        for p, at, seq in [*rows, *late]
    ]


async def closed_locations_empty(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT p.code, l.product_id, l.on_hand FROM locations p"
        " JOIN stock_levels l ON l.location_id = p.id"
        f" WHERE p.active = %s AND l.on_hand > 0 LIMIT {SHOWN_MAX}",
        (False,),
    )
    return [f"location {code} is closed, with {n} of product {p}" for code, p, n in rows]


async def low_is_marked(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT r.product_id, r.point, r.low, SUM(l.on_hand - l.reserved) FROM reorder_points r"
        " JOIN stock_levels l ON l.product_id = r.product_id"
        " GROUP BY r.product_id, r.point, r.low"
        " HAVING r.low <> CASE WHEN SUM(l.on_hand - l.reserved) <= r.point THEN 1 ELSE 0 END"
        f" LIMIT {SHOWN_MAX}"
    )
    return [
        f"product {p}: {int(left)} available, reorder point {point}, marked low: {bool(low)}"
        for p, point, low, left in rows
    ]


async def ends_are_noted(source: Source) -> Sequence[str]:
    """No level takes a hold for running longer than it does."""
    rows = await source.fetch(
        "SELECT l.product_id, l.location_id, l.held_until, MIN(r.expires_at) FROM stock_levels l"
        " JOIN reservations r ON r.product_id = l.product_id AND r.location_id = l.location_id"
        " WHERE r.state = 'active' GROUP BY l.product_id, l.location_id, l.held_until"
        f" HAVING l.held_until > MIN(r.expires_at) LIMIT {SHOWN_MAX}"
    )
    return [
        f"product {p} at location {at}: held until {noted}, but a hold ends at {end}"
        for p, at, noted, end in rows
    ]


async def links_are_mutual(source: Source) -> Sequence[str]:
    """A reversal undoes its movement exactly; the halves of a transfer are as large, and what goes
    out is less there."""
    rows = await source.fetch(
        "SELECT k.movement_id, k.link, k.other_id FROM movement_links k"
        " LEFT JOIN movement_links b ON b.movement_id = k.other_id AND b.other_id = k.movement_id"
        " AND b.link = CASE k.link WHEN 'reverses' THEN 'reversed_by' WHEN 'reversed_by'"
        " THEN 'reverses' ELSE 'counterpart' END"
        " LEFT JOIN stock_movements m ON m.id = k.movement_id"
        " LEFT JOIN stock_movements o ON o.id = k.other_id AND o.product_id = m.product_id"
        " WHERE b.movement_id IS NULL OR o.id IS NULL OR m.on_hand_delta <> -o.on_hand_delta"
        " OR (m.kind = 'transfer_out' AND m.on_hand_delta >= 0)"
        f" OR (m.kind = 'transfer_in' AND m.on_hand_delta <= 0) LIMIT {SHOWN_MAX}"
    )
    return [f"movement {one} and {other} ({link}) don't match" for one, link, other in rows]
