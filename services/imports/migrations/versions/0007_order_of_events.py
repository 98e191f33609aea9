"""The order in which events were recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False))


def downgrade() -> None:
    op.drop_column("outbox", "seq")
