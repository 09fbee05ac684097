"""Change, complete and skip tasks, one or many at once."""

from typing import Any

from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Fault, Problem, validation_problem
from todo.journal import writes
from todo.journal.writes import MAX_TASKS, too_many
from todo.listing.filters import conditions
from todo.models.engine import dialect_of
from todo.models.label import LABELS_MAX, label_key
from todo.models.task import TIMED_FIELDS, Task, TaskRow, label_columns
from todo.services.dates import refuse_late_start, timed_columns
from todo.services.labels import spell, spell_rows, without_repetition
from todo.services.matching import read_matching, refuse_without_filter
from todo.services.placement import PLACE, columns_of_move, subtasks_of
from todo.services.recurrence import refuse_unfit_recurrence, time_columns
from todo.services.reminder_times import refuse_without_due_date
from todo.services.series import (
    Advance,
    advance,
    completed_occurrence,
    create_occurrences,
    is_current,
    is_passed,
    other_occurrence,
)

Fields = dict[str, Any]
Update = tuple[Fields, Fields]  # a row and the columns to set


def change_task(
    session: Session, account: AccountRow, task: TaskRow, columns: dict[str, Any]
) -> tuple[TaskRow, TaskRow | None]:
    """Set the columns, and return the changed task, and its completed occurrence if it recurs.

    Change nothing if the columns have an `occurrence` that is completed already.
    """
    row = task._asdict()
    occurrence = columns.get("occurrence")
    if occurrence is not None and not is_current(account, row, occurrence):
        return task, completed_occurrence(session, account, row, occurrence)
    if occurrence is not None and task.completed:
        return task, None
    planned = _plan(session, account, [row], columns)
    [changed, *_], occurrences = _write(session, account, planned)
    # Those of subtasks are its subtasks, too.
    changed["subtasks_total"] += sum(each.parent_id == task.id for each in occurrences)
    own = (each for each in occurrences if each.occurrence_of == task.id)
    return TaskRow.of(changed), next(own, None)


def skip_occurrence(
    session: Session, account: AccountRow, task: TaskRow, completing: Fields
) -> TaskRow:
    """Move a task that recurs on to its next date, without a completed occurrence; return the task.

    Change nothing if it has gone on from the `occurrence` already. Raise Problem 409 if it does not
    recur.
    """
    row = task._asdict()
    occurrence = completing.get("occurrence")
    if occurrence is not None and not is_current(account, row, occurrence):
        if is_passed(account, row, occurrence):
            return task
        raise other_occurrence()
    if occurrence is not None and task.recurrence and task.completed:
        return task  # it was the last one
    if task.recurrence is None or task.completed:
        raise Problem("not_recurring", "The task does not recur, or is completed.")
    catch_up = bool(completing.get("catch_up"))
    planned = advance(session, account, [row], catch_up=catch_up, skip=True)
    changed, *_ = writes.change(session, Task, account.id, planned.updates)
    return TaskRow.of(changed)


def _write(
    session: Session, account: AccountRow, planned: Advance
) -> tuple[list[Fields], list[TaskRow]]:
    """Make the changes, and return the changed tasks and the completed occurrences."""
    occurrences = create_occurrences(session, account, planned.occurrences)
    return writes.change(session, Task, account.id, planned.updates), occurrences


def _plan(session: Session, account: AccountRow, tasks: list[Fields], columns: Fields) -> Advance:
    """Return the changes to the tasks, and to subtasks that are moved or completed along."""
    columns = {name: value for name, value in columns.items() if name != "occurrence"}
    completed, with_subtasks = columns.pop("completed", None), columns.pop("subtasks", False)
    catch_up = columns.pop("catch_up", False)
    target = {name: columns.pop(name) for name in PLACE if name in columns}
    own = _own_columns(session, account, tasks, columns)
    updates = {task["id"]: (task, own[task["id"]]) for task in tasks}

    def add(row: Fields, more: Fields) -> None:
        updates.setdefault(row["id"], (row, {}))[1].update(more)

    if target:
        for row, place in columns_of_move(session, account, tasks, target):
            add(row, place)
    planned = Advance()
    if completed is not None:
        below = subtasks_of(session, account, Task, tasks) if with_subtasks else []
        rows = {row["id"]: row for row in (*below, *tasks)}
        changed = {row_id: set_columns for row_id, (_, set_columns) in updates.items()}
        new = [row | changed.get(row_id, {}) for row_id, row in rows.items()]
        if completed:
            planned = _completion(session, account, new, changed, catch_up=catch_up)
        else:
            is_done = (row for row in new if row["completion_date"] is not None)
            planned.updates = [(row, {"completion_date": None}) for row in is_done]
        for row, more in planned.updates:
            add(row, more)
    count = len(updates) + sum(map(len, planned.occurrences))
    if count > MAX_TASKS:
        raise too_many(count)
    return Advance(list(updates.values()), planned.occurrences)


def _completion(
    session: Session,
    account: AccountRow,
    tasks: list[Fields],
    changed: dict[int, Fields],
    *,
    catch_up: bool,
) -> Advance:
    """Return the changes that complete the tasks; those that recur go on."""
    # A task that is already completed keeps its date.
    rows = [row for row in tasks if row["completion_date"] is None]
    recurring = [row for row in rows if row["recurrence"]]
    planned = advance(session, account, recurring, changed=changed, catch_up=catch_up)
    done = {"completion_date": writes.transaction_date(session)}
    going_on = planned.ids
    planned.updates += [(row, done) for row in rows if row["id"] not in going_on]
    return planned


def _own_columns(
    session: Session, account: AccountRow, tasks: list[Fields], columns: Fields
) -> dict[int, Fields]:
    """Return the columns to set in each task, of those that depend on no other task."""
    columns = dict(columns)
    spell_rows(session, account, [columns])
    [added] = spell(session, account, [columns.pop("add_labels", [])])
    removed = set(map(label_key, columns.pop("remove_labels", [])))
    timed = {name: columns.pop(name) for name in TIMED_FIELDS if name in columns}
    own = {task["id"]: columns | timed_columns(account, task, columns | timed) for task in tasks}
    updates = [(task, own[task["id"]]) for task in tasks]
    refuse_without_due_date(updates)
    for task in tasks:
        own[task["id"]] |= time_columns(task, own[task["id"]])
    if timed or not columns.keys().isdisjoint({"timezone", "recurrence"}):
        refuse_late_start(account, updates)
        refuse_unfit_recurrence(account, updates)
    if added or removed:
        for task in tasks:
            names = columns["labels"] if "labels" in columns else task["labels"]
            kept = [name for name in names if label_key(name) not in removed]
            own[task["id"]] |= _changed_labels(task["id"], [*kept, *added])
    return own


def _changed_labels(task_id: int, names: list[str]) -> Fields:
    """Return the columns that hold the labels. Raise Problem 400 if they are too many."""
    names = without_repetition(names)
    if len(names) > LABELS_MAX:
        message = f"Task {task_id} would have more than {LABELS_MAX} labels."
        raise validation_problem([Fault("add_labels", "too_long", message, "/add_labels")])
    return label_columns(names)


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
    tasks = [row._asdict() for row in read_matching(session, Task, matching, columns)]
    occurrence = columns.get("occurrence")
    means = [
        task
        for task in tasks
        if occurrence is None
        or (is_current(account, task, occurrence) and task["completion_date"] is None)
    ]
    planned = _plan(session, account, means, columns)
    if not dry_run:
        _write(session, account, planned)
    return len(tasks)
