"""Associates, who looks after which account, their history, and what feeds and idempotency need.

The setting goes: portal holds the switch of partner management, and its identity tells it to everybody.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.drop_table("setting")
    op.execute(sa.schema.CreateSequence(sa.Sequence("code_sequence", start=10001)))
    op.create_table(
        "associate",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="employee", nullable=False),
        sa.Column("is_firm", sa.Boolean(), server_default="false", nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("email", "phone", "phone2", "street", "city")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("region", "postal_code", "country")),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("status_at", MOMENT, nullable=True),
        sa.Column("status_by", sa.Uuid(), nullable=True),
        sa.Column("status_by_name", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("search", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('dealer', 'partner', 'employee', 'other')", name=op.f("associate_kind_check")),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("associate_status_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("associate_pkey")),
        sa.UniqueConstraint("code_key", name=op.f("associate_code_key_key")),
    )
    op.create_index(
        "associate_search_ix",
        "associate",
        ["search"],
        postgresql_using="gin",
        postgresql_ops={"search": "gin_trgm_ops"},
    )
    op.create_table(
        "link",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("associate_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("begun_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=False),
        sa.Column("begun_by_name", sa.Text(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_by_name", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("link_pkey")),
    )
    is_open, is_over = sa.text("ended_at IS NULL"), sa.text("ended_at IS NOT NULL")
    names = ["account_id", "associate_id", "role"]
    op.create_index("link_open_ix", "link", names, unique=True, postgresql_where=is_open)
    op.create_index("link_associate_ix", "link", ["associate_id", "role", "account_id"], postgresql_where=is_open)
    op.create_index("link_account_ix", "link", ["account_id"], postgresql_where=is_over)
    op.create_index("link_ended_ix", "link", ["associate_id"], postgresql_where=is_over)
    primary = sa.text("is_primary AND ended_at IS NULL")
    op.create_index("link_one_primary_ix", "link", ["account_id"], unique=True, postgresql_where=primary)
    op.create_table(
        "gone_account",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("gone_account_pkey")),
    )
    op.create_table(
        "change",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("associate_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("fields", JSON, server_default="{}", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("change_pkey")),
    )
    op.create_index("change_associate_id_id_ix", "change", ["associate_id", "id"])
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("outbox_pkey")),
        sa.UniqueConstraint("pos", name=op.f("outbox_pos_key")),
    )
    op.create_index("outbox_unplaced_ix", "outbox", ["event_id"], postgresql_where=sa.text("pos IS NULL"))
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("applied_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("inbox_pkey")),
    )
    op.create_table(
        "feed_cursor",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("pos", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("feed_cursor_pkey")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", JSON, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("idempotency_key_pkey")),
    )
    op.create_index(op.f("idempotency_key_created_at_ix"), "idempotency_key", ["created_at"])


def downgrade() -> None:
    for table in ("idempotency_key", "feed_cursor", "inbox", "outbox", "change", "gone_account", "link", "associate"):
        op.drop_table(table)
    op.execute(sa.schema.DropSequence(sa.Sequence("code_sequence")))
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("setting_pkey")),
    )
