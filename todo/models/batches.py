"""Batches of rows that are deleted in one transaction each.

On SQLite, a transaction blocks all writers, so a batch is bounded in rows and in bytes.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_
from sqlalchemy.orm import Session

from todo.models.journalled import RECORDED

BATCH_SIZE = 500  # rows
# Bytes of values, or characters of words, which the database must also remove from its index. A
# single row has at most 120,000.
BATCH_WEIGHT = 200_000


def words_of(table: Table) -> ColumnElement[int]:
    """Return the number of characters that the index has of a row."""
    labels = func.coalesce(func.length(table.c.label_words), 0)
    return func.length(table.c.name_words) + func.length(table.c.note_words) + labels


def first_batch(rows: Sequence[Any]) -> Sequence[Any]:
    """Return the first rows whose weights, in their last column, do not exceed BATCH_WEIGHT.

    Return the first row even if it is heavier.
    """
    total = 0
    for number, row in enumerate(rows):
        total += row[-1]
        if number and total > BATCH_WEIGHT:
            return rows[:number]
    return rows


def delete_batch(
    session: Session, table: Table, condition: ColumnElement[bool], weight: ColumnElement[int]
) -> int:
    """Delete a batch of the rows that match, except locked ones; return their number."""
    key = tuple(table.primary_key)
    found = select(*key, weight).where(condition).order_by(*key).limit(BATCH_SIZE)
    rows = first_batch(session.execute(found.with_for_update(skip_locked=True)).all())
    if rows:
        keys = [tuple(row)[:-1] for row in rows]
        deletion = delete(table).where(tuple_(*key).in_(keys))
        session.execute(deletion, execution_options=RECORDED)
    return len(rows)
