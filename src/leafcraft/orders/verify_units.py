"""What must be true of every unit that was ordered, and of the counts that are kept of orders."""

from collections.abc import Sequence

from leafcraft.db import Source
from leafcraft.stock.verify import SHOWN_MAX
from leafcraft.times import MICROS_PER_DAY


async def states_agree_with_units(source: Source) -> Sequence[str]:
    """Something is open of a Confirmed order, nothing of one that was fulfilled or cancelled."""
    rows = await source.fetch(
        "SELECT o.id, o.status, SUM(l.quantity - l.fulfilled - l.cancelled), SUM(l.fulfilled)"
        " FROM orders o JOIN order_lines l ON l.order_id = o.id GROUP BY o.id, o.status"
        " HAVING CASE o.status"
        " WHEN 'Pending' THEN SUM(l.fulfilled) > 0"
        " OR SUM(l.quantity - l.fulfilled - l.cancelled) = 0"
        " WHEN 'Expired' THEN SUM(l.fulfilled) > 0"
        " WHEN 'Confirmed' THEN SUM(l.quantity - l.fulfilled - l.cancelled) = 0"
        " WHEN 'Fulfilled' THEN SUM(l.quantity - l.fulfilled - l.cancelled) <> 0"
        " OR SUM(l.fulfilled) = 0"
        f" ELSE SUM(l.quantity - l.fulfilled - l.cancelled) <> 0 END LIMIT {SHOWN_MAX}"
    )
    return [
        f"order {order} is {status}: {int(left)} units open, {int(sent)} fulfilled"
        for order, status, left, sent in rows
    ]


async def lines_equal_parcels(source: Source) -> Sequence[str]:
    """What a line says was sent and came back is what its fulfillments and returns say."""
    rows = await source.fetch(
        "SELECT l.order_id, l.line_no, l.fulfilled, l.returned,"
        " COALESCE(f.units, 0), COALESCE(b.units, 0) FROM order_lines l"
        " LEFT JOIN (SELECT p.order_id, c.line_no, SUM(c.quantity) AS units FROM fulfillments p"
        " JOIN fulfillment_lines c ON c.fulfillment_id = p.id WHERE p.undone_at IS NULL"
        " GROUP BY p.order_id, c.line_no) f"
        " ON f.order_id = l.order_id AND f.line_no = l.line_no"
        " LEFT JOIN (SELECT p.order_id, c.line_no, SUM(c.quantity) AS units FROM returns p"
        " JOIN return_lines c ON c.return_id = p.id GROUP BY p.order_id, c.line_no) b"
        " ON b.order_id = l.order_id AND b.line_no = l.line_no"
        " WHERE l.fulfilled <> COALESCE(f.units, 0) OR l.returned <> COALESCE(b.units, 0)"
        f" LIMIT {SHOWN_MAX}"
    )
    return [
        f"order {order}, line {line}: fulfilled {sent}, by its fulfillments {int(parcels)};"
        f" returned {back}, by its returns {int(returns)}"
        for order, line, sent, back, parcels, returns in rows
    ]


async def ledger_tells_of_lines(source: Source) -> Sequence[str]:
    """Per order and product: what left the shelf was fulfilled, and what came back was returned."""
    rows = await source.fetch(
        "SELECT u.order_id, u.product_id, SUM(u.sent), SUM(u.back), SUM(u.left_), SUM(u.came) FROM"
        " (SELECT order_id, product_id, fulfilled AS sent, returned AS back, 0 AS left_, 0 AS came"
        " FROM order_lines UNION ALL"
        " SELECT order_id, product_id, 0, 0, CASE kind WHEN 'fulfill' THEN -on_hand_delta ELSE 0 END,"
        " CASE kind WHEN 'return' THEN on_hand_delta ELSE 0 END FROM stock_movements"
        " WHERE order_id IS NOT NULL AND kind IN ('fulfill', 'return')) u"
        " GROUP BY u.order_id, u.product_id"
        " HAVING SUM(u.sent) <> SUM(u.left_) OR SUM(u.back) <> SUM(u.came)"
        f" LIMIT {SHOWN_MAX}"
    )
    return [
        f"order {order}, product {product}: fulfilled {int(sent)}, by the ledger {int(left)};"
        f" returned {int(back)}, by the ledger {int(came)}"
        for order, product, sent, back, left, came in rows
    ]


async def counts_equal_orders(source: Source) -> Sequence[str]:
    rows = await source.fetch(
        "SELECT u.status, SUM(u.counted), SUM(u.there) FROM"
        " (SELECT status, orders AS counted, 0 AS there FROM order_counts UNION ALL"
        " SELECT status, 0, COUNT(*) FROM orders GROUP BY status) u"
        " GROUP BY u.status HAVING SUM(u.counted) <> SUM(u.there)"
    )
    return [f"{int(there)} orders are {status}, {int(n)} counted" for status, n, there in rows]


async def sales_equal_lines(source: Source) -> Sequence[str]:
    """Each day's sales are what became of the lines of the orders confirmed on it."""
    rows = await source.fetch(
        "SELECT u.day, u.currency, SUM(u.orders), SUM(u.units), SUM(u.amount), SUM(u.back),"
        " SUM(u.back_amount) FROM"
        " (SELECT day, currency, orders, units, amount_minor AS amount, returned_units AS back,"
        " returned_minor AS back_amount FROM sales_days UNION ALL"
        f" SELECT o.confirmed_at - o.confirmed_at %% {MICROS_PER_DAY}, o.currency,"
        " CASE WHEN SUM(l.quantity - l.cancelled) > 0 THEN -1 ELSE 0 END,"
        " -SUM(l.quantity - l.cancelled), -SUM((l.quantity - l.cancelled) * l.unit_price_minor),"
        " -SUM(l.returned), -SUM(l.returned * l.unit_price_minor)"
        " FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.confirmed_at IS NOT NULL"
        " GROUP BY o.id, o.confirmed_at, o.currency) u GROUP BY u.day, u.currency"
        " HAVING SUM(u.orders) <> 0 OR SUM(u.units) <> 0 OR SUM(u.amount) <> 0"
        f" OR SUM(u.back) <> 0 OR SUM(u.back_amount) <> 0 LIMIT {SHOWN_MAX}"
    )
    return [
        f"the sales of the day {day} ({currency}) differ by {list(map(int, off))}"
        for day, currency, *off in rows
    ]
