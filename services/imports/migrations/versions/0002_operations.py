"""What operators want to know: leases that ran out, and the request that started a job."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chunk", sa.Column("expired_leases", sa.Integer(), server_default="0", nullable=False))
    op.add_column("job", sa.Column("request_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "request_id")
    op.drop_column("chunk", "expired_leases")
