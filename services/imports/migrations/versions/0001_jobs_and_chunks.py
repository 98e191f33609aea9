"""Jobs, chunks, refusals and saved mappings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
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
        "job",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="uploaded", nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_path", sa.Text(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(), nullable=False),
        sa.Column("upload_key", sa.Text(), nullable=True),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("bom", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("delimiter", sa.Text(), nullable=False),
        sa.Column("has_header", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("header", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sample", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("mode", sa.Text(), server_default="both", nullable=False),
        sa.Column("match", sa.Text(), server_default="code", nullable=False),
        sa.Column("blank", sa.Text(), server_default="keep", nullable=False),
        sa.Column("queue", sa.Text(), server_default="short", nullable=False),
        sa.Column("chunk_rows", sa.Integer(), server_default="5000", nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("read_rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("read_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("read_failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waiting", sa.Text(), nullable=True),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_file", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("blank IN ('keep', 'clear')", name=op.f("job_blank_check")),
        sa.CheckConstraint("match IN ('code', 'email')", name=op.f("job_match_check")),
        sa.CheckConstraint("mode IN ('create', 'update', 'both')", name=op.f("job_mode_check")),
        sa.CheckConstraint("queue IN ('short', 'long')", name=op.f("job_queue_check")),
        sa.CheckConstraint(
            "state IN ('uploaded', 'mapped', 'checking', 'ready', 'queued', 'running', 'completed', 'completed_with_errors', 'cancelled', 'failed', 'undoing', 'undone', 'partly_undone')",
            name=op.f("job_state_check"),
        ),
        sa.CheckConstraint(
            "finished_at IS NULL OR rows IS NULL OR created + updated + unchanged + skipped + failed = rows",
            name=op.f("job_counts_add_up_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("job_pkey")),
        sa.UniqueConstraint("created_by", "upload_key", name=op.f("job_created_by_upload_key_key")),
    )
    op.create_index("job_created_by_id_ix", "job", ["created_by", "id"], unique=False)
    op.create_index(
        "job_open_ix",
        "job",
        ["queue", "served_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
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
        "saved_mapping",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("header_hash", sa.LargeBinary(), nullable=False),
        sa.Column("header", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("saved_mapping_pkey")),
        sa.UniqueConstraint("kind", "name", name=op.f("saved_mapping_kind_name_key")),
    )
    op.create_index("saved_mapping_kind_header_hash_ix", "saved_mapping", ["kind", "header_hash"], unique=False)
    op.create_table(
        "chunk",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_no", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), server_default="due", nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'leased', 'done', 'failed', 'void', 'cancelled')", name=op.f("chunk_state_check")
        ),
        sa.CheckConstraint(
            "state NOT IN ('done', 'failed', 'cancelled') OR created + updated + unchanged + skipped + failed = rows",
            name=op.f("chunk_counts_add_up_check"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("chunk_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "no", name=op.f("chunk_pkey")),
    )
    op.create_index(
        "chunk_lease_ix", "chunk", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'leased'")
    )
    op.create_index(
        "chunk_open_ix", "chunk", ["job_id", "no"], unique=False, postgresql_where=sa.text("state IN ('due', 'leased')")
    )
    op.create_table(
        "refusal",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("refusal_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "row", name=op.f("refusal_pkey")),
    )


def downgrade() -> None:
    op.drop_table("refusal")
    op.drop_index("chunk_open_ix", table_name="chunk", postgresql_where=sa.text("state IN ('due', 'leased')"))
    op.drop_index("chunk_lease_ix", table_name="chunk", postgresql_where=sa.text("state = 'leased'"))
    op.drop_table("chunk")
    op.drop_index("saved_mapping_kind_header_hash_ix", table_name="saved_mapping")
    op.drop_table("saved_mapping")
    op.drop_index("outbox_unplaced_ix", table_name="outbox", postgresql_where=sa.text("pos IS NULL"))
    op.drop_table("outbox")
    op.drop_index("job_open_ix", table_name="job", postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.drop_index("job_created_by_id_ix", table_name="job")
    op.drop_table("job")
    op.drop_index(op.f("idempotency_key_created_at_ix"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
