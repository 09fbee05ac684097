"""Add reminders of tasks, and those that have fired."""

import sqlalchemy as sa

from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table in ("tasks", "trash"):
        op.add_column(table, sa.Column("reminders", sa.Text()))
    op.add_column("tasks", sa.Column("remind_at", TIME))
    _create_index("ix_tasks_remind", "tasks", ["remind_at", "id"], "remind_at IS NOT NULL")
    op.create_table(
        "reminders",
        sa.Column("id", BIG_INT, nullable=False),
        sa.Column("account_id", BIG_INT, nullable=False),
        sa.Column("revision", BIG_INT, nullable=False),
        sa.Column("task_id", BIG_INT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("due_at", TIME),
        sa.Column("due_all_day", sa.Boolean(), nullable=False),
        sa.Column("fired_date", TIME, nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("snoozed_until", TIME),
        sa.Column("dismissed_date", TIME),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("creation_date", TIME, nullable=False),
        sa.Column("modification_date", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_reminders_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reminders_at", "reminders", ["account_id", "task_id", "at"], unique=True)
    op.create_index("ix_reminders_account_id_id", "reminders", ["account_id", "id"])
    op.create_index("ix_reminders_fired", "reminders", ["fired_date"])
    _create_index(
        "ix_reminders_unseen", "reminders", ["account_id", "id"], "dismissed_date IS NULL"
    )
    _create_index(
        "ix_reminders_snoozed", "reminders", ["snoozed_until", "id"], "snoozed_until IS NOT NULL"
    )


def _create_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.execute(
        "UPDATE accounts SET task_bytes = task_bytes"
        " - coalesce((SELECT sum(size) FROM reminders WHERE account_id = accounts.id), 0)"
    )
    op.drop_table("reminders")
    # The earlier code knows no reminders, and a later upgrade gives their ids to others.
    op.execute(
        "UPDATE accounts SET journal_bytes = journal_bytes - coalesce((SELECT sum(size)"
        " FROM changes WHERE account_id = accounts.id AND kind = 'reminder'), 0)"
    )
    op.execute("DELETE FROM changes WHERE kind = 'reminder'")
    op.drop_index("ix_tasks_remind", "tasks")
    op.drop_column("tasks", "remind_at")
    for table in ("tasks", "trash"):
        length = "coalesce(length(reminders), 0)"  # ASCII
        op.execute(
            f"UPDATE accounts SET task_bytes = task_bytes - (SELECT coalesce(sum({length}), 0)"
            f" FROM {table} WHERE account_id = accounts.id)"
        )
        op.execute(f"UPDATE {table} SET size = size - {length} WHERE reminders IS NOT NULL")
        op.drop_column(table, "reminders")
