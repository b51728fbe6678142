"""Stock in depth: holds that end, movements that are linked and found by moment, reorder points."""

import sqlalchemy as sa
from alembic import op

from leafcraft.migrations.columns import BIG, OPTIONS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NEVER = 2**63 - 1
_PRODUCT_LOCATION_MOMENT = ["product_id", "location_id", "occurred_at"]


def upgrade() -> None:
    _levels()
    _reservations()
    op.add_column("stock_movements", sa.Column("note", sa.String(length=1000), nullable=True))
    op.create_index(
        op.f("ix_stock_movements_product_id_location_id_occurred_at"),
        "stock_movements",
        _PRODUCT_LOCATION_MOMENT,
    )
    op.add_column("orders", sa.Column("expires_at", BIG, nullable=True))
    _movement_links()
    _reorder_points()
    _holds()


def downgrade() -> None:
    for table in ("holds", "reorder_points", "movement_links"):
        op.drop_table(table)
    op.drop_column("orders", "expires_at")
    op.drop_index(op.f("ix_stock_movements_product_id_location_id_occurred_at"), "stock_movements")
    op.drop_column("stock_movements", "note")
    op.drop_index(op.f("ix_reservations_product_id_state_expires_at"), "reservations")
    with op.batch_alter_table("reservations") as reservations:
        reservations.alter_column("expires_at", existing_type=BIG, nullable=True)
    rows = sa.table("reservations", sa.column("expires_at"))
    endless = rows.c.expires_at == _NEVER
    op.execute(sa.update(rows).where(endless).values(expires_at=None))
    op.drop_index(op.f("ix_stock_levels_held_until"), "stock_levels")
    # The foreign key needs an index that begins with its column.
    op.create_index(op.f("fk_stock_levels_location_id"), "stock_levels", ["location_id"])
    op.drop_index(op.f("ix_stock_levels_location_id_product_id"), "stock_levels")
    for column in ("held_until", "moved_at"):
        op.drop_column("stock_levels", column)


def _levels() -> None:
    """Each level learns when it last moved, and when the first of its holds ends."""
    op.add_column(
        "stock_levels", sa.Column("moved_at", BIG, nullable=False, server_default=sa.text("0"))
    )
    op.add_column(
        "stock_levels",
        sa.Column("held_until", BIG, nullable=False, server_default=sa.text(str(_NEVER))),
    )
    _order_moments()
    op.execute(
        "UPDATE stock_levels SET moved_at = COALESCE((SELECT MAX(occurred_at) FROM stock_movements m"
        " WHERE m.product_id = stock_levels.product_id"
        " AND m.location_id = stock_levels.location_id), 0)"
    )
    op.create_index(
        op.f("ix_stock_levels_location_id_product_id"),
        "stock_levels",
        ["location_id", "product_id"],
    )
    op.create_index(op.f("ix_stock_levels_held_until"), "stock_levels", ["held_until"])


def _order_moments() -> None:
    """A movement was dated before its transaction waited for a lock, so two processes could date a
    level's movements in another order than they wrote them. The past is told by their moments now:
    none may be earlier than the one before it."""
    connection = op.get_bind()
    late = connection.execute(
        sa.text(
            "SELECT id, latest FROM (SELECT id, occurred_at, MAX(occurred_at) OVER"
            " (PARTITION BY product_id, location_id ORDER BY seq) AS latest FROM stock_movements) m"
            " WHERE occurred_at < latest"
        )
    ).all()
    rows = sa.table("stock_movements", sa.column("id"), sa.column("occurred_at"))
    for number, latest in late:
        op.execute(sa.update(rows).where(rows.c.id == number).values(occurred_at=latest))


def _reservations() -> None:
    """No reservation had an end so far; one without an end ends never, which can be compared."""
    rows = sa.table("reservations", sa.column("expires_at"))
    op.execute(sa.update(rows).where(rows.c.expires_at.is_(None)).values(expires_at=_NEVER))
    with op.batch_alter_table("reservations") as reservations:
        reservations.alter_column("expires_at", existing_type=BIG, nullable=False)
    op.create_index(
        op.f("ix_reservations_product_id_state_expires_at"),
        "reservations",
        ["product_id", "state", "expires_at"],
    )


def _movement_links() -> None:
    op.create_table(
        "movement_links",
        sa.Column("movement_id", BIG, autoincrement=False, nullable=False),
        sa.Column("link", sa.String(length=16), nullable=False),
        sa.Column("other_id", BIG, nullable=False),
        sa.CheckConstraint(
            "link IN ('counterpart', 'reverses', 'reversed_by')",
            name=op.f("ck_movement_links_link"),
        ),
        sa.PrimaryKeyConstraint("movement_id", "link", name=op.f("pk_movement_links")),
        **OPTIONS,
    )


def _reorder_points() -> None:
    op.create_table(
        "reorder_points",
        sa.Column("product_id", BIG, autoincrement=False, nullable=False),
        sa.Column("point", BIG, nullable=True),
        sa.Column("quantity", BIG, nullable=True),
        sa.Column("low", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_reorder_points_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_reorder_points")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_reorder_points_low_product_id"), "reorder_points", ["low", "product_id"]
    )


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("order_id", BIG, autoincrement=False, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_holds_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_holds")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_holds_expires_at"), "holds", ["expires_at"])
