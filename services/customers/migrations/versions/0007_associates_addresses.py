"""The e-mail addresses of associates, as associates tells them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("associate_name", sa.Column("email", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("associate_name", "email")
