"""Create, count, change and delete tasks, one or many at once."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Fault, validation_problem
from todo.journal import writes
from todo.journal.writes import MAX_INDEXED_CHARACTERS, MAX_RECORDED_BYTES, MAX_TASKS, too_many
from todo.listing.filters import (
    Condition,
    belongs_to_account,
    conditions,
    due,
    due_parameters,
    is_completed,
    is_open,
)
from todo.models.change import DELETE
from todo.models.engine import Database, dialect_of
from todo.models.journalled import columns_except
from todo.models.size import text_size
from todo.models.task import Task, TaskColumns, TaskRow
from todo.models.trash import TrashedTask


def create_tasks(
    session: Session, account: AccountRow, several: Iterable[dict[str, Any]]
) -> list[TaskRow]:
    """Create tasks from their columns, and return them in the given order.

    A task without `creation_date` is created now; a completed one without `completion_date` is
    completed now. Raise Problem 409 if their texts have too many words.
    """
    now = writes.transaction_date(session)
    rows = []
    for columns in several:
        row = dict(columns)
        completed = row.pop("completed", False)
        row["creation_date"] = row["creation_date"] or now
        row["completion_date"] = row["completion_date"] or (now if completed else None)
        rows.append(row)
    if sum(map(_indexed_characters, rows)) > MAX_INDEXED_CHARACTERS:
        raise too_many(len(rows))
    return list(map(TaskRow._make, writes.create(session, Task, account.id, rows)))


def change_task(
    session: Session, account: AccountRow, task: TaskRow, columns: dict[str, Any]
) -> TaskRow:
    """Set the columns, and return the changed task."""
    [changed] = _change(session, account, [task], columns)
    return changed


def _change(
    session: Session, account: AccountRow, tasks: Iterable[TaskRow], columns: dict[str, Any]
) -> list[TaskRow]:
    now = writes.transaction_date(session)
    columns = dict(columns)
    completed = columns.pop("completed", None)
    done = {"completion_date": now if completed else None}
    wanted = [
        # A task that is already completed keeps its date.
        (task._asdict(), columns | ({} if completed in (None, task.completed) else done))
        for task in tasks
    ]
    return [TaskRow.of(row) for row in writes.change(session, Task, account.id, wanted)]


def change_tasks(
    session: Session,
    account: AccountRow,
    filters: dict[str, Any],
    columns: dict[str, Any],
    *,
    dry_run: bool,
) -> int:
    """Set the columns of all tasks that match, and return the number of matches.

    Tasks that already have these values are not touched. Raise Problem 400 without a filter, and
    Problem 409 if too many match.
    """
    refuse_without_filter(filters)
    matching = conditions(dialect_of(session), account, filters)
    tasks = read_matching(session, Task, matching, columns)
    if not dry_run:
        _change(session, account, map(TaskRow._make, tasks), columns)
    return len(tasks)


def delete_task(session: Session, account: AccountRow, task: TaskRow) -> None:
    """Move the task to the trash."""
    writes.move(session, Task, TrashedTask, account.id, DELETE, [task._asdict()])


def delete_tasks(
    session: Session, account: AccountRow, filters: dict[str, Any], *, dry_run: bool
) -> int:
    """Move all tasks that match to the trash, and return the number of matches.

    Raise Problem 400 without a filter, and Problem 409 if too many match.
    """
    refuse_without_filter(filters)
    tasks = read_matching(session, Task, conditions(dialect_of(session), account, filters))
    if not dry_run:
        rows = [task._asdict() for task in tasks]
        writes.move(session, Task, TrashedTask, account.id, DELETE, rows)
    return len(tasks)


def refuse_without_filter(filters: dict[str, Any]) -> None:
    """Raise Problem 400 without a filter: a bulk change of all tasks must be intended."""
    if not filters:
        message = (
            "Add at least one filter, such as completed=true. For all tasks, use a filter that "
            "every task matches, such as created_after=0001-01-01."
        )
        raise validation_problem([Fault("query", "missing", message)])


def count_tasks(db: Database, account: AccountRow, filters: dict[str, Any]) -> int:
    """Return the number of the account's tasks that match."""
    matching = conditions(dialect_of(db), account, filters)
    return db.scalar(count_query(Task, matching)) or 0


def task_counts(db: Database, account: AccountRow) -> dict[str, int]:
    """Return the number of tasks in each of the usual lists."""
    values = due_parameters("overdue", account.zone) | due_parameters("today", account.zone)
    values["account_id"] = account.id
    sizes = _sizes(dialect_of(db).name)
    return dict(db.execute(sizes, values).mappings().one())


@cache
def _sizes(dialect_name: str) -> Select[Any]:
    lists = {
        "open": is_open(),
        "completed": is_completed(),
        "overdue": due("overdue"),
        "due_today": due("today"),
        "undated": due("none"),
    }
    # One subquery per list, so that each count uses its own index.
    return select(
        *(
            count_query(Task, [belongs_to_account(dialect_name), condition])
            .scalar_subquery()
            .label(name)
            for name, condition in lists.items()
        )
    )


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
    words = func.length(table.c.name_words) + func.length(table.c.note_words)
    query = select(func.sum(table.c.size), func.sum(words)).where(*matching)
    old_bytes, old_words = session.execute(query).one()
    texts = {name: columns.get(name) for name in ("name", "note")}
    return (
        int(old_bytes or 0) + count * text_size(texts) > MAX_RECORDED_BYTES
        or int(old_words or 0) + count * _indexed_characters(columns) > MAX_INDEXED_CHARACTERS
    )


def _indexed_characters(columns: Mapping[str, Any]) -> int:
    return sum(len(columns.get(name, "")) for name in ("name_words", "note_words"))
