"""Search: a task matches if it has every word; some words may be just the start of one."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Dialect, TableClause, cast, column, literal_column, table
from sqlalchemy.dialects.postgresql import TSQUERY

from todo.models.task import ACCOUNT_DIGITS, WORDS
from todo.words import searched_words

# FTS5: MATCH on the column named like the table searches all columns.
TASK_WORDS: TableClause = table("task_words", column("rowid"), column("task_words"))
TRASH_WORDS: TableClause = table("trash_words", column("rowid"), column("trash_words"))


def contains(dialect_name: str, search: Any) -> ColumnElement[bool]:
    """Return the condition for tasks with the words: on tasks, or in SQLite on TASK_WORDS.

    `search` is the result of search_query(), or a bind parameter for it.
    """
    if dialect_name == "postgresql":
        return literal_column(WORDS).op("@@", is_comparison=True)(cast(search, TSQUERY))
    return TASK_WORDS.c.task_words.op("MATCH", is_comparison=True)(search)


def search_query(dialect: Dialect, account_id: int, search: str) -> str:
    """Return the search in the query language of the database, limited to the account."""
    query = _tsquery if dialect.name == "postgresql" else _fts5_query
    return query(account_id, search)


def _tsquery(account_id: int, search: str) -> str:
    """Return the search as a PostgreSQL tsquery; words need no escaping."""
    return " & ".join(
        f"'{word}'{':*' if is_start else ''}" for word, is_start in _words(account_id, search)
    )


def _fts5_query(account_id: int, search: str) -> str:
    """Return the search as an FTS5 query; words need no escaping."""
    return " AND ".join(
        f'"{word}"{" *" if is_start else ""}' for word, is_start in _words(account_id, search)
    )


def _words(account_id: int, search: str) -> Iterator[tuple[str, bool]]:
    for word, is_start in searched_words(search):
        yield f"{account_id:0{ACCOUNT_DIGITS}x}{word}", is_start
