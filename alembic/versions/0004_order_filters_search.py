"""Tasks in every order and by every filter from an index, and searched by words."""

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

# The words as FTS5 has them: each begins with its account, in as many digits for all, so that
# the beginning of a word, up to twelve letters, is one of the lengths in `prefix`: a longer one
# costs the rows of all words that begin so. Nothing but the words' rows is kept.
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


def made_anew() -> AbstractContextManager[Any]:
    """Alter tasks; SQLite needs the table made anew."""
    return op.batch_alter_table("tasks", table_kwargs={"sqlite_autoincrement": True})


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("tasks", sa.Column(name, kind, nullable=True))
    fold_tasks()
    with made_anew() as tasks:
        for name, kind in COLUMNS.items():
            tasks.alter_column(name, existing_type=kind, nullable=False)
        tasks.create_check_constraint(
            op.f("ck_tasks_name_folded_length"), "length(name_folded) <= 255"
        )
    for index, column, where in INDEXES:
        columns = [name for name in ("account_id", column, "id") if name]
        condition = where and sa.text(where)
        op.create_index(index, "tasks", columns, sqlite_where=condition, postgresql_where=condition)
    # Without statistics of the words PostgreSQL would misjudge every search for hours.
    for statement in SQLITE if is_sqlite() else (POSTGRESQL, "ANALYZE tasks"):
        op.execute(statement)


def fold_tasks() -> None:
    """Fold all tasks, by the code of the day on which it runs: what comes later is folded alike."""
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
    with made_anew() as tasks:
        tasks.drop_constraint(op.f("ck_tasks_name_folded_length"), type_="check")
        for name in COLUMNS:
            tasks.drop_column(name)
