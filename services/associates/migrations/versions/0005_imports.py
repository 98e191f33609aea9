"""Associates are found by e-mail, too, when a file names them."""

import sqlalchemy as sa
from alembic import op

from shared.keys import email_key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("associate", sa.Column("email_key", sa.Text(collation="C"), nullable=True))
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, email FROM associate WHERE email IS NOT NULL")).all()
    for start in range(0, len(rows), AT_ONCE):
        keys = [{"one": row.id, "key": email_key(row.email)} for row in rows[start : start + AT_ONCE]]
        connection.execute(sa.text("UPDATE associate SET email_key = :key WHERE id = :one"), keys)
    has_one = sa.text("email_key IS NOT NULL")
    op.create_index("associate_email_key_ix", "associate", ["email_key"], postgresql_where=has_one)


def downgrade() -> None:
    op.drop_index("associate_email_key_ix", table_name="associate")
    op.drop_column("associate", "email_key")
