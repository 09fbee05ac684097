"""Index fewer prefixes of words on SQLite, which makes each write of a task cheaper."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACCOUNT_DIGITS = 16
# Migration 0004 indexed the first 1 to 12 letters of each word. A search for a longer prefix than
# the index has reads the words that begin with it, which are few after four letters.
LETTERS, LETTERS_BEFORE = 4, 12


def upgrade() -> None:
    recreate(LETTERS)


def downgrade() -> None:
    recreate(LETTERS_BEFORE)


def recreate(letters: int) -> None:
    """Recreate the FTS5 table of words; its triggers on the table of tasks stay."""
    if op.get_bind().dialect.name != "sqlite":
        return
    prefixes = " ".join(str(ACCOUNT_DIGITS + count) for count in range(1, letters + 1))
    op.execute("DROP TABLE task_words")
    op.execute(
        f"""
        CREATE VIRTUAL TABLE task_words USING fts5(
            words, content = '', tokenize = 'ascii', prefix = '{prefixes}',
            detail = none, columnsize = 0
        )
        """
    )
    op.execute(
        f"""
        INSERT INTO task_words (rowid, words)
        SELECT id, replace(
            name_words || note_words, ' ', ' ' || printf('%0{ACCOUNT_DIGITS}x', account_id)
        )
        FROM tasks
        """
    )
