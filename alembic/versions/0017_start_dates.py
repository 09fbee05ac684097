"""Add start dates and time zones of tasks."""

from typing import Any

import sqlalchemy as sa

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COLUMNS: dict[str, Any] = {
    "start_at": sa.DateTime(timezone=True),
    "start_local": sa.DateTime(),
    "due_local": sa.DateTime(),
    "timezone": sa.String(64),
    "start_all_day": sa.Boolean(),
}


def upgrade() -> None:
    for table in ("tasks", "trash"):
        for name, kind in COLUMNS.items():
            op.add_column(table, sa.Column(name, kind))
    has_start = sa.text("start_at IS NOT NULL")
    op.create_index(
        "ix_tasks_start",
        "tasks",
        ["account_id", "start_at", "id"],
        sqlite_where=has_start,
        postgresql_where=has_start,
    )


def downgrade() -> None:
    op.drop_index("ix_tasks_start", "tasks")
    for table in ("tasks", "trash"):
        length = "coalesce(length(timezone) + 2, 0)"
        op.execute(
            f"UPDATE accounts SET task_bytes = task_bytes - (SELECT coalesce(sum({length}), 0)"
            f" FROM {table} WHERE account_id = accounts.id)"
        )
        op.execute(f"UPDATE {table} SET size = size - {length} WHERE timezone IS NOT NULL")
        for name in reversed(COLUMNS):
            op.drop_column(table, name)
