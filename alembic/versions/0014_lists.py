"""Add lists, and the uid, list, parent, position and priority of tasks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODE_POINTS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
COUNTERS = ("subtasks_total", "subtasks_open")
NEW = ("uid", "list_id", "parent_id", "position", "priority")

# The positions of existing tasks are in the order of their ids, before those of new ones: see
# todo/positions.py.
UIDS = {
    "postgresql": "gen_random_uuid()::text",
    "sqlite": (
        "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4'"
        " || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1)"
        " || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
    ),
}
POSITIONS = {
    "postgresql": "'0' || lpad(to_hex(id), 16, '0') || 'i'",
    "sqlite": "printf('0%016xi', id)",
}
SIZE = 36 + 2 + 18 + 2  # bytes of a uid and a position as JSON

ESCAPED = r"""replace(replace(uid, '\', '\\'), '"', '\"')"""

CHECKS = {
    "uid_length": "length(uid) BETWEEN 1 AND 255",
    "position_length": "length(position) <= 255",
    "priority_range": "priority BETWEEN 1 AND 9",
}
Index = tuple[list[str], dict[str, Any]]
INDEXES: dict[str, Index] = {
    "ix_tasks_uid": (["account_id", "uid"], {"unique": True}),
    "ix_tasks_position": (["account_id", "position", "id"], {}),
    "ix_tasks_list": (["account_id", "list_id", "position", "id"], {}),
    "ix_tasks_parent": (
        ["account_id", "parent_id", "position", "id"],
        {"where": "parent_id IS NOT NULL"},
    ),
    "ix_tasks_priority": (["account_id", "priority", "id"], {}),
    "ix_trash_uid": (["account_id", "uid"], {"unique": True}),
    "ix_trash_parent": (["account_id", "parent_id"], {"where": "parent_id IS NOT NULL"}),
}
PARTIAL_INDEXES: dict[str, Index] = {
    "ix_tasks_completed": (["account_id", "id"], {"where": "completion_date IS NOT NULL"}),
    "ix_tasks_open_due": (
        ["account_id", "due_all_day", "due_at", "id"],
        {"where": "completion_date IS NULL"},
    ),
}


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    create_lists()
    index_ids(unique=True)
    for table in ("tasks", "trash"):
        add_columns(table)
    for counter in COUNTERS:
        op.add_column("tasks", sa.Column(counter, sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        f"UPDATE accounts SET task_bytes = task_bytes + {SIZE} * ("
        "(SELECT count(*) FROM tasks WHERE tasks.account_id = accounts.id)"
        " + (SELECT count(*) FROM trash WHERE trash.account_id = accounts.id))"
    )
    with alter("trash") as trash:
        require_values(trash)
    with alter("tasks") as tasks:
        require_values(tasks)
        for name, condition in CHECKS.items():
            tasks.create_check_constraint(op.f(f"ck_tasks_{name}"), condition)
        for column, target in (("list_id", "lists"), ("parent_id", "tasks")):
            tasks.create_foreign_key(
                op.f(f"fk_tasks_account_id_{column}_{target}"),
                target,
                ["account_id", column],
                ["account_id", "id"],
                deferrable=True,
                initially="DEFERRED",
            )
    # Of two equal indexes, SQLite uses the last one, so create those for some tasks only again.
    for name in PARTIAL_INDEXES:
        op.drop_index(name, "tasks")
    create_indexes(PARTIAL_INDEXES | INDEXES)


def create_indexes(indexes: dict[str, Index]) -> None:
    for name, (columns, options) in indexes.items():
        where = options.get("where")
        op.create_index(
            name,
            name.split("_")[1],
            columns,
            unique=bool(options.get("unique")),
            sqlite_where=where and sa.text(where),
            postgresql_where=where and sa.text(where),
        )


def create_lists() -> None:
    op.create_table(
        "lists",
        sa.Column("id", BIG_INT, nullable=False),
        sa.Column("account_id", BIG_INT, nullable=False),
        sa.Column("revision", BIG_INT, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("color", sa.String(7)),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("position", CODE_POINTS, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("creation_date", TIME, nullable=False),
        sa.Column("modification_date", TIME, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name=op.f("ck_lists_name_length")),
        sa.CheckConstraint("length(note) <= 1000", name=op.f("ck_lists_note_length")),
        sa.CheckConstraint("length(color) = 7", name=op.f("ck_lists_color_length")),
        sa.CheckConstraint("length(position) <= 255", name=op.f("ck_lists_position_length")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_lists_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lists")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lists_account_id_id", "lists", ["account_id", "id"], unique=True)


def index_ids(*, unique: bool) -> None:
    """Recreate the index of ids, which a foreign key can refer to if it is unique."""
    op.drop_index("ix_tasks_account_id_id", "tasks")
    op.create_index("ix_tasks_account_id_id", "tasks", ["account_id", "id"], unique=unique)


def add_columns(table: str) -> None:
    op.add_column(table, sa.Column("uid", sa.String(255)))
    op.add_column(table, sa.Column("list_id", BIG_INT))
    op.add_column(table, sa.Column("parent_id", BIG_INT))
    op.add_column(table, sa.Column("position", CODE_POINTS))
    op.add_column(table, sa.Column("priority", sa.Integer()))
    uid, position = (values[op.get_bind().dialect.name] for values in (UIDS, POSITIONS))
    if is_sqlite():
        op.execute(f"UPDATE {table} SET uid = {uid}, position = {position}, size = size + {SIZE}")
    else:
        # Rewriting the table takes a fraction of the time of an UPDATE, which also adds each row
        # to all indexes.
        op.execute(
            f"ALTER TABLE {table}"
            f" ALTER COLUMN uid TYPE VARCHAR(255) USING {uid},"
            f' ALTER COLUMN position TYPE TEXT COLLATE "C" USING {position},'
            f" ALTER COLUMN size TYPE INTEGER USING size + {SIZE}"
        )


@contextmanager
def alter(table: str) -> Iterator[Any]:
    """Alter the table in a batch: SQLite must recreate it, which drops its triggers."""
    triggers: Sequence[str] = []
    if is_sqlite():
        master = sa.table("sqlite_master", *map(sa.column, ("type", "tbl_name", "sql")))
        triggers = (
            op.get_bind()
            .scalars(
                sa.select(master.c.sql).where(
                    master.c.type == "trigger", master.c.tbl_name == table
                )
            )
            .all()
        )
    autoincrement = {"sqlite_autoincrement": True} if table == "tasks" else {}
    with op.batch_alter_table(table, table_kwargs=autoincrement) as altered:
        yield altered
    for trigger in triggers:
        op.execute(trigger)


def require_values(altered: Any) -> None:
    altered.alter_column("uid", existing_type=sa.String(255), nullable=False)
    altered.alter_column("position", existing_type=CODE_POINTS, nullable=False)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, name.split("_")[1])
    size = f"size - length({ESCAPED}) - length(position) - 4"
    for table in ("tasks", "trash"):
        if is_sqlite():
            op.execute(f"UPDATE {table} SET size = {size}")
        else:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN size TYPE INTEGER USING {size}")
    with alter("tasks") as tasks:
        for column, target in (("list_id", "lists"), ("parent_id", "tasks")):
            tasks.drop_constraint(op.f(f"fk_tasks_account_id_{column}_{target}"), "foreignkey")
        for name in CHECKS:
            tasks.drop_constraint(op.f(f"ck_tasks_{name}"), "check")
        drop_columns(tasks)
        for counter in COUNTERS:
            tasks.drop_column(counter)
    with alter("trash") as trash:
        drop_columns(trash)
    for name in PARTIAL_INDEXES:
        op.drop_index(name, "tasks")
    index_ids(unique=False)
    create_indexes(PARTIAL_INDEXES)
    op.drop_table("lists")
    # The earlier code knows no lists, and a later upgrade gives their ids to others.
    op.execute(
        "UPDATE accounts SET journal_bytes = journal_bytes - coalesce((SELECT sum(size)"
        " FROM changes WHERE account_id = accounts.id AND kind = 'list'), 0)"
    )
    op.execute("DELETE FROM changes WHERE kind = 'list'")
    sums = [
        f"coalesce((SELECT sum(size) FROM {table} WHERE account_id = accounts.id), 0)"
        for table in ("tasks", "trash")
    ]
    op.execute(f"UPDATE accounts SET task_bytes = {' + '.join(sums)}")


def drop_columns(altered: Any) -> None:
    for name in NEW:
        altered.drop_column(name)
