"""What it takes to take back the chunks of an import: which chunk changed what, and receipts of its undo."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "undo_receipt",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "chunk_no", name=op.f("undo_receipt_pkey")),
    )
    op.add_column("change", sa.Column("chunk_no", sa.Integer(), nullable=True))
    # A chunk and its receipt were written in one transaction, so they have the same moment.
    op.execute(
        "UPDATE change SET chunk_no = receipt.chunk_no FROM receipt"
        " WHERE change.job_id = receipt.job_id AND change.at = receipt.applied_at"
    )
    op.create_index(
        "change_job_id_chunk_no_ix",
        "change",
        ["job_id", "chunk_no"],
        unique=False,
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.drop_index("change_job_id_ix", table_name="change", postgresql_where=sa.text("job_id IS NOT NULL"))


def downgrade() -> None:
    op.create_index(
        "change_job_id_ix", "change", ["job_id"], unique=False, postgresql_where=sa.text("job_id IS NOT NULL")
    )
    op.drop_index("change_job_id_chunk_no_ix", table_name="change", postgresql_where=sa.text("job_id IS NOT NULL"))
    op.drop_column("change", "chunk_no")
    op.drop_table("undo_receipt")
