"""Index every order and filter of tasks, and add search."""

from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from alembic import op

from todo.words import fold, indexed_words

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = {
    "name_folded": sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
    "name_words": sa.Text(),
    "note_words": sa.Text(),
}
INDEXES = (
    ("ix_tasks_name", "name_folded", None),
    ("ix_tasks_creation", "creation_date", None),
    ("ix_tasks_modification", "modification_date", None),
    ("ix_tasks_completion", "completion_date", None),
    ("ix_tasks_completed", None, "completion_date IS NOT NULL"),
    ("ix_tasks_due", "due_at", None),
    ("ix_tasks_open_due", "due_at", "completion_date IS NULL"),
)
ROWS_AT_ONCE = 1000

# In FTS5, each word starts with its account's id in 16 hexadecimal digits. FTS5 also indexes the
# first 1 to 12 letters of each word, by the option `prefix`. A search for a longer prefix reads the
# rows of every word that starts with it. FTS5 stores only which rows contain a word.
PREFIXES = " ".join(str(16 + letters) for letters in range(1, 13))
WORDS = (
    "replace({row}.name_words || {row}.note_words, ' ', ' ' || printf('%016x', {row}.account_id))"
)
REMOVE = f"""
    INSERT INTO task_words (task_words, rowid, words)
    VALUES ('delete', old.id, {WORDS.format(row="old")})
"""
INSERT = f"INSERT INTO task_words (rowid, words) VALUES (new.id, {WORDS.format(row='new')})"
SQLITE = (
    f"""
    CREATE VIRTUAL TABLE task_words USING fts5(
        words, content = '', tokenize = 'ascii', prefix = '{PREFIXES}',
        detail = none, columnsize = 0
    )
    """,
    f"INSERT INTO task_words (rowid, words) SELECT id, {WORDS.format(row='tasks')} FROM tasks",
    f"CREATE TRIGGER tasks_insert_words AFTER INSERT ON tasks BEGIN {INSERT}; END",
    f"CREATE TRIGGER tasks_delete_words AFTER DELETE ON tasks BEGIN {REMOVE}; END",
    f"""
    CREATE TRIGGER tasks_update_words AFTER UPDATE OF name_words, note_words ON tasks
    WHEN old.name_words <> new.name_words OR old.note_words <> new.note_words
    BEGIN {REMOVE}; {INSERT}; END
    """,
)
POSTGRESQL = """
    CREATE INDEX ix_tasks_words ON tasks USING gin (
        array_to_tsvector(string_to_array(substr(replace(name_words || note_words, ' ',
            ' ' || lpad(to_hex(account_id), 16, '0')), 2), ' '))
    ) WITH (fastupdate = off)
"""


def alter_tasks() -> AbstractContextManager[Any]:
    """Alter tasks in a batch, because SQLite must recreate the table."""
    return op.batch_alter_table("tasks", table_kwargs={"sqlite_autoincrement": True})


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("tasks", sa.Column(name, kind, nullable=True))
    fold_tasks()
    with alter_tasks() as tasks:
        for name, kind in COLUMNS.items():
            tasks.alter_column(name, existing_type=kind, nullable=False)
        tasks.create_check_constraint(
            op.f("ck_tasks_name_folded_length"), "length(name_folded) <= 255"
        )
    for index, column, where in INDEXES:
        columns = [name for name in ("account_id", column, "id") if name]
        condition = where and sa.text(where)
        op.create_index(index, "tasks", columns, sqlite_where=condition, postgresql_where=condition)
    # Without statistics for the index of words, PostgreSQL would misestimate searches for hours.
    for statement in SQLITE if is_sqlite() else (POSTGRESQL, "ANALYZE tasks"):
        op.execute(statement)


def fold_tasks() -> None:
    """Fold all tasks with the current code, which also folds the tasks created afterwards."""
    tasks = sa.table("tasks", *(sa.column(name) for name in ("id", "name", "note", *COLUMNS)))
    change = (
        tasks.update()
        .where(tasks.c.id == sa.bindparam("task_id"))
        .values({name: sa.bindparam(name) for name in COLUMNS})
    )
    query = sa.select(tasks.c.id, tasks.c.name, tasks.c.note).order_by(tasks.c.id)
    last = 0
    while rows := op.get_bind().execute(query.where(tasks.c.id > last).limit(ROWS_AT_ONCE)).all():
        op.get_bind().execute(
            change,
            [
                {
                    "task_id": row.id,
                    "name_folded": fold(row.name)[:255],
                    "name_words": indexed_words(row.name),
                    "note_words": indexed_words(row.note),
                }
                for row in rows
            ],
        )
        last = rows[-1].id


def downgrade() -> None:
    if is_sqlite():
        for trigger in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER tasks_{trigger}_words")
        op.execute("DROP TABLE task_words")
    else:
        op.drop_index("ix_tasks_words", "tasks")
    for index, _, _ in INDEXES:
        op.drop_index(index, "tasks")
    with alter_tasks() as tasks:
        tasks.drop_constraint(op.f("ck_tasks_name_folded_length"), type_="check")
        for name in COLUMNS:
            tasks.drop_column(name)
