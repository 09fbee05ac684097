"""Add time zones to accounts."""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now, all times were read in UTC.
    op.add_column(
        "accounts", sa.Column("timezone", sa.String(64), server_default="UTC", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("accounts", "timezone")
