"""Close a deleted account at once, so that its rows can be erased in batches."""

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("closed_date", sa.DateTime(timezone=True)))


def downgrade() -> None:
    # Without this column, a closed account would be open again.
    op.execute("DELETE FROM accounts WHERE closed_date IS NOT NULL")
    op.drop_column("accounts", "closed_date")
