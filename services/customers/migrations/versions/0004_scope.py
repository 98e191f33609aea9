"""Row-level security for people who see only the accounts of their associate; the owner of the tables is not under it."""

from alembic import op

from shared.databases import SCOPED
from shared.scope import CURRENT_ASSOCIATE

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = SCOPED["customers"]
# A row of account_associate is visible for its associate alone, so this asks for a link of the associate of now.
IS_LINKED = "EXISTS (SELECT FROM account_associate AS link WHERE link.account_id = {})"
POLICIES = {
    "account": IS_LINKED.format("account.id"),
    "contact": IS_LINKED.format("contact.account_id"),
    "change": IS_LINKED.format("change.account_id"),
    "account_associate": f"associate_id = {CURRENT_ASSOCIATE}",
    "associate_name": f"associate_id = {CURRENT_ASSOCIATE}",
}
# Who may edit, may edit these accounts and their contacts. Whatever is not named here is refused.
GRANTS = {
    "account": "SELECT, UPDATE",
    "contact": "SELECT, INSERT, UPDATE, DELETE",
    "change": "SELECT, INSERT",
    "account_associate": "SELECT",
    "associate_name": "SELECT",
    "outbox": "INSERT",
    "idempotency_key": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    for table, rights in GRANTS.items():
        op.execute(f"GRANT {rights} ON {table} TO {ROLE}")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_associate ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")


def downgrade() -> None:
    for table in POLICIES:
        op.execute(f"DROP POLICY of_associate ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in GRANTS:
        op.execute(f"REVOKE ALL ON {table} FROM {ROLE}")
