"""The first schema: accounts, products, stock with its ledger, orders, events, and what the write path keeps."""

import time

import sqlalchemy as sa
from alembic import op

from leafcraft.migrations.columns import BIG, BYTES, DIGEST, ID, JSON_TEXT, OPTIONS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _users()
    _products()
    _locations()
    _stock_levels()
    _stock_movements()
    _orders()
    _order_lines()
    _reservations()
    _events()
    _idempotency_keys()
    _revisions()
    _main_location()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        **OPTIONS,
    )


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("sku_key", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("price_minor", BIG, nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.CheckConstraint("price_minor >= 0", name=op.f("ck_products_price_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("sku_key", name=op.f("uq_products_sku_key")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_products_created_at"), "products", ["created_at"])
    op.create_index(op.f("ix_products_name"), "products", ["name"])


def _locations() -> None:
    op.create_table(
        "locations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("priority", BIG, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
        sa.UniqueConstraint("code", name=op.f("uq_locations_code")),
        **OPTIONS,
    )


def _stock_levels() -> None:
    op.create_table(
        "stock_levels",
        sa.Column("product_id", BIG, autoincrement=False, nullable=False),
        sa.Column("location_id", BIG, autoincrement=False, nullable=False),
        sa.Column("on_hand", BIG, nullable=False),
        sa.Column("reserved", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.CheckConstraint("on_hand >= reserved", name=op.f("ck_stock_levels_reserved_is_on_hand")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_levels_reserved_not_negative")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_stock_levels_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_stock_levels_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", "location_id", name=op.f("pk_stock_levels")),
        **OPTIONS,
    )


def _stock_movements() -> None:
    op.create_table(
        "stock_movements",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG, nullable=False),
        sa.Column("location_id", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("on_hand_delta", BIG, nullable=False),
        sa.Column("reserved_delta", BIG, nullable=False),
        sa.Column("on_hand_after", BIG, nullable=False),
        sa.Column("reserved_after", BIG, nullable=False),
        sa.Column("order_id", BIG, nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.CheckConstraint(
            "kind IN ('receipt', 'adjustment', 'transfer_out', 'transfer_in',"
            " 'reserve', 'release', 'fulfill', 'return')",
            name=op.f("ck_stock_movements_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_stock_movements_occurred_at"), "stock_movements", ["occurred_at"])
    op.create_index(op.f("ix_stock_movements_order_id"), "stock_movements", ["order_id"])
    op.create_index(
        op.f("ix_stock_movements_product_id_id"), "stock_movements", ["product_id", "id"]
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("total_minor", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.Column("confirmed_at", BIG, nullable=True),
        sa.Column("cancelled_at", BIG, nullable=True),
        sa.CheckConstraint(
            "status IN ('Pending', 'Confirmed', 'Fulfilled', 'Cancelled', 'Expired')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_orders_total_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_orders_created_at"), "orders", ["created_at"])
    op.create_index(op.f("ix_orders_status_id"), "orders", ["status", "id"])


def _order_lines() -> None:
    op.create_table(
        "order_lines",
        sa.Column("order_id", BIG, autoincrement=False, nullable=False),
        sa.Column("line_no", BIG, autoincrement=False, nullable=False),
        sa.Column("product_id", BIG, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("unit_price_minor", BIG, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_order_lines_product_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "line_no", name=op.f("pk_order_lines")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_order_lines_product_id_order_id"), "order_lines", ["product_id", "order_id"]
    )


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("order_id", BIG, autoincrement=False, nullable=False),
        sa.Column("line_no", BIG, autoincrement=False, nullable=False),
        sa.Column("location_id", BIG, autoincrement=False, nullable=False),
        sa.Column("product_id", BIG, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("expires_at", BIG, nullable=True),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'consumed', 'released', 'expired')",
            name=op.f("ck_reservations_state"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_reservations_order_id")),
        sa.PrimaryKeyConstraint("order_id", "line_no", "location_id", name=op.f("pk_reservations")),
        **OPTIONS,
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", BIG, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("data", JSON_TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        **OPTIONS,
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("fingerprint", DIGEST, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("location", sa.String(length=128), nullable=False),
        sa.Column("body", BYTES, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idempotency_keys")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("writer", BIG, autoincrement=False, nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("touched_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("writer", "topic", name=op.f("pk_revisions")),
        **OPTIONS,
    )


def _main_location() -> None:
    now = time.time_ns() // 1000
    names = ("id", "code", "name", "priority", "active", "created_at", "updated_at")
    locations = sa.table("locations", *(sa.column(name) for name in names))
    main = dict(zip(names, (1, "main", "Main", 0, True, now, now), strict=True))
    op.bulk_insert(locations, [main])


def downgrade() -> None:
    for table in (
        "revisions",
        "idempotency_keys",
        "events",
        "reservations",
        "order_lines",
        "orders",
        "stock_movements",
        "stock_levels",
        "locations",
        "products",
        "users",
    ):
        op.drop_table(table)
