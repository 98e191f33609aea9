"""Associates who may sign in, and row-level security for them; the owner of the tables is not under it."""

import sqlalchemy as sa
from alembic import op

from shared.databases import SCOPED
from shared.scope import CURRENT_ASSOCIATE

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = SCOPED["associates"]
# Whatever is not named here is refused, the history among it.
POLICIES = {
    "associate": f"id = {CURRENT_ASSOCIATE}",
    "link": f"associate_id = {CURRENT_ASSOCIATE} AND ended_at IS NULL",
}


def upgrade() -> None:
    op.add_column("associate", sa.Column("can_login", sa.Boolean(), server_default="false", nullable=False))
    op.execute(f"GRANT SELECT ON change TO {ROLE}")
    op.execute("ALTER TABLE change ENABLE ROW LEVEL SECURITY")
    for table, condition in POLICIES.items():
        op.execute(f"GRANT SELECT ON {table} TO {ROLE}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_associate ON {table} FOR SELECT TO {ROLE} USING ({condition})")


def downgrade() -> None:
    for table in POLICIES:
        op.execute(f"DROP POLICY of_associate ON {table}")
    for table in (*POLICIES, "change"):
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {ROLE}")
    op.drop_column("associate", "can_login")
