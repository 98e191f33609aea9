"""What becomes of the associates that the rows of customers name."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("associates", sa.Text(), server_default="add", nullable=False))
    op.add_column("job", sa.Column("create_associates", sa.Boolean(), server_default="false", nullable=False))
    op.create_check_constraint(op.f("job_associates_check"), "job", "associates IN ('add', 'replace')")


def downgrade() -> None:
    op.drop_constraint(op.f("job_associates_check"), "job", type_="check")
    op.drop_column("job", "create_associates")
    op.drop_column("job", "associates")
