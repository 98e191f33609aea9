"""Imports of users: receipts of their chunks, and what each found and left."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "job_fence",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("job_fence_pkey")),
    )
    op.create_table(
        "receipt",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("answer", JSON, nullable=True),
        sa.Column("created_ids", sa.LargeBinary(), nullable=True),
        sa.Column("applied_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "chunk_no", name=op.f("receipt_pkey")),
    )
    op.create_table(
        "undo_receipt",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("answer", JSON, nullable=True),
        sa.Column("undone_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "chunk_no", name=op.f("undo_receipt_pkey")),
    )
    op.create_table(
        "imported_user",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "chunk_no", "user_id", name=op.f("imported_user_pkey")),
    )


def downgrade() -> None:
    for table in ("imported_user", "undo_receipt", "receipt", "job_fence"):
        op.drop_table(table)
