"""Tasks, one or many: created, counted, changed, deleted."""

from functools import cache
from typing import Any

from sqlalchemy import Select, case, false, func, or_, select

from todo.http.errors import Fault, Problem
from todo.http.request import Request
from todo.http.typed_views import refusal
from todo.listing.filters import (
    Condition,
    conditions,
    due,
    due_values,
    is_completed,
    is_open,
    of_account,
    rows_of,
)
from todo.models import Task, TrashedTask, journal
from todo.models.change import DELETE
from todo.models.rows import change, create
from todo.models.task import StoredTask, columns_of, due_columns

MOST_AT_ONCE = 10_000
# Keeps a change on SQLite, where nobody else can write meanwhile, below the wait for a lock.
MOST_WORDS_AT_ONCE = 10_000_000  # characters of the words to index


def create_tasks(request: Request, several: list[dict[str, Any]]) -> list[StoredTask]:
    """Return new tasks of the asker, stored."""
    return create(request.dbsession, request.identity.account.id, several)


def change_task(request: Request, task: StoredTask, values: dict[str, Any]) -> StoredTask:
    """Set the attributes named in `values`, leave the rest, and return the task as it is now."""
    return change(request.dbsession, request.identity.account.id, task, values)


def count_tasks(request: Request, filters: dict[str, Any]) -> int:
    """Return how many of the asker's tasks match."""
    return _count(request, conditions(request, filters))


def task_counts(request: Request) -> dict[str, int]:
    """Return the sizes of the lists that people look at."""
    connection, zone = request.connection, request.timezone
    values = due_values("overdue", zone) | due_values("today", zone)
    values["account_id"] = request.identity.account.id
    return dict(connection.execute(_sizes(connection.dialect.name), values).mappings().one())


@cache
def _sizes(dialect_name: str) -> Select[Any]:
    lists = {
        "open": is_open(),
        "completed": is_completed(),
        "overdue": due("overdue"),
        "due_today": due("today"),
        "undated": due("none"),
    }
    # Each a query within one, so that each is counted in its own index.
    return select(
        *(
            _count_query([of_account(dialect_name), condition]).scalar_subquery().label(name)
            for name, condition in lists.items()
        )
    )


def change_tasks(
    request: Request, filters: dict[str, Any], values: dict[str, Any], *, dry_run: bool
) -> int:
    """Set the attributes named in `values` of all tasks that match, and return how many these are.

    Those that it really changes are dated. Raises Problem with 409 where they are too many.
    """
    matching = conditions(request, filters)
    columns = columns_of(values)
    differs = _differs(values)
    new_words = "".join(columns[name] for name in ("name_words", "note_words") if name in columns)
    count, changing = _count_at_once(request, matching, differs, len(new_words))
    if dry_run or not changing:
        return count
    now = journal.date_of(request.dbsession)
    after = dict(values)
    if "completed" in values:
        after["completion_date"] = now if values["completed"] else None
        columns["completion_date"] = case(
            (differs["completed"], after["completion_date"]), else_=Task.completion_date
        )
    rows_of(request, Task, *matching).update(columns, after, differs)
    return count


def delete_task(request: Request, task: StoredTask) -> None:
    """Move the task to the trash."""
    matching = [*conditions(request, {}), Task.id == task.id]
    rows_of(request, Task, *matching).move(TrashedTask, DELETE)


def delete_tasks(request: Request, filters: dict[str, Any], *, dry_run: bool) -> int:
    """Move all tasks that match to the trash, and return how many these were.

    Raises Problem with 400 without a filter, and with 409 where they are too many.
    """
    if not filters:
        message = (
            "Name at least one filter, such as completed=true. To delete every task, name one that "
            "all match, such as created_after=0001-01-01."
        )
        raise refusal([Fault("query", "missing", message)])
    matching = conditions(request, filters)
    count, _ = _count_at_once(request, matching, {}, 0)
    if count and not dry_run:
        rows_of(request, Task, *matching).move(TrashedTask, DELETE)
    return count


def _differs(values: dict[str, Any]) -> dict[str, Condition]:
    """Return the condition that a task has another value, for each recorded field."""
    differs: dict[str, Condition] = {}
    for name in values.keys() & {"name", "note"}:
        differs[name] = getattr(Task, name).is_distinct_from(values[name])
    if "due_date" in values:
        due = due_columns(values["due_date"])
        differs["due_date"] = or_(
            *(getattr(Task, name).is_distinct_from(value) for name, value in due.items())
        )
    if "completed" in values:
        wrong = is_open() if values["completed"] else is_completed()
        differs |= {"completed": wrong, "completion_date": wrong}
    return differs


def _count(request: Request, matching: list[Condition]) -> int:
    return request.dbsession.scalar(_count_query(matching)) or 0


def _count_query(matching: list[Condition]) -> Select[int]:
    return select(func.count()).select_from(Task).where(*matching)


def _count_at_once(
    request: Request, matching: list[Condition], differs: dict[str, Condition], new_words: int
) -> tuple[int, int]:
    """Return how many tasks match, and how many of them differ.

    Raises Problem with 409 where one change cannot take them all. What a change costs is above all
    the index of the words: those that the tasks have, and those, in characters, that each of them
    is given.
    """
    count = _count(request, matching)
    characters = changing = 0
    if count <= MOST_AT_ONCE:  # else every text of the account would be read for nothing
        words = func.length(Task.name_words) + func.length(Task.note_words)
        changes = case((or_(false(), *differs.values()), 1))
        query = select(func.coalesce(func.sum(words), 0), func.count(changes)).where(*matching)
        characters, changing = request.dbsession.execute(query).one()
    if count > MOST_AT_ONCE or characters + count * new_words > MOST_WORDS_AT_ONCE:
        raise Problem(
            "too_many",
            f"{count} tasks match, and one request may change or delete at most {MOST_AT_ONCE}, "
            f"whose words, old and new, have at most {MOST_WORDS_AT_ONCE} characters together; "
            "narrow the filters, for example by created_after and created_before.",
            extensions={"count": count},
        )
    return count, changing
