"""What a check of a file tells before its import."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("reading", sa.Integer(), server_default="0", nullable=False))
    op.add_column("job", sa.Column("promise", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("chunk", sa.Column("forecast", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("refusal", sa.Column("foretold", sa.Boolean(), server_default="false", nullable=False))
    _open_jobs("state IN ('queued', 'running', 'checking')")


def downgrade() -> None:
    _open_jobs("state IN ('queued', 'running')")
    op.drop_column("refusal", "foretold")
    op.drop_column("chunk", "forecast")
    op.drop_column("job", "promise")
    op.drop_column("job", "reading")


def _open_jobs(condition: str) -> None:
    op.drop_index("job_open_ix", table_name="job")
    op.create_index("job_open_ix", "job", ["queue", "served_at"], unique=False, postgresql_where=sa.text(condition))
