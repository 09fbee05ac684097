"""Search: every word of the query occurs in a task, the last one by its beginning."""

from typing import Any

from sqlalchemy import ColumnElement, Dialect, TableClause, cast, column, literal_column, table
from sqlalchemy.dialects.postgresql import TSQUERY

from todo.models.task import ACCOUNT_DIGITS, WORDS
from todo.words import words

# FTS5: MATCH on the column with the table's own name searches the whole table.
TASK_WORDS: TableClause = table("task_words", column("rowid"), column("task_words"))


def contains(dialect_name: str, search: Any) -> ColumnElement[bool]:
    """Return the condition on the tasks, or in SQLite on TASK_WORDS, that they hold the words.

    `search` is what search_query() returns, or a parameter for it.
    """
    if dialect_name == "postgresql":
        return literal_column(WORDS).op("@@", is_comparison=True)(cast(search, TSQUERY))
    return TASK_WORDS.c.task_words.op("MATCH", is_comparison=True)(search)


def search_query(dialect: Dialect, account_id: int, search: str) -> str:
    """Return the words of the account to search for, as the database has a query of words."""
    query = _tsquery if dialect.name == "postgresql" else _fts5_query
    return query(account_id, search)


def _tsquery(account_id: int, search: str) -> str:
    """Return the search as a tsquery of PostgreSQL; a word holds nothing that must be escaped."""
    return " & ".join(f"'{word}'" for word in _words(account_id, search)) + ":*"


def _fts5_query(account_id: int, search: str) -> str:
    """Return the search as a query of FTS5; a word holds nothing that must be escaped."""
    return " AND ".join(f'"{word}"' for word in _words(account_id, search)) + " *"


def _words(account_id: int, search: str) -> list[str]:
    *whole, last = (f"{account_id:0{ACCOUNT_DIGITS}x}{word}" for word in words(search))
    return [*dict.fromkeys(whole), last]
