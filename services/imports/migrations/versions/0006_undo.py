"""Taking an import back: who wants it, how far it is, what stays."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTS = ("removed", "restored", "kept", "gone")


def upgrade() -> None:
    op.add_column("job", sa.Column("undo_by", sa.Uuid(), nullable=True))
    op.add_column("job", sa.Column("undo_by_name", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("undo_ip", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("undo_requested_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("job", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("job", sa.Column("undo_failure", sa.Text(), nullable=True))
    op.add_column("chunk", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    for table in ("job", "chunk"):
        for name in COUNTS:
            op.add_column(table, sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "kept",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("kept_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("kept_pkey")),
    )
    op.create_index("kept_job_id_id_ix", "kept", ["job_id", "id"], unique=False)
    _open_jobs("state IN ('queued', 'running', 'checking', 'undoing')")


def downgrade() -> None:
    _open_jobs("state IN ('queued', 'running', 'checking')")
    op.drop_table("kept")
    for table in ("chunk", "job"):
        for name in COUNTS:
            op.drop_column(table, name)
    for name in ("undone_at", "undo_failure", "undo_requested_at", "undo_ip", "undo_by_name", "undo_by"):
        op.drop_column("job", name)
    op.drop_column("chunk", "undone_at")


def _open_jobs(condition: str) -> None:
    op.drop_index("job_open_ix", table_name="job")
    op.create_index("job_open_ix", "job", ["queue", "served_at"], unique=False, postgresql_where=sa.text(condition))
