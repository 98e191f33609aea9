"""Who looks after which account, as associates tells it, and the order in which events were recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_table(
        "associate_name",
        sa.Column("associate_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("associate_id", name=op.f("associate_name_pkey")),
    )
    op.create_table(
        "account_associate",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("associate_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "associate_id", "role", name=op.f("account_associate_pkey")),
    )
    op.create_index("account_associate_associate_ix", "account_associate", ["associate_id", "account_id", "role"])
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("inbox_pkey")),
    )
    op.create_table(
        "feed_cursor",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("pos", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("feed_cursor_pkey")),
    )


def downgrade() -> None:
    op.drop_table("feed_cursor")
    op.drop_table("inbox")
    op.drop_index("account_associate_associate_ix", table_name="account_associate")
    op.drop_table("account_associate")
    op.drop_table("associate_name")
    op.drop_column("outbox", "seq")
