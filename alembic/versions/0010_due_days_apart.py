"""Keep days and times apart in the indexes by due date, to sort a day by its start."""

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = {"ix_tasks_due": None, "ix_tasks_open_due": "completion_date IS NULL"}


def index_by(*columns: str) -> None:
    for index, where in INDEXES.items():
        op.drop_index(index, "tasks")
        condition = where and sa.text(where)
        op.create_index(
            index,
            "tasks",
            ["account_id", *columns, "id"],
            sqlite_where=condition,
            postgresql_where=condition,
        )


def upgrade() -> None:
    index_by("due_all_day", "due_at")


def downgrade() -> None:
    index_by("due_at")
