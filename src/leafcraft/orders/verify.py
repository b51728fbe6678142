"""What must be true of orders at every moment, each as one query that finds whatever breaks it."""

from collections.abc import Sequence

from leafcraft.db import Source
from leafcraft.stock.verify import SHOWN_MAX
from leafcraft.times import NEVER


async def confirmed_orders_covered(source: Source) -> Sequence[str]:
    """What is open of each line, and no more, is promised to it."""
    rows = await source.fetch(
        "SELECT o.id, l.line_no, l.quantity - l.fulfilled - l.cancelled,"
        " COALESCE(SUM(r.quantity), 0) FROM orders o"
        " JOIN order_lines l ON l.order_id = o.id"
        " LEFT JOIN reservations r ON r.order_id = l.order_id AND r.line_no = l.line_no"
        " AND r.product_id = l.product_id AND r.state = 'active'"
        f" AND r.expires_at = {NEVER}"
        " WHERE o.status = 'Confirmed'"
        " GROUP BY o.id, l.line_no, l.quantity, l.fulfilled, l.cancelled"
        " HAVING l.quantity - l.fulfilled - l.cancelled <> COALESCE(SUM(r.quantity), 0)"
        f" LIMIT {SHOWN_MAX}"
    )
    return [
        f"order {order}, line {line}: {wanted} open, {int(held)} reserved"
        for order, line, wanted, held in rows
    ]


async def others_hold_nothing(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT o.id, o.status, SUM(r.quantity) FROM orders o"
        " JOIN reservations r ON r.order_id = o.id AND r.state = 'active'"
        " WHERE o.status <> 'Confirmed' AND NOT (o.status = 'Pending' AND o.expires_at IS NOT NULL)"
        f" GROUP BY o.id, o.status LIMIT {SHOWN_MAX}"
    )
    return [
        f"order {order} is {status} and holds {int(held)} units" for order, status, held in rows
    ]


async def holds_are_whole(source: Source) -> Sequence[str]:
    """A running hold covers every line and ends with its order; nothing else waits to be ended.

    What somebody whose clock is ahead has written off already was a part of it.
    """
    rows = await source.fetch(
        "SELECT o.id, o.expires_at, h.expires_at, o.wanted, COALESCE(SUM(r.quantity), 0) FROM"
        " (SELECT p.id, p.expires_at, SUM(l.quantity - l.cancelled) AS wanted FROM orders p"
        " JOIN order_lines l ON l.order_id = p.id"
        " WHERE p.status = 'Pending' AND p.expires_at IS NOT NULL GROUP BY p.id, p.expires_at) o"
        " LEFT JOIN holds h ON h.order_id = o.id"
        " LEFT JOIN reservations r ON r.order_id = o.id AND r.state IN ('active', 'expired')"
        " AND r.expires_at = o.expires_at"
        " GROUP BY o.id, o.expires_at, h.expires_at, o.wanted"
        " HAVING h.expires_at IS NULL OR h.expires_at <> o.expires_at"
        f" OR (o.expires_at > %s AND COALESCE(SUM(r.quantity), 0) <> o.wanted) LIMIT {SHOWN_MAX}",
        (source.now,),
    )
    stray = await source.fetch(
        "SELECT h.order_id, o.status FROM holds h JOIN orders o ON o.id = h.order_id"
        f" WHERE o.status <> 'Pending' OR o.expires_at IS NULL LIMIT {SHOWN_MAX}"
    )
    return [
        f"order {order} holds {int(held)} of {int(wanted)} units until {end}; noted: {noted}"
        for order, end, noted, wanted, held in rows
    ] + [f"order {order} is {status} and waits for the end of a hold" for order, status in stray]


async def totals_equal_lines(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT o.id, o.total_minor, COALESCE(SUM(l.quantity * l.unit_price_minor), 0) FROM orders o"
        " LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id, o.total_minor"
        " HAVING o.total_minor <> COALESCE(SUM(l.quantity * l.unit_price_minor), 0)"
        f" OR COUNT(l.line_no) = 0 LIMIT {SHOWN_MAX}"
    )
    return [f"order {order}: total {total}, lines {int(lines)}" for order, total, lines in rows]


async def lives_equal_events(source: Source) -> Sequence[str]:
    """Each order was created once, confirmed, cancelled and expired as often as its row says."""
    rows = await source.fetch(
        "SELECT o.id, COALESCE(e.created, 0), COALESCE(e.confirmed, 0), COALESCE(e.cancelled, 0),"
        " COALESCE(e.expired, 0)"
        " FROM orders o LEFT JOIN (SELECT subject_id,"
        " SUM(CASE WHEN type = 'order.created' THEN 1 ELSE 0 END) AS created,"
        " SUM(CASE WHEN type = 'order.confirmed' THEN 1 ELSE 0 END) AS confirmed,"
        " SUM(CASE WHEN type = 'order.cancelled' THEN 1 ELSE 0 END) AS cancelled,"
        " SUM(CASE WHEN type = 'order.expired' THEN 1 ELSE 0 END) AS expired"
        " FROM events WHERE subject_type = 'order' GROUP BY subject_id) e ON e.subject_id = o.id"
        " WHERE COALESCE(e.created, 0) <> 1"
        " OR COALESCE(e.confirmed, 0) <> CASE WHEN o.confirmed_at IS NULL THEN 0 ELSE 1 END"
        " OR COALESCE(e.cancelled, 0) <> CASE WHEN o.cancelled_at IS NULL THEN 0 ELSE 1 END"
        " OR COALESCE(e.expired, 0) <> CASE WHEN o.status = 'Expired' THEN 1 ELSE 0 END"
        f" LIMIT {SHOWN_MAX}"
    )
    return [
        f"order {order}: told as created {int(a)}, confirmed {int(b)}, cancelled {int(c)},"
        f" expired {int(d)} times"
        for order, a, b, c, d in rows
    ]
