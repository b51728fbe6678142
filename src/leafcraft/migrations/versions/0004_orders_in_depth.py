"""Orders in depth: what is sent, returned and cancelled of a line, who ordered, and counts that don't scan."""

import sqlalchemy as sa
from alembic import op

from leafcraft.migrations.columns import BIG, ID, JSON_TEXT, OPTIONS

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SUM = sa.Numeric(38, 0).with_variant(sa.BigInteger(), "sqlite")
_NUMBERED = {"sqlite_autoincrement": True}
_LINE_CHECKS = {
    "fulfilled_not_negative": "fulfilled >= 0",
    "cancelled_not_negative": "cancelled >= 0",
    "open_not_negative": "fulfilled + cancelled <= quantity",
    "returned_was_fulfilled": "returned >= 0 AND returned <= fulfilled",
}


def upgrade() -> None:
    _orders()
    _lines()
    _parcels("fulfillments", _fulfillment_columns(), "fulfillment_id")
    _parcels("returns", _return_columns(), "return_id")
    _words()
    _tallies()


def downgrade() -> None:
    for table in (
        *("sales_days", "order_counts", "order_words"),
        *("return_lines", "returns", "fulfillment_lines", "fulfillments"),
    ):
        op.drop_table(table)
    with op.batch_alter_table("order_lines") as lines:
        for name in _LINE_CHECKS:
            lines.drop_constraint(op.f(f"ck_order_lines_{name}"), type_="check")
        for column in ("fulfilled", "returned", "cancelled"):
            lines.drop_column(column)
    op.drop_index(op.f("ix_orders_confirmed_at"), "orders")
    with op.batch_alter_table("orders", table_kwargs=_NUMBERED) as orders:
        orders.drop_constraint(op.f("ck_orders_payment_status"), type_="check")
        orders.drop_constraint(op.f("uq_orders_reference"), type_="unique")
        for column in (
            *("reference", "customer", "customer_email", "note", "on_hold_reason"),
            *("payment_status", "payment_reference", "fulfilled_at"),
        ):
            orders.drop_column(column)


def _orders() -> None:
    with op.batch_alter_table("orders", table_kwargs=_NUMBERED) as orders:
        orders.add_column(sa.Column("fulfilled_at", BIG, nullable=True))
        orders.add_column(sa.Column("reference", sa.String(length=64), nullable=True))
        orders.add_column(sa.Column("customer", JSON_TEXT, nullable=True))
        orders.add_column(sa.Column("customer_email", sa.String(length=254), nullable=True))
        orders.add_column(sa.Column("note", sa.String(length=1000), nullable=True))
        orders.add_column(sa.Column("on_hold_reason", sa.String(length=200), nullable=True))
        orders.add_column(
            sa.Column(
                "payment_status", sa.String(length=16), nullable=False, server_default="unpaid"
            )
        )
        orders.add_column(sa.Column("payment_reference", sa.String(length=255), nullable=True))
        orders.create_unique_constraint(op.f("uq_orders_reference"), ["reference"])
        orders.create_check_constraint(
            op.f("ck_orders_payment_status"), "payment_status IN ('unpaid', 'paid', 'refunded')"
        )
    op.create_index(op.f("ix_orders_confirmed_at"), "orders", ["confirmed_at"])


def _lines() -> None:
    """What was not fulfilled of an order that was cancelled is cancelled, line by line."""
    with op.batch_alter_table("order_lines") as lines:
        for name in ("fulfilled", "returned", "cancelled"):
            lines.add_column(sa.Column(name, BIG, nullable=False, server_default=sa.text("0")))
        for name, check in _LINE_CHECKS.items():
            lines.create_check_constraint(op.f(f"ck_order_lines_{name}"), check)
    op.execute(
        "UPDATE order_lines SET cancelled = quantity WHERE order_id IN"
        " (SELECT id FROM orders WHERE status = 'Cancelled')"
    )


def _fulfillment_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("carrier", sa.String(length=100), nullable=True),
        sa.Column("tracking_number", sa.String(length=100), nullable=True),
        sa.Column("undone_at", BIG, nullable=True),
    ]


def _return_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("disposition", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
    ]


def _parcels(table: str, columns: list[sa.Column[object]], key: str) -> None:
    """What goes to a customer, or comes back, and its lines."""
    checks = []
    if table == "returns":
        checks = [
            sa.CheckConstraint(
                "disposition IN ('restock', 'write_off')", name=op.f("ck_returns_disposition")
            )
        ]
    op.create_table(
        table,
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("order_id", BIG, nullable=False),
        *columns,
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        *checks,
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f(f"fk_{table}_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        **OPTIONS,
    )
    op.create_index(op.f(f"ix_{table}_order_id"), table, ["order_id"])
    lines = f"{table[:-1]}_lines"
    op.create_table(
        lines,
        sa.Column(key, BIG, autoincrement=False, nullable=False),
        sa.Column("line_no", BIG, autoincrement=False, nullable=False),
        sa.Column("location_id", BIG, autoincrement=False, nullable=False),
        sa.Column("product_id", BIG, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f(f"ck_{lines}_quantity_positive")),
        sa.ForeignKeyConstraint([key], [f"{table}.id"], name=op.f(f"fk_{lines}_{key}")),
        sa.PrimaryKeyConstraint(key, "line_no", "location_id", name=op.f(f"pk_{lines}")),
        **OPTIONS,
    )


def _words() -> None:
    op.create_table(
        "order_words",
        sa.Column("word", sa.String(length=64), nullable=False),
        sa.Column("order_id", BIG, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_words_order_id")),
        sa.PrimaryKeyConstraint("word", "order_id", name=op.f("pk_order_words")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_order_words_order_id_word"), "order_words", ["order_id", "word"])


def _tallies() -> None:
    """Counts and sums that each writing process keeps for itself; what there is so far is nobody's, 0."""
    op.create_table(
        "order_counts",
        sa.Column("writer", BIG, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("orders", BIG, nullable=False),
        sa.PrimaryKeyConstraint("writer", "status", name=op.f("pk_order_counts")),
        **OPTIONS,
    )
    op.create_table(
        "sales_days",
        sa.Column("day", BIG, autoincrement=False, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("writer", BIG, autoincrement=False, nullable=False),
        sa.Column("orders", BIG, nullable=False),
        sa.Column("units", BIG, nullable=False),
        sa.Column("amount_minor", _SUM, nullable=False),
        sa.Column("returned_units", BIG, nullable=False),
        sa.Column("returned_minor", _SUM, nullable=False),
        sa.PrimaryKeyConstraint("day", "currency", "writer", name=op.f("pk_sales_days")),
        **OPTIONS,
    )
    op.execute(
        "INSERT INTO order_counts (writer, status, orders)"
        " SELECT 0, status, COUNT(*) FROM orders GROUP BY status"
    )
    op.execute(
        "INSERT INTO sales_days"
        " (day, currency, writer, orders, units, amount_minor, returned_units, returned_minor)"
        " SELECT o.confirmed_at - o.confirmed_at % 86400000000, o.currency, 0, COUNT(DISTINCT o.id), SUM(l.quantity),"
        " SUM(l.quantity * l.unit_price_minor), 0, 0 FROM orders o"
        " JOIN order_lines l ON l.order_id = o.id"
        " WHERE o.status IN ('Confirmed', 'Fulfilled')"
        " GROUP BY o.confirmed_at - o.confirmed_at % 86400000000, o.currency"
    )
