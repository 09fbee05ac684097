"""Fold the words of tasks and trash again: letters with strokes, digits, and more."""

import unicodedata
from collections.abc import Callable

import regex
import sqlalchemy as sa

from alembic import op

from todo.words import fold, indexed_words

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FOLDED = ("name_folded", "name_words", "note_words")
ROWS_AT_ONCE = 200

# The words of migration 0006, for the downgrade.
PREVIOUS_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー]"
    r"|[[\p{L}\p{N}\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}ー]]+",
    regex.VERSION1,
)


def previous_fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def previous_indexed_words(text: str | None) -> str:
    words = (word[:64] for word in PREVIOUS_WORD.findall(previous_fold(text or "")))
    return "".join(f" {word}" for word in dict.fromkeys(words))


def fold_again(fold_name: Callable[[str], str], words_of: Callable[[str | None], str]) -> None:
    """Set the folded columns where they differ; other columns, such as the revision, stay."""
    for name in ("tasks", "trash"):
        table = sa.table(name, *map(sa.column, ("id", "name", "note", *FOLDED)))
        change = table.update().where(table.c.id == sa.bindparam("row_id"))
        change = change.values({column: sa.bindparam(column) for column in FOLDED})
        query, last = sa.select(table).order_by(table.c.id).limit(ROWS_AT_ONCE), 0
        while rows := op.get_bind().execute(query.where(table.c.id > last)).all():
            changed = []
            for row in rows:
                folded = (fold_name(row.name)[:255], words_of(row.name), words_of(row.note))
                if folded != (row.name_folded, row.name_words, row.note_words):
                    changed.append({"row_id": row.id, **dict(zip(FOLDED, folded, strict=True))})
            if changed:
                op.get_bind().execute(change, changed)
            last = rows[-1].id
    if op.get_bind().dialect.name == "postgresql":
        # Without statistics for the new words, PostgreSQL would misestimate searches.
        op.execute("ANALYZE tasks")


def upgrade() -> None:
    # As in 0004, the current code folds, because it also folds the tasks created afterwards.
    fold_again(fold, indexed_words)


def downgrade() -> None:
    fold_again(previous_fold, previous_indexed_words)
