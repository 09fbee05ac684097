"""Read the tasks that a bulk change selects, and refuse too many."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from todo.http.errors import Fault, validation_problem
from todo.journal.writes import MAX_INDEXED_CHARACTERS, MAX_RECORDED_BYTES, MAX_TASKS, too_many
from todo.listing.parameters import Condition
from todo.models.batches import words_of
from todo.models.journalled import columns_except
from todo.models.size import text_size
from todo.models.task import TaskColumns
from todo.words import indexed_words

# The values of a bulk change that may be long.
TEXTS = ("name", "note", "labels", "add_labels", "reminders")


def refuse_without_filter(filters: dict[str, Any]) -> None:
    """Raise Problem 400 without a filter: a bulk change of all tasks must be intended."""
    if not filters:
        message = (
            "Add at least one filter, such as completed=true. For all tasks, use a filter that "
            "every task matches, such as created_after=0001-01-01."
        )
        raise validation_problem([Fault("query", "missing", message)])


def count_query(model: type[TaskColumns], matching: Sequence[Condition]) -> Select[int]:
    """Return the query for the number of tasks, or of deleted tasks, that match."""
    return select(func.count()).select_from(model.__table__).where(*matching)


def read_matching(
    session: Session,
    model: type[TaskColumns],
    matching: Sequence[Condition],
    columns: Mapping[str, Any] = MappingProxyType({}),
) -> list[Row[Any]]:
    """Return the tasks, or deleted tasks, that match, by id.

    Raise Problem 409 if they are too many for one change that sets the columns.
    """
    count = session.scalar(count_query(model, matching)) or 0
    # Above MAX_TASKS, summing would read every text of the account for nothing.
    if count > MAX_TASKS or _is_too_large(session, model, matching, count, columns):
        raise too_many(count)
    if not count:
        return []
    found = session.execute(
        select(*columns_except(model.__table__, model.database_only)).where(*matching)
    )
    return sorted(found, key=lambda task: task.id)


def _is_too_large(
    session: Session,
    model: type[TaskColumns],
    matching: Sequence[Condition],
    count: int,
    columns: Mapping[str, Any],
) -> bool:
    """Return whether the texts of the tasks, old and new together, exceed a limit."""
    table = model.__table__
    query = select(func.sum(table.c.size), func.sum(words_of(table))).where(*matching)
    old_bytes, old_words = session.execute(query).one()
    texts = {name: columns.get(name) for name in TEXTS}
    added = len(indexed_words(" ".join(columns.get("add_labels", []))))
    return (
        int(old_bytes or 0) + count * text_size(texts) > MAX_RECORDED_BYTES
        or int(old_words or 0) + count * (indexed_characters(columns) + added)
        > MAX_INDEXED_CHARACTERS
    )


def indexed_characters(columns: Mapping[str, Any]) -> int:
    return sum(len(columns.get(name) or "") for name in ("name_words", "note_words", "label_words"))
