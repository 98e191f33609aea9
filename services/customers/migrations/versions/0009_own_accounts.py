"""The accounts of the associate of this transaction, where live search may use its index of texts.

Row-level security holds a condition that is no `leakproof` one, as LIKE, back until after its own, so no such index
serves it. A view of the owner of the tables carries the condition itself, and PostgreSQL plans both together. It has
what search looks at and nothing else; what people see of an account is read from the table, under its policy.
"""

from alembic import op

from shared.databases import SCOPED
from shared.scope import CURRENT_ASSOCIATE

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# No EXISTS: see LINKED in domain/search_sql.py.
VIEW = f"""
CREATE VIEW own_account AS
SELECT id, code_key, kind, is_customer, is_vendor, tags, status, search FROM account
WHERE (
    SELECT true FROM account_associate AS link
    WHERE link.account_id = account.id AND link.associate_id = (SELECT {CURRENT_ASSOCIATE}) LIMIT 1
)
"""


def upgrade() -> None:
    op.execute(VIEW)
    op.execute(f"GRANT SELECT ON own_account TO {SCOPED['customers']}")


def downgrade() -> None:
    op.execute("DROP VIEW own_account")
