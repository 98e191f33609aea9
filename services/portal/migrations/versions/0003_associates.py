"""Users who are tied to an associate, and what portal keeps of those associates."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tied_associate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("can_login", sa.Boolean(), nullable=False),
        sa.Column("is_gone", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("tied_associate_pkey")),
    )
    op.add_column("portal_user", sa.Column("associate_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("portal_user_associate_id_ix"), "portal_user", ["associate_id"])
    op.create_foreign_key(
        op.f("portal_user_associate_id_fkey"), "portal_user", "tied_associate", ["associate_id"], ["id"]
    )
    # Until now the kind alone opened nothing; who has it is tied to somebody by an administrator.
    op.execute(
        "UPDATE portal_user SET kind = 'customer', active = false, version = version + 1 WHERE kind = 'associate'"
    )
    op.create_check_constraint(
        op.f("portal_user_tied_check"), "portal_user", "(kind = 'associate') = (associate_id IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("portal_user_tied_check"), "portal_user")
    op.drop_column("portal_user", "associate_id")
    op.drop_table("tied_associate")
