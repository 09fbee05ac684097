"""Create, count, change and delete tasks, one or many at once."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Fault, Problem, validation_problem
from todo.journal import writes
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
from todo.models.task import Task, TaskColumns, TaskRow, columns_of
from todo.models.trash import TrashedTask

MAX_TASKS = 10_000
# Characters of the words to index. A write blocks other writers on SQLite; this limit keeps it
# shorter than their lock timeout.
MAX_INDEXED_CHARACTERS = 10_000_000


def create_tasks(
    session: Session, account: AccountRow, several: Iterable[dict[str, Any]]
) -> list[TaskRow]:
    """Create tasks, and return them in the given order.

    A task without `creation_date` is created now; a completed one without `completion_date` is
    completed now.
    """
    now = writes.transaction_date(session)
    rows = [
        {
            **columns_of(values),
            "creation_date": values.get("creation_date") or now,
            "completion_date": values.get("completion_date")
            or (now if values.get("completed") else None),
        }
        for values in several
    ]
    return list(map(TaskRow._make, writes.create(session, Task, account.id, rows)))


def change_task(
    session: Session, account: AccountRow, task: TaskRow, values: dict[str, Any]
) -> TaskRow:
    """Set the fields in `values`, and return the changed task."""
    [changed] = _change(session, account, [task], values)
    return changed


def _change(
    session: Session, account: AccountRow, tasks: Iterable[TaskRow], values: dict[str, Any]
) -> list[TaskRow]:
    now = writes.transaction_date(session)
    columns = columns_of(values)
    done = {"completion_date": now if values.get("completed") else None}
    wanted = [
        # A task that is already completed keeps its date.
        (
            task._asdict(),
            columns | (done if values.get("completed", task.completed) != task.completed else {}),
        )
        for task in tasks
    ]
    return [TaskRow.of(row) for row in writes.change(session, Task, account.id, wanted)]


def change_tasks(
    session: Session,
    account: AccountRow,
    filters: dict[str, Any],
    values: dict[str, Any],
    *,
    dry_run: bool,
) -> int:
    """Set the fields in `values` of all tasks that match, and return the number of matches.

    Tasks that already have these values are not touched. Raise Problem 400 without a filter, and
    Problem 409 if too many match.
    """
    refuse_without_filter(filters)
    columns = columns_of(values)
    new_words = sum(len(columns.get(name, "")) for name in ("name_words", "note_words"))
    matching = conditions(dialect_of(session), account, filters)
    tasks = read_matching(session, Task, matching, new_words)
    if not dry_run:
        _change(session, account, map(TaskRow._make, tasks), values)
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
    new_words: int = 0,
) -> list[Row[Any]]:
    """Return the tasks, or deleted tasks, that match, by id.

    Raise Problem 409 if they are too many for one change. Most of its cost is indexing words: the
    existing words of the tasks, and `new_words` characters for each task.
    """
    table = model.__table__
    count = session.scalar(count_query(model, matching)) or 0
    characters = 0
    if count <= MAX_TASKS:  # otherwise the sum would read every text of the account for nothing
        words = func.length(table.c.name_words) + func.length(table.c.note_words)
        characters = session.scalar(select(func.sum(words)).where(*matching)) or 0
    if count > MAX_TASKS or characters + count * new_words > MAX_INDEXED_CHARACTERS:
        raise Problem(
            "too_many",
            f"{count} tasks match. One request may change, delete or restore at most {MAX_TASKS} "
            f"tasks, with at most {MAX_INDEXED_CHARACTERS} characters of words, old and new "
            "together. Narrow the filters, for example with created_after and created_before.",
            extensions={"count": count},
        )
    if not count:
        return []
    columns = columns_except(table, model.database_only)
    found = session.execute(select(*columns).where(*matching))
    return sorted(found, key=lambda task: task.id)
