"""Mails to customers, and whom they are for."""

import sqlalchemy as sa
from alembic import op

from shared.databases import SCOPED
from shared.scope import CURRENT_ASSOCIATE

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROLE = SCOPED["customers"]
# An associate's user does not see which other associates got a copy. What may be seen of `message` is asked with its
# own policy here, too.
POLICIES = {
    "message": "EXISTS (SELECT FROM account_associate AS link WHERE link.account_id = message.account_id)",
    "message_recipient": (
        "EXISTS (SELECT FROM message WHERE message.id = message_recipient.message_id)"
        f" AND (kind <> 'associate' OR record_id = {CURRENT_ASSOCIATE})"
    ),
}


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("due_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'partly_sent', 'failed', 'kept')", name=op.f("message_state_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("message_pkey")),
    )
    op.create_index("message_due_ix", "message", ["due_at"], postgresql_where=sa.text("state = 'queued'"))
    op.create_index("message_account_id_id_ix", "message", ["account_id", "id"])
    op.create_index("message_created_by_id_ix", "message", ["created_by", "id"])
    op.create_index("message_unsent_ix", "message", ["id"], postgresql_where=sa.text("state <> 'sent'"))
    op.create_table(
        "message_recipient",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('account', 'contact', 'associate')", name=op.f("message_recipient_kind_check")),
        sa.CheckConstraint("state IN ('waiting', 'accepted', 'refused')", name=op.f("message_recipient_state_check")),
        sa.PrimaryKeyConstraint("message_id", "email", name=op.f("message_recipient_pkey")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("message_recipient_message_id_fkey"), ondelete="CASCADE"
        ),
    )
    for table, condition in POLICIES.items():
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {ROLE}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_associate ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")


def downgrade() -> None:
    op.drop_table("message_recipient")
    op.drop_table("message")
