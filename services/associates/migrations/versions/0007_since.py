"""It is kept who said since when a link is, so that an undo leaves what a person has mended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link", sa.Column("since_by_name", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("link", "since_by_name")
