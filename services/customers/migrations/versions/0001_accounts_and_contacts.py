"""Accounts, contacts, their history, and what feeds, jobs and idempotency need."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.customers.migrations import search_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("code_sequence", start=10001)))
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), server_default="company", nullable=False),
        sa.Column("is_customer", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("is_vendor", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_key", sa.Text(collation="C"), nullable=True),
        sa.Column("phone2", sa.Text(), nullable=True),
        sa.Column("phone2_key", sa.Text(collation="C"), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.Text(), nullable=True),
        sa.Column("street", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_by", sa.Uuid(), nullable=True),
        sa.Column("status_by_name", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("search", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_job", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('company', 'person')", name=op.f("account_kind_check")),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("account_status_check")),
        sa.CheckConstraint("is_customer OR is_vendor", name=op.f("account_role_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("account_pkey")),
        sa.UniqueConstraint("code_key", name=op.f("account_code_key_key")),
        postgresql_with={"fillfactor": 85},
    )
    op.create_table(
        "change",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("change_pkey")),
    )
    op.create_index(op.f("account_email_key_ix"), "account", ["email_key"], unique=False)
    op.create_index("change_account_id_id_ix", "change", ["account_id", "id"], unique=False)
    op.create_index(
        "change_job_id_ix", "change", ["job_id"], unique=False, postgresql_where=sa.text("job_id IS NOT NULL")
    )
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("idempotency_key_pkey")),
    )
    op.create_index(op.f("idempotency_key_created_at_ix"), "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "job_fence",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("job_fence_pkey")),
    )
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("outbox_pkey")),
        sa.UniqueConstraint("pos", name=op.f("outbox_pos_key")),
    )
    op.create_index("outbox_unplaced_ix", "outbox", ["event_id"], unique=False, postgresql_where=sa.text("pos IS NULL"))
    op.create_table(
        "receipt",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_ids", sa.LargeBinary(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "chunk_no", name=op.f("receipt_pkey")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="person", nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.Column("job_title", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_key", sa.Text(collation="C"), nullable=True),
        sa.Column("phone2", sa.Text(), nullable=True),
        sa.Column("phone2_key", sa.Text(collation="C"), nullable=True),
        sa.Column("is_primary", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("contact_key", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_by", sa.Uuid(), nullable=True),
        sa.Column("status_by_name", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_job", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'firm')", name=op.f("contact_kind_check")),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("contact_status_check")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("contact_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("contact_pkey")),
        sa.UniqueConstraint("account_id", "contact_key", name=op.f("contact_account_id_contact_key_key")),
        postgresql_with={"fillfactor": 85},
    )
    op.create_index(
        "contact_one_primary_ix", "contact", ["account_id"], unique=True, postgresql_where=sa.text("is_primary")
    )
    op.create_index(op.f("contact_email_key_ix"), "contact", ["email_key"], unique=False)
    for statement in search_ddl.UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in search_ddl.DOWNGRADE:
        op.execute(statement)
    op.drop_index(op.f("contact_email_key_ix"), table_name="contact")
    op.drop_index("contact_one_primary_ix", table_name="contact", postgresql_where=sa.text("is_primary"))
    op.drop_table("contact")
    op.drop_table("receipt")
    op.drop_index("outbox_unplaced_ix", table_name="outbox", postgresql_where=sa.text("pos IS NULL"))
    op.drop_table("outbox")
    op.drop_table("job_fence")
    op.drop_index(op.f("idempotency_key_created_at_ix"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("change_job_id_ix", table_name="change", postgresql_where=sa.text("job_id IS NOT NULL"))
    op.drop_index("change_account_id_id_ix", table_name="change")
    op.drop_table("change")
    op.drop_index(op.f("account_email_key_ix"), table_name="account")
    op.drop_table("account")
    op.execute(sa.schema.DropSequence(sa.Sequence("code_sequence")))
