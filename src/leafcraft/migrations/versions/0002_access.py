"""Access: sessions, refresh tokens, API keys, signing keys, failed sign-ins; and events that can be searched."""

import sqlalchemy as sa
from alembic import op

from leafcraft.migrations.columns import BIG, DIGEST, ID, JSON_TEXT, OPTIONS

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("era", BIG, nullable=False, server_default=sa.text("0")))
    _sessions()
    _refresh_tokens()
    _api_keys()
    _signing_keys()
    _knocks()
    op.create_index(op.f("ix_events_type"), "events", ["type"])
    op.create_index(op.f("ix_events_actor"), "events", ["actor"])
    op.create_index(
        op.f("ix_events_subject_type_subject_id"), "events", ["subject_type", "subject_id"]
    )
    op.create_index(op.f("ix_events_occurred_at"), "events", ["occurred_at"])


def downgrade() -> None:
    for table in ("knocks", "signing_keys", "api_keys", "refresh_tokens", "sessions"):
        op.drop_table(table)
    for columns in ("type", "actor", "subject_type_subject_id", "occurred_at"):
        op.drop_index(op.f(f"ix_events_{columns}"), "events")
    op.drop_column("users", "era")


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("era", BIG, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("started_at", BIG, nullable=False),
        sa.Column("used_at", BIG, nullable=False),
        sa.Column("ended_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])
    op.create_index(op.f("ix_sessions_used_at"), "sessions", ["used_at"])


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("session_id", BIG, nullable=False),
        sa.Column("used_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_tokens")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"])


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("start", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=True),
        sa.Column("last_used_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
        **OPTIONS,
    )


def _signing_keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(length=16), nullable=False),
        sa.Column("public", JSON_TEXT, nullable=False),
        sa.Column("private", JSON_TEXT, nullable=False),
        sa.Column("signs_from", BIG, nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
        **OPTIONS,
    )


def _knocks() -> None:
    op.create_table(
        "knocks",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("failures", BIG, nullable=False),
        sa.Column("last_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_knocks")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_knocks_last_at"), "knocks", ["last_at"])
