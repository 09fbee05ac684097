"""Close a deleted account at once, so that its rows can be erased in batches."""

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


OWNED = ("tokens", "tasks", "trash", "changes", "idempotency_keys")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("closed_date", sa.DateTime(timezone=True)))


def downgrade() -> None:
    # Without this column, a closed account would be open again.
    closed = "(SELECT id FROM accounts WHERE closed_date IS NOT NULL)"
    for table in OWNED:  # on SQLite, nothing cascades during a migration
        op.execute(f"DELETE FROM {table} WHERE account_id IN {closed}")
    op.execute(f"DELETE FROM accounts WHERE id IN {closed}")
    op.drop_column("accounts", "closed_date")
