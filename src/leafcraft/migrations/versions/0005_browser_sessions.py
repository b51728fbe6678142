"""Sessions of browsers: what their cookies hold, and with what somebody signed in."""

import sqlalchemy as sa
from alembic import op

from leafcraft.migrations.columns import BIG, DIGEST, OPTIONS

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The sessions so far are those of programs, and have not said which."""
    op.add_column(
        "sessions", sa.Column("agent", sa.String(length=200), nullable=False, server_default="")
    )
    op.add_column(
        "sessions",
        sa.Column("browser", sa.Boolean(), nullable=False, server_default=sa.text("0")),
    )
    op.create_table(
        "browser_tokens",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("session_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_browser_tokens_session_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_browser_tokens")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_browser_tokens_session_id"), "browser_tokens", ["session_id"])


def downgrade() -> None:
    """Nothing opens a browser's session any more; they go with the others when they are old."""
    op.drop_table("browser_tokens")
    for column in ("browser", "agent"):
        op.drop_column("sessions", column)
