"""Index the words of deleted tasks, so that the trash can be searched."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The trash is indexed like the tasks (migration 0004), but FTS5 gets no index of prefixes, which
# would cost each deletion more than the words themselves: a search of the trash reads all matching
# tasks anyway, to sort them by deletion date.
WORDS = (
    "replace({row}.name_words || {row}.note_words, ' ', ' ' || printf('%016x', {row}.account_id))"
)
REMOVE = f"""
    INSERT INTO trash_words (trash_words, rowid, words)
    VALUES ('delete', old.id, {WORDS.format(row="old")})
"""
INSERT = f"INSERT INTO trash_words (rowid, words) VALUES (new.id, {WORDS.format(row='new')})"
SQLITE = (
    """
    CREATE VIRTUAL TABLE trash_words USING fts5(
        words, content = '', tokenize = 'ascii', detail = none, columnsize = 0
    )
    """,
    f"INSERT INTO trash_words (rowid, words) SELECT id, {WORDS.format(row='trash')} FROM trash",
    f"CREATE TRIGGER trash_insert_words AFTER INSERT ON trash BEGIN {INSERT}; END",
    f"CREATE TRIGGER trash_delete_words AFTER DELETE ON trash BEGIN {REMOVE}; END",
    f"""
    CREATE TRIGGER trash_update_words AFTER UPDATE OF name_words, note_words ON trash
    WHEN old.name_words <> new.name_words OR old.note_words <> new.note_words
    BEGIN {REMOVE}; {INSERT}; END
    """,
)
POSTGRESQL = (
    """
    CREATE INDEX ix_trash_words ON trash USING gin (
        array_to_tsvector(string_to_array(substr(replace(name_words || note_words, ' ',
            ' ' || lpad(to_hex(account_id), 16, '0')), 2), ' '))
    ) WITH (fastupdate = off)
    """,
    "ANALYZE trash",
)


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    for statement in SQLITE if is_sqlite() else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if is_sqlite():
        for trigger in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER trash_{trigger}_words")
        op.execute("DROP TABLE trash_words")
    else:
        op.drop_index("ix_trash_words", "trash")
