"""Erase the words of deleted tasks from SQLite's index.

FTS5 keeps a deleted word, and a mark that it is deleted, until it merges the parts of the index
that have them (https://www.sqlite.org/fts5.html, section 6.8).
"""

from collections.abc import Callable

from sqlalchemy import Insert, bindparam, column, func, insert, select, table
from sqlalchemy.orm import Session

INDEXES = ("task_words", "trash_words")
PAGES = 500  # merged in one transaction, which takes a few hundredths of a second


def erase_deleted_words(session: Session, end_batch: Callable[[], None]) -> None:
    """Merge each index to one part, in transactions that `end_batch` ends."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for index in INDEXES:
        command = table(index, column(index), column("rank"))
        merge = insert(command).values({index: "merge", "rank": bindparam("pages")})
        pages = -PAGES  # negative: begin to merge all parts
        while _changes(session, merge, pages) > 1:  # one change means that nothing is left
            end_batch()
            pages = PAGES
        session.rollback()


def _changes(session: Session, merge: Insert, pages: int) -> int:
    """Run the statement, and return the number of rows that it has changed within the index."""
    before = session.scalar(select(func.total_changes())) or 0
    session.execute(merge, {"pages": pages})
    after: int = session.scalar(select(func.total_changes())) or 0
    return after - before
