"""Selections of customers, and the codes that begin with a zero."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "selection",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("codes", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("keys", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("times", sa.ARRAY(sa.Integer()), nullable=True),
        sa.Column("chosen", JSON, nullable=True),
        sa.Column("account_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.CheckConstraint("source IN ('codes', 'list', 'ticked')", name=op.f("selection_source_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("selection_pkey")),
        sa.UniqueConstraint("digest", name=op.f("selection_digest_key")),
    )
    op.create_table(
        "selection_snapshot",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("selection_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("active", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("inactive", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("report", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("selection_snapshot_pkey")),
        sa.ForeignKeyConstraint(
            ["selection_id"], ["selection.id"], name=op.f("selection_snapshot_selection_id_fkey"), ondelete="CASCADE"
        ),
    )
    op.create_index(
        "account_zeros_ix", "account", [sa.text("ltrim(code_key, '0')")], postgresql_where=sa.text("code_key LIKE '0%'")
    )


def downgrade() -> None:
    op.drop_index("account_zeros_ix", table_name="account")
    op.drop_table("selection_snapshot")
    op.drop_table("selection")
