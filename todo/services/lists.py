"""List, create, change, move and delete lists of tasks."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Problem
from todo.journal import writes
from todo.listing.dates import is_open
from todo.listing.filters import conditions
from todo.models.engine import Database, dialect_of
from todo.models.list import LIST_COLUMNS, LISTS, List, ListRow
from todo.models.task import TASKS, Task
from todo.positions import last_position
from todo.schemas.place import Target
from todo.services.matching import read_matching
from todo.services.order import position_at

MAX_LISTS = 1000  # of an account


def read_lists(db: Database, account: AccountRow, *, archived: bool | None) -> Sequence[Row[Any]]:
    """Return the account's lists in their order: all, the archived ones, or the others."""
    query = select(*LIST_COLUMNS).where(LISTS.c.account_id == account.id)
    if archived is not None:
        query = query.where(LISTS.c.archived == archived)
    return db.execute(query.order_by(LISTS.c.position, LISTS.c.id)).all()


def open_tasks(db: Database, account: AccountRow) -> dict[int | None, int]:
    """Return the number of open tasks in each list that has some; None is the inbox."""
    mine = (TASKS.c.account_id == account.id, is_open())
    query = select(TASKS.c.list_id, func.count().label("open")).where(*mine)
    return {row.list_id: row.open for row in db.execute(query.group_by(TASKS.c.list_id))}


def count_lists(account: AccountRow) -> Select[int]:
    """Return the query for the number of the account's lists."""
    return select(func.count()).select_from(LISTS).where(LISTS.c.account_id == account.id)


def too_many_lists(count: int) -> Problem:
    """Return Problem 409 for an account that has this many lists."""
    return Problem(
        "too_many",
        f"The account has {count} lists, of at most {MAX_LISTS}. Delete one.",
        extensions={"count": count},
    )


def create_list(session: Session, account: AccountRow, columns: dict[str, Any]) -> ListRow:
    """Create a list, last in order. Raise Problem 409 if the account has too many."""
    count = session.scalar(count_lists(account)) or 0
    if count >= MAX_LISTS:
        raise too_many_lists(count)
    position = last_position(writes.next_revision(session, account))
    [row] = writes.create(session, List, account.id, [columns | {"position": position}])
    return ListRow._make(row)


def change_list(
    session: Session, account: AccountRow, row: ListRow, columns: dict[str, Any]
) -> ListRow:
    """Set the columns, and return the changed list."""
    [changed] = writes.change(session, List, account.id, [(row._asdict(), columns)])
    return ListRow(**changed)


def move_list(session: Session, account: AccountRow, row: ListRow, target: Target) -> ListRow:
    """Move the list among the account's lists. Raise Problem 400 if the target is not one."""
    siblings = [LISTS.c.account_id == account.id, LISTS.c.id != row.id]
    position = position_at(session, account, List, siblings, target)
    return change_list(session, account, row, {"position": position})


def delete_list(session: Session, account: AccountRow, row: ListRow) -> int:
    """Delete the list, and move its tasks to the trash. Return the number of tasks.

    Raise Problem 409 if they are too many.
    """
    matching = conditions(dialect_of(session), account, {"list": row.id})
    tasks = [task._asdict() for task in read_matching(session, Task, matching)]
    writes.delete(session, Task, account.id, tasks)
    writes.delete(session, List, account.id, [row._asdict()])
    return len(tasks)
