"""Which job the corrected rows of another are."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("retry_of", sa.Uuid(), nullable=True))
    op.create_index(op.f("job_retry_of_ix"), "job", ["retry_of"])


def downgrade() -> None:
    op.drop_index(op.f("job_retry_of_ix"), table_name="job")
    op.drop_column("job", "retry_of")
