"""What becomes of rows whose key came before; keys by any name."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("repeated", sa.Text(), server_default="refuse", nullable=False))
    op.create_check_constraint(op.f("job_repeated_check"), "job", "repeated IN ('refuse', 'fold')")
    op.drop_constraint(op.f("job_match_check"), "job", type_="check")


def downgrade() -> None:
    op.create_check_constraint(op.f("job_match_check"), "job", "match IN ('code', 'email')")
    op.drop_constraint(op.f("job_repeated_check"), "job", type_="check")
    op.drop_column("job", "repeated")
