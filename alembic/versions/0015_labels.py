"""Add labels of tasks, an index of the tasks of each label, and search for their words."""

import sqlalchemy as sa

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("tasks", "trash")

# Triggers keep the table of labels: each row of tasks has its labels as JSON arrays. A task without
# labels fires none of them.
CREATE_TABLE = """
    CREATE TABLE task_labels (
        account_id {big_int} NOT NULL, key TEXT {collate} NOT NULL, task_id {big_int} NOT NULL,
        name TEXT NOT NULL,
        CONSTRAINT pk_task_labels PRIMARY KEY (account_id, key, task_id)
    ) {options}
"""
SQLITE_INSERT = """
    INSERT INTO task_labels (account_id, key, task_id, name)
    SELECT new.account_id, keys.value, new.id, names.value
    FROM json_each(new.label_keys) AS keys JOIN json_each(new.labels) AS names USING (key)
"""
SQLITE_DELETE = """
    DELETE FROM task_labels
    WHERE account_id = old.account_id AND task_id = old.id
        AND key IN (SELECT value FROM json_each(old.label_keys))
"""
HAS_NEW, HAS_OLD = "new.label_keys IS NOT NULL", "old.label_keys IS NOT NULL"
SQLITE_TRIGGERS = {
    "insert": ("INSERT ON tasks", HAS_NEW, [SQLITE_INSERT]),
    "delete": ("DELETE ON tasks", HAS_OLD, [SQLITE_DELETE]),
    "update": (
        "UPDATE OF labels, label_keys ON tasks",
        f"{HAS_NEW} OR {HAS_OLD}",
        [SQLITE_DELETE, SQLITE_INSERT],
    ),
}
POSTGRESQL_FUNCTION = """
    CREATE FUNCTION index_task_labels() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            DELETE FROM task_labels
            WHERE account_id = OLD.account_id AND task_id = OLD.id
                AND key IN (SELECT json_array_elements_text(OLD.label_keys::json));
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO task_labels (account_id, key, task_id, name)
            SELECT NEW.account_id, keys.value, NEW.id, names.value
            FROM json_array_elements_text(NEW.label_keys::json) WITH ORDINALITY AS keys (value, n)
            JOIN json_array_elements_text(NEW.labels::json) WITH ORDINALITY AS names (value, n)
                USING (n);
        END IF;
        RETURN NULL;
    END $$
"""
POSTGRESQL_TRIGGERS = {
    "insert": ("INSERT ON tasks", HAS_NEW),
    "delete": ("DELETE ON tasks", HAS_OLD),
    "update": ("UPDATE OF labels, label_keys ON tasks", f"{HAS_NEW} OR {HAS_OLD}"),
}

# The words of a task; those of its labels are the last ones.
COLUMNS_BEFORE = ("name_words", "note_words")
COLUMNS = (*COLUMNS_BEFORE, "label_words")


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("labels", sa.Text()))
        op.add_column(table, sa.Column("label_keys", sa.Text()))
        op.add_column(table, sa.Column("label_words", sa.Text()))
    is_labelled = sa.text("label_keys IS NOT NULL")
    op.create_index(
        "ix_tasks_labelled",
        "tasks",
        ["account_id", "id"],
        sqlite_where=is_labelled,
        postgresql_where=is_labelled,
    )
    create_task_labels()
    for table in TABLES:
        index_words(table, COLUMNS)


def create_task_labels() -> None:
    if is_sqlite():
        table = CREATE_TABLE.format(big_int="INTEGER", collate="", options="WITHOUT ROWID")
        op.execute(table)
        for name, (event, condition, statements) in SQLITE_TRIGGERS.items():
            body = "; ".join(statements)
            op.execute(
                f"CREATE TRIGGER tasks_{name}_labels AFTER {event}"
                f" WHEN {condition} BEGIN {body}; END"
            )
        return
    op.execute(CREATE_TABLE.format(big_int="BIGINT", collate='COLLATE "C"', options=""))
    op.execute(POSTGRESQL_FUNCTION)
    for name, (event, condition) in POSTGRESQL_TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER tasks_{name}_labels AFTER {event}"
            f" FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION index_task_labels()"
        )


def index_words(table: str, columns: tuple[str, ...]) -> None:
    """Index the words in these columns, and no longer those in others."""
    if not is_sqlite():
        words = " || ".join(columns).replace("label_words", "coalesce(label_words, '')")
        op.execute(f"DROP INDEX ix_{table}_words")
        op.execute(
            f"CREATE INDEX ix_{table}_words ON {table} USING gin (array_to_tsvector("
            f"string_to_array(substr(replace({words}, ' ',"
            " ' ' || lpad(to_hex(account_id), 16, '0')), 2), ' '))) WITH (fastupdate = off)"
        )
        return
    index = {"tasks": "task_words", "trash": "trash_words"}[table]

    def words_of(row: str) -> str:
        words = " || ".join(f"coalesce({row}.{column}, '')" for column in columns)
        return f"replace({words}, ' ', ' ' || printf('%016x', {row}.account_id))"

    remove = (
        f"INSERT INTO {index} ({index}, rowid, words) VALUES ('delete', old.id, {words_of('old')})"
    )
    insert = f"INSERT INTO {index} (rowid, words) VALUES (new.id, {words_of('new')})"
    changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
    for event, head, body in (
        ("insert", f"AFTER INSERT ON {table}", insert),
        ("delete", f"AFTER DELETE ON {table}", remove),
        (
            "update",
            f"AFTER UPDATE OF {', '.join(columns)} ON {table} WHEN {changed}",
            f"{remove}; {insert}",
        ),
    ):
        op.execute(f"DROP TRIGGER {table}_{event}_words")
        op.execute(f"CREATE TRIGGER {table}_{event}_words {head} BEGIN {body}; END")


def downgrade() -> None:
    for table in TABLES:
        if is_sqlite():  # a trigger removes the words of the labels from the index
            op.execute(f"UPDATE {table} SET label_words = NULL WHERE label_words IS NOT NULL")
        index_words(table, COLUMNS_BEFORE)
    for name in SQLITE_TRIGGERS:
        on_table = "" if is_sqlite() else " ON tasks"
        op.execute(f"DROP TRIGGER tasks_{name}_labels{on_table}")
    if not is_sqlite():
        op.execute("DROP FUNCTION index_task_labels()")
    op.execute("DROP TABLE task_labels")
    op.drop_index("ix_tasks_labelled", "tasks")
    size_of_labels = "octet_length(labels)" if not is_sqlite() else "length(CAST(labels AS BLOB))"
    for table in TABLES:
        op.execute(
            "UPDATE accounts SET task_bytes = task_bytes - (SELECT coalesce(sum("
            f"{size_of_labels}), 0) FROM {table} WHERE account_id = accounts.id)"
        )
        op.execute(f"UPDATE {table} SET size = size - {size_of_labels} WHERE labels IS NOT NULL")
        for column in ("label_words", "label_keys", "labels"):
            op.drop_column(table, column)
