"""Tasks, one or many: created, counted, changed, deleted."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from todo.auth.identity import KnownAccount
from todo.http.errors import Fault, Problem, refusal
from todo.journal import writes
from todo.listing.filters import (
    Condition,
    conditions,
    due,
    due_values,
    is_completed,
    is_open,
    of_account,
)
from todo.models.change import DELETE
from todo.models.engine import Database, dialect_of
from todo.models.task import STORED, TASKS, StoredTask, Task, columns_of
from todo.models.trash import TrashedTask

MOST_AT_ONCE = 10_000
# Keeps a change on SQLite, where nobody else can write meanwhile, below the wait for a lock.
MOST_WORDS_AT_ONCE = 10_000_000  # characters of the words to index


def create_tasks(
    session: Session, account: KnownAccount, several: Iterable[dict[str, Any]]
) -> list[StoredTask]:
    """Store new tasks of the account, and return them in their order."""
    now = writes.date_of(session)
    rows = [
        {**columns_of(values), "completion_date": now if values.get("completed") else None}
        for values in several
    ]
    return list(map(StoredTask._make, writes.create(session, Task, account.id, rows)))


def change_task(
    session: Session, account: KnownAccount, task: StoredTask, values: dict[str, Any]
) -> StoredTask:
    """Set the fields named in `values`, leave the rest, and return the task as it is now."""
    [changed] = _change(session, account, [task], values)
    return changed


def _change(
    session: Session, account: KnownAccount, tasks: Iterable[StoredTask], values: dict[str, Any]
) -> list[StoredTask]:
    now = writes.date_of(session)
    columns = columns_of(values)
    done = {"completion_date": now if values.get("completed") else None}
    wanted = [
        # A task that is completed already keeps its date.
        (
            task._asdict(),
            columns | (done if values.get("completed", task.completed) != task.completed else {}),
        )
        for task in tasks
    ]
    return [StoredTask.of(row) for row in writes.change(session, Task, account.id, wanted)]


def change_tasks(
    session: Session,
    account: KnownAccount,
    filters: dict[str, Any],
    values: dict[str, Any],
    *,
    dry_run: bool,
) -> int:
    """Set the fields named in `values` of all tasks that match, and return how many these are.

    Tasks that have these values already stay as they are. Raises Problem with 409 where too many
    match.
    """
    columns = columns_of(values)
    new_words = sum(len(columns.get(name, "")) for name in ("name_words", "note_words"))
    tasks = _matching(session, account, filters, new_words)
    if not dry_run:
        _change(session, account, tasks, values)
    return len(tasks)


def delete_task(session: Session, account: KnownAccount, task: StoredTask) -> None:
    """Move the task to the trash."""
    writes.move(session, Task, TrashedTask, account.id, DELETE, [task._asdict()])


def delete_tasks(
    session: Session, account: KnownAccount, filters: dict[str, Any], *, dry_run: bool
) -> int:
    """Move all tasks that match to the trash, and return how many these were.

    Raises Problem with 400 without a filter, and with 409 where too many match.
    """
    if not filters:
        message = (
            "Name at least one filter, such as completed=true. To delete every task, name one that "
            "all match, such as created_after=0001-01-01."
        )
        raise refusal([Fault("query", "missing", message)])
    tasks = _matching(session, account, filters, new_words=0)
    if not dry_run:
        rows = [task._asdict() for task in tasks]
        writes.move(session, Task, TrashedTask, account.id, DELETE, rows)
    return len(tasks)


def count_tasks(db: Database, account: KnownAccount, filters: dict[str, Any]) -> int:
    """Return how many of the account's tasks match."""
    matching = conditions(dialect_of(db), account, filters)
    return db.scalar(_count_query(matching)) or 0


def task_counts(db: Database, account: KnownAccount) -> dict[str, int]:
    """Return the sizes of the lists that people look at."""
    values = due_values("overdue", account.zone) | due_values("today", account.zone)
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
    # A subquery for each, so that each is counted in its own index.
    return select(
        *(
            _count_query([of_account(dialect_name), condition]).scalar_subquery().label(name)
            for name, condition in lists.items()
        )
    )


def _count_query(matching: list[Condition]) -> Select[int]:
    return select(func.count()).select_from(TASKS).where(*matching)


def _matching(
    session: Session, account: KnownAccount, filters: dict[str, Any], new_words: int
) -> list[StoredTask]:
    """Return the tasks that match, by id.

    Raises Problem with 409 where one change cannot take them all. A change costs above all the
    index of the words: the tasks' own, and `new_words` characters for each.
    """
    matching = conditions(dialect_of(session), account, filters)
    count = session.scalar(_count_query(matching)) or 0
    characters = 0
    if count <= MOST_AT_ONCE:  # else every text of the account would be read for nothing
        words = func.length(TASKS.c.name_words) + func.length(TASKS.c.note_words)
        characters = session.scalar(select(func.sum(words)).where(*matching)) or 0
    if count > MOST_AT_ONCE or characters + count * new_words > MOST_WORDS_AT_ONCE:
        raise Problem(
            "too_many",
            f"{count} tasks match, and one request may change or delete at most {MOST_AT_ONCE}, "
            f"whose words, old and new, have at most {MOST_WORDS_AT_ONCE} characters together; "
            "narrow the filters, for example by created_after and created_before.",
            extensions={"count": count},
        )
    if not count:
        return []
    found = session.execute(select(*STORED).where(*matching))
    return sorted(map(StoredTask._make, found), key=lambda task: task.id)
