"""The contacts of an account beside the primary one, of which exports show the first; most accounts have none."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("contact_others_ix", "contact", ["account_id"], postgresql_where=sa.text("NOT is_primary"))


def downgrade() -> None:
    op.drop_index("contact_others_ix", table_name="contact")
