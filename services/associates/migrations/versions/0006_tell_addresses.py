"""Tell the e-mail addresses of associates once more: customers keeps them from now on, for copies of mails."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        INSERT INTO outbox (event_id, name, payload)
        SELECT uuidv7(), 'associates.associate_saved.v1', jsonb_build_object(
            'associate_id', id::text, 'code', code, 'associate_name', name, 'active', status = 'active',
            'can_login', can_login, 'email', email)
        FROM associate WHERE email IS NOT NULL
    """)


def downgrade() -> None:
    """What was told stays told."""
