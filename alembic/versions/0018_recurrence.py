"""Add the recurrence of tasks."""

from typing import Any

import sqlalchemy as sa

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS: dict[str, Any] = {
    "recurrence": sa.String(255),
    "recurrence_from": sa.String(10),
    "recurrence_time": sa.Time(),
    "occurrence_of": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
}
CHECK = "CONSTRAINT ck_tasks_recurrence_due CHECK (recurrence IS NULL OR due_at IS NOT NULL)"
SIZE = 5  # bytes of "due" as JSON


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    for table in ("tasks", "trash"):
        for name, kind in COLUMNS.items():
            if is_sqlite() and (table, name) == ("tasks", "recurrence"):
                # SQLite adds a constraint only with its column.
                op.execute(f"ALTER TABLE tasks ADD COLUMN recurrence VARCHAR(255) {CHECK}")
            else:
                op.add_column(table, sa.Column(name, kind))
    if not is_sqlite():
        op.execute(f"ALTER TABLE tasks ADD {CHECK}")
    is_occurrence = sa.text("occurrence_of IS NOT NULL")
    for table in ("tasks", "trash"):
        op.create_index(
            f"ix_{table}_occurrence",
            table,
            ["account_id", "occurrence_of", "id"],
            sqlite_where=is_occurrence,
            postgresql_where=is_occurrence,
        )
    add_to_sizes(str(SIZE))


def downgrade() -> None:
    for table in ("tasks", "trash"):
        op.drop_index(f"ix_{table}_occurrence", table)
    lengths = "coalesce(length(recurrence) + 2, 0) + coalesce(length(recurrence_from) + 2, 5)"
    add_to_sizes(f"-({lengths})")
    if not is_sqlite():
        op.execute("ALTER TABLE tasks DROP CONSTRAINT ck_tasks_recurrence_due")
    for table in ("tasks", "trash"):
        for name in reversed(COLUMNS):
            op.drop_column(table, name)


def add_to_sizes(length: str) -> None:
    """Add the bytes to the size of each task, and to the sum of its account."""
    for table in ("tasks", "trash"):
        op.execute(
            f"UPDATE accounts SET task_bytes = task_bytes + (SELECT coalesce(sum({length}), 0)"
            f" FROM {table} WHERE account_id = accounts.id)"
        )
        if is_sqlite():
            op.execute(f"UPDATE {table} SET size = size + {length}")
        else:
            # Rewriting the table takes a fraction of the time of an UPDATE.
            op.execute(f"ALTER TABLE {table} ALTER COLUMN size TYPE INTEGER USING size + {length}")
