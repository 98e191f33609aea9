"""What becomes of a row of an export that would overwrite what others changed since."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("newer", sa.Text(), server_default="refuse", nullable=False))
    op.create_check_constraint(op.f("job_newer_check"), "job", "newer IN ('refuse', 'overwrite')")


def downgrade() -> None:
    op.drop_constraint(op.f("job_newer_check"), "job", type_="check")
    op.drop_column("job", "newer")
