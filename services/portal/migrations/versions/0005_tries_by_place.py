"""Failed sign-ins are counted by name and address, and by the name alone. What was counted by the name stays so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sign_in_tries", sa.Column("place", sa.Text(collation="C"), server_default="", nullable=False))
    op.alter_column("sign_in_tries", "place", server_default=None)
    op.drop_constraint(op.f("sign_in_tries_pkey"), "sign_in_tries")
    op.create_primary_key(op.f("sign_in_tries_pkey"), "sign_in_tries", ["username_digest", "place"])


def downgrade() -> None:
    op.execute("DELETE FROM sign_in_tries WHERE place <> ''")
    op.drop_constraint(op.f("sign_in_tries_pkey"), "sign_in_tries")
    op.drop_column("sign_in_tries", "place")
    op.create_primary_key(op.f("sign_in_tries_pkey"), "sign_in_tries", ["username_digest"])
