"""Create, count, change, move and delete tasks, one or many at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Fault, Problem, validation_problem
from todo.journal import writes
from todo.journal.writes import MAX_INDEXED_CHARACTERS, too_many
from todo.listing.dates import due, due_parameters, is_completed, is_open
from todo.listing.filters import (
    FilterShape,
    conditions,
    filter_shape,
    parameters,
    parametrized_conditions,
)
from todo.models.engine import Database, dialect_of
from todo.models.journalled import default_columns
from todo.models.task import TASKS, Task, TaskRow
from todo.models.trash import TRASH
from todo.positions import last_position
from todo.schemas.place import Target
from todo.services.dates import date_columns, late_starts
from todo.services.labels import spell_rows
from todo.services.matching import (
    count_query,
    indexed_characters,
    read_matching,
    refuse_without_filter,
)
from todo.services.order import position_at
from todo.services.placement import columns_of_move, place_new, refuse_other_list, subtasks_of
from todo.services.recurrence import recurrence_faults
from todo.services.reminder_times import reminder_columns, reminders_without_due_date

Fields = dict[str, Any]
Update = tuple[Fields, Fields]  # a row and the columns to set


def create_tasks(
    session: Session, account: AccountRow, several: Iterable[Fields], *, in_list: bool = False
) -> list[TaskRow]:
    """Create tasks from their columns, and return them in the given order.

    A task without `creation_date` is created now; a completed one without `completion_date` is
    completed now. `in_list` means that the request has a list of tasks, in which faults name the
    position. Raise Problem 400 for an unfit place, and Problem 409 if the texts of the tasks have
    too many words, or a `uid` is taken.
    """
    now, revision = writes.transaction_date(session), writes.next_revision(session, account)
    rows = []
    faults: list[tuple[int, Fault]] = []
    for index, columns in enumerate(several):
        row = default_columns(Task) | columns | {"position": last_position(revision, index)}
        try:
            row |= date_columns(account, row, row)
            row |= reminder_columns(account, row, row)
        except Problem as problem:
            faults += [(index, fault) for fault in problem.errors]
        row.pop("subtasks", None)  # it has none yet
        completed = row.pop("completed", False)
        row["creation_date"] = row["creation_date"] or now
        row["completion_date"] = row["completion_date"] or (now if completed else None)
        rows.append(row)
    if sum(map(indexed_characters, rows)) > MAX_INDEXED_CHARACTERS:
        raise too_many(len(rows))
    spell_rows(session, account, rows)
    faults += [
        *place_new(session, account, rows),
        *_repeated_uids(rows),
        *late_starts(account, rows),
        *recurrence_faults(account, rows),
        *reminders_without_due_date(rows),
    ]
    if faults:
        raise validation_problem([_located(*fault, in_list=in_list) for fault in faults])
    _set_uids(session, account, rows, in_list=in_list)
    return list(map(TaskRow._make, writes.create(session, Task, account.id, rows)))


def _located(index: int, fault: Fault, *, in_list: bool) -> Fault:
    """Return the fault of one of several tasks with its position."""
    if not in_list:
        return fault
    pointer = f"/tasks/{index}{fault.pointer}"
    return replace(fault, field=f"tasks.{index}.{fault.field}", pointer=pointer)


def _repeated_uids(rows: Sequence[Fields]) -> Iterator[tuple[int, Fault]]:
    """Yield a fault for each uid that an earlier row has, with the row's index."""
    known = set()
    for index, row in enumerate(rows):
        uid = row.get("uid")
        if uid and uid in known:
            yield index, Fault("uid", "duplicate", "Each task needs its own uid.", "/uid")
        known.add(uid)


def _set_uids(
    session: Session, account: AccountRow, rows: Sequence[Fields], *, in_list: bool
) -> None:
    """Give each task without a uid a UUID. Raise Problem 409 for a uid of another task."""
    given = {row["uid"]: index for index, row in enumerate(rows) if row.get("uid")}
    for row in rows:
        row["uid"] = row.get("uid") or str(uuid4())
    if not given:
        return
    taken = [
        select(table.c.id, table.c.uid).where(
            table.c.account_id == account.id, table.c.uid.in_(given)
        )
        for table in (TASKS, TRASH)
    ]
    if found := session.execute(union_all(*taken)).all():
        faults = [
            (given[row.uid], Fault("uid", "taken", f"Task {row.id} has this uid.", "/uid"))
            for row in found
        ]
        detail = f"Task {found[0].id} has this uid. Change that task, or restore it from the trash."
        errors = [_located(*fault, in_list=in_list) for fault in faults]
        raise Problem("uid_taken", detail, errors=errors)


def move_task(
    session: Session, account: AccountRow, task: TaskRow, place: Fields, target: Target
) -> TaskRow:
    """Move the task and its subtasks, and return the task.

    `place` may have `list_id` and `parent_id`; with the former only, the task gets no parent. Raise
    Problem 400 if the task cannot be there, or the object of the target is not there, and Problem
    409 if the subtasks are too many.
    """
    if "list_id" in place:
        place = {"parent_id": None} | place
        refuse_other_list(session, account, place)
    updates = {task.id: (task._asdict(), Fields())}
    if place:
        moved = columns_of_move(session, account, [task._asdict()], place)
        updates |= {row["id"]: (row, columns) for row, columns in moved}
    row, columns = updates[task.id]
    new = row | columns
    siblings = [
        TASKS.c.account_id == account.id,
        TASKS.c.list_id.is_not_distinct_from(new["list_id"]),
        TASKS.c.parent_id.is_not_distinct_from(new["parent_id"]),
        TASKS.c.id != task.id,
    ]
    columns["position"] = position_at(session, account, Task, siblings, target)
    changed, *_ = writes.change(session, Task, account.id, updates.values())
    return TaskRow.of(changed)


def delete_task(session: Session, account: AccountRow, task: TaskRow) -> None:
    """Move the task and its subtasks to the trash. Raise Problem 409 if they are too many."""
    row = task._asdict()
    below = subtasks_of(session, account, Task, [row], with_texts=True)
    writes.delete(session, Task, account.id, [row, *below])


def delete_tasks(
    session: Session, account: AccountRow, filters: dict[str, Any], *, dry_run: bool
) -> int:
    """Move all tasks that match, and their subtasks, to the trash, and return their number.

    Raise Problem 400 without a filter, and Problem 409 for too many tasks. A dry run moves none.
    """
    refuse_without_filter(filters)
    found = read_matching(session, Task, conditions(dialect_of(session), account, filters))
    rows = [row._asdict() for row in found]
    rows += subtasks_of(session, account, Task, rows, with_texts=True)
    if not dry_run:
        writes.delete(session, Task, account.id, rows)
    return len(rows)


def count_tasks(db: Database, account: AccountRow, filters: dict[str, Any]) -> int:
    """Return the number of the account's tasks that match."""
    matching = conditions(dialect_of(db), account, filters)
    return db.scalar(count_query(Task, matching)) or 0


def task_counts(db: Database, account: AccountRow, filters: dict[str, Any]) -> dict[str, int]:
    """Return the number of the account's tasks that match, in each of the usual lists."""
    dialect = dialect_of(db)
    values = due_parameters("overdue", account.zone) | due_parameters("today", account.zone)
    values |= parameters(dialect, account, filters)
    sizes = _sizes(dialect.name, filter_shape(filters))
    return dict(db.execute(sizes, values).mappings().one())


@cache
def _sizes(dialect_name: str, shape: FilterShape) -> Select[Any]:
    lists = {
        "open": is_open(),
        "completed": is_completed(),
        "overdue": due("overdue"),
        "due_today": due("today"),
        "undated": due("none"),
    }
    matching = parametrized_conditions(dialect_name, shape)
    # One subquery per list, so that each count uses its own index.
    return select(
        *(
            count_query(Task, [*matching, condition]).scalar_subquery().label(name)
            for name, condition in lists.items()
        )
    )
