"""Undo the changes of a request, if that leaves every task in a place that exists."""

from datetime import timedelta

from sqlalchemy import (
    CompoundSelect,
    Select,
    Text,
    and_,
    literal,
    not_,
    or_,
    select,
    type_coerce,
    union,
)
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Conflict
from todo.journal import undo as journal
from todo.journal.writes import next_revision
from todo.models.change import CHANGES, RESTORE, UPDATE
from todo.models.filter import Filter
from todo.models.list import LISTS, List
from todo.models.task import DEPTH_MAX, TASK_COLUMNS, TASKS, TIMED_FIELDS, Task
from todo.services import filters, lists
from todo.services.dates import late_starts
from todo.services.reminder_times import reminders_without_due_date

_DATED = {*TIMED_FIELDS, "timezone"}


def undo(session: Session, account: AccountRow, revision: int, trash_retention: timedelta) -> int:
    """Revert the changes of the revision and return the number of objects.

    Raise Problem 409, and change nothing, if they cannot be undone, if an object has later changes,
    if a task would lose its list, its parent, or a due date that it needs, or be nested too deeply,
    or if the account would have too many lists or filters.
    """
    _refuse_undated(session, account, revision)
    undone = journal.undo(session, account, revision, trash_retention)
    _refuse_lost_tasks(session, account)
    _refuse_too_many_restored(session, account)
    _refuse_wrong_dates(session, account)
    return undone


def _refuse_undated(session: Session, account: AccountRow, revision: int) -> None:
    """Raise Problem 409 if the undo would clear the due date of a task that recurs.

    A constraint of the table refuses this as well, but cannot name the task.
    """
    before = type_coerce(CHANGES.c.before, Text)
    of_changed = and_(TASKS.c.account_id == CHANGES.c.account_id, TASKS.c.id == CHANGES.c.object_id)
    query = (
        select(TASKS.c.id)
        .join(CHANGES, of_changed)
        .where(
            CHANGES.c.account_id == account.id,
            CHANGES.c.revision == revision,
            CHANGES.c.kind == Task.kind,
            CHANGES.c.action == UPDATE,
            # In a text of the JSON, a quote has a backslash before it.
            before.contains('"due_date":null'),
            not_(before.contains('"recurrence":null')),
            TASKS.c.recurrence.is_not(None),
        )
    )
    undated = session.scalars(query.limit(journal.MAX_CONFLICTS)).all()
    if undated:
        raise journal.undo_conflict(
            [Conflict(Task.kind, task_id, ["due_date", "recurrence"]) for task_id in undated]
        )


def _refuse_wrong_dates(session: Session, account: AccountRow) -> None:
    """Raise Problem 409 if this transaction has left a task with dates that do not fit.

    It would start after its due date, or have a reminder before a due date that is missing.
    """
    # A restored task was late before.
    of_changed = and_(TASKS.c.account_id == CHANGES.c.account_id, TASKS.c.id == CHANGES.c.object_id)
    query = (
        select(CHANGES.c.after, *TASK_COLUMNS)
        .join(TASKS, of_changed)
        .where(
            CHANGES.c.account_id == account.id,
            CHANGES.c.revision == next_revision(session, account),
            CHANGES.c.kind == Task.kind,
            CHANGES.c.action == UPDATE,
            or_(
                and_(TASKS.c.start_at.is_not(None), TASKS.c.due_at.is_not(None)),
                and_(TASKS.c.reminders.is_not(None), TASKS.c.due_at.is_(None)),
            ),
        )
    )
    found = session.execute(query)
    rows = [row._asdict() for row in found if not _DATED.isdisjoint(row.after)]
    conflicts = [
        Conflict(Task.kind, rows[index]["id"], ["due_date", fault.field])
        for faults in (late_starts(account, rows), reminders_without_due_date(rows))
        for index, fault in faults
    ]
    if conflicts:
        raise journal.undo_conflict(conflicts)


def _refuse_too_many_restored(session: Session, account: AccountRow) -> None:
    """Raise Problem 409 if this transaction has restored a list or filter beyond their number."""
    restored = select(CHANGES.c.kind).where(
        CHANGES.c.account_id == account.id,
        CHANGES.c.revision == next_revision(session, account),
        CHANGES.c.kind.in_([List.kind, Filter.kind]),
        CHANGES.c.action == RESTORE,
    )
    kinds = session.scalars(restored.distinct()).all()
    if List.kind in kinds:
        count = session.scalar(lists.count_lists(account)) or 0
        if count > lists.MAX_LISTS:
            raise lists.too_many_lists(count)
    if Filter.kind in kinds:
        count = session.scalar(filters.count_filters(account)) or 0
        if count > filters.MAX_FILTERS:
            raise filters.too_many_filters(count)


def _refuse_lost_tasks(session: Session, account: AccountRow) -> None:
    """Raise Problem 409 if this transaction has left a task in a place that does not exist."""
    revision = next_revision(session, account)

    def changed(kind: str) -> Select[int]:
        return select(CHANGES.c.object_id).where(
            CHANGES.c.account_id == account.id,
            CHANGES.c.revision == revision,
            CHANGES.c.kind == kind,
        )

    tasks = changed(Task.kind)
    mine = select(TASKS.c.id).where(TASKS.c.account_id == account.id)
    # A union, because SQLite would read all tasks of the account for these conditions with OR.
    near = union(
        tasks,
        mine.where(TASKS.c.parent_id.in_(tasks)),
        mine.where(TASKS.c.list_id.in_(changed(List.kind))),
    )
    lost = session.execute(_lost(account, near)).all()
    conflicts = [Conflict(Task.kind, row.id, ["list_id", "parent_id"]) for row in lost]
    conflicts = conflicts or [
        Conflict(Task.kind, task_id, ["parent_id"])
        for task_id in session.scalars(_too_deep(account, tasks))
    ]
    if conflicts:
        raise journal.undo_conflict(conflicts)


def _lost(account: AccountRow, near: CompoundSelect[int]) -> Select[int]:
    """Return the query for tasks of these whose list or parent is missing, or in another list."""
    parent = TASKS.alias("parent")
    same_account = TASKS.c.account_id == account.id
    return (
        select(TASKS.c.id)
        .outerjoin(
            parent, and_(parent.c.account_id == account.id, parent.c.id == TASKS.c.parent_id)
        )
        .outerjoin(LISTS, and_(LISTS.c.account_id == account.id, LISTS.c.id == TASKS.c.list_id))
        .where(
            same_account,
            TASKS.c.id.in_(near),
            or_(
                and_(TASKS.c.list_id.is_not(None), LISTS.c.id.is_(None)),
                and_(
                    TASKS.c.parent_id.is_not(None),
                    or_(
                        parent.c.id.is_(None),
                        parent.c.list_id.is_distinct_from(TASKS.c.list_id),
                    ),
                ),
            ),
        )
        .limit(journal.MAX_CONFLICTS)
    )


def _too_deep(account: AccountRow, tasks: Select[int]) -> Select[int]:
    """Return the query for those of the tasks, and of their subtasks, with too many ancestors."""
    child, above = TASKS.alias("child"), TASKS.alias("above")
    below = (
        select(TASKS.c.id, TASKS.c.parent_id)
        .where(TASKS.c.account_id == account.id, TASKS.c.id.in_(tasks))
        .cte("below", recursive=True)
    )
    below = below.union(
        select(child.c.id, child.c.parent_id).where(
            child.c.account_id == account.id, child.c.parent_id == below.c.id
        )
    )
    line = select(below.c.id, below.c.parent_id, literal(1).label("depth")).cte(
        "line", recursive=True
    )
    line = line.union_all(
        select(line.c.id, above.c.parent_id, line.c.depth + 1).where(
            above.c.account_id == account.id,
            above.c.id == line.c.parent_id,
            line.c.depth <= DEPTH_MAX,  # ends a cycle
        )
    )
    deep = select(line.c.id).where(line.c.depth > DEPTH_MAX)
    return deep.distinct().limit(journal.MAX_CONFLICTS)
