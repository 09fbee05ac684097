"""Undo: revert the changes that one request made to tasks."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.days import parse_date
from todo.http.errors import Conflict, Problem
from todo.journal import writes
from todo.models.change import CHANGES, CREATE, DELETE, RESTORE, UPDATE
from todo.models.journalled import Journalled
from todo.models.json import to_json
from todo.models.meta import UTCDateTime
from todo.models.task import TASK_COLUMNS, TASKS, Task, columns_of
from todo.models.trash import TRASH, TRASH_COLUMNS, TrashedTask, is_restorable

BATCH_SIZE = 500  # changes in memory at once
MAX_CONFLICTS = 100  # listed in an answer

# The fields that the journal stores as date strings.
DATES = {"due_date", *(each.key for each in TASK_COLUMNS if isinstance(each.type, UTCDateTime))}

Fields = dict[str, Any]


def undo(session: Session, account: AccountRow, revision: int, trash_retention: timedelta) -> int:
    """Revert the changes of the revision and return the number of tasks.

    Raise Problem 409, and change nothing, if the changes cannot be undone or if a task has later
    changes.
    """
    _refuse_impossible(session, account, revision)
    writes.keep_journal(session)
    conflicts: list[Conflict] = []
    undone = 0
    for batch in _batches(session, account, revision):
        current = _current_rows(session, account, batch, trash_retention)
        conflicts += _conflicts(batch, current)
        if len(conflicts) >= MAX_CONFLICTS:
            break
        if not conflicts:
            _revert(session, account, batch, current)
            undone += len(batch)
    if conflicts:  # the transaction is rolled back
        raise Problem(
            "undo_conflict",
            "Later changes prevent the undo; `conflicts` lists the tasks and fields.",
            extensions={"conflicts": conflicts[:MAX_CONFLICTS]},
        )
    return undone


def _refuse_impossible(session: Session, account: AccountRow, revision: int) -> None:
    """Raise Problem 409 if nothing can be undone, or too much at once.

    Only a change from before these limits is too much: an undo records as many bytes as the change.
    """
    kept_values = func.count(
        case((CHANGES.c.before.is_not(None) | CHANGES.c.after.is_not(None), 1))
    )
    query = select(CHANGES.c.kind, func.count(), kept_values, func.sum(CHANGES.c.size))
    rows = session.execute(
        query.where(*_of_revision(account, revision)).group_by(CHANGES.c.kind)
    ).all()
    if not any(row[2] for row in rows) or any(row.kind != Task.kind for row in rows):
        raise Problem(
            "not_undoable",
            "Changes to the profile, and to permanently deleted tasks, cannot be undone.",
        )
    [(_, count, _, size)] = rows
    if size > writes.MAX_RECORDED_BYTES:
        raise writes.too_many(count)


def _conflicts(batch: Sequence[Any], current: dict[int, Fields]) -> Iterator[Conflict]:
    """Yield the tasks that are missing or differ from the state after the revision."""
    for each in batch:
        left = (each.before if each.action == DELETE else each.after) or {}
        row = current.get(each.object_id)
        now = {} if row is None else recorded(Task, row)
        differing = [name for name in left if name not in now or now[name] != left[name]]
        if differing or not left:  # a purge erases the values
            yield Conflict(each.object_id, sorted(differing))


def _current_rows(
    session: Session, account: AccountRow, batch: Sequence[Any], trash_retention: timedelta
) -> dict[int, Fields]:
    """Return the current columns of the tasks by id; of deleted tasks, those in the trash."""
    deleted = [each.object_id for each in batch if each.action == DELETE]
    others = [each.object_id for each in batch if each.action != DELETE]
    found: list[Any] = []
    if deleted:
        found += session.execute(
            select(*TRASH_COLUMNS).where(
                *_owned_rows(TRASH, account, deleted), is_restorable(trash_retention)
            )
        )
    if others:
        found += session.execute(select(*TASK_COLUMNS).where(*_owned_rows(TASKS, account, others)))
    return {row.id: row._asdict() for row in found}


def _owned_rows(table: Any, account: AccountRow, ids: list[int]) -> list[ColumnElement[bool]]:
    # The sum hides the account indexes, so the database looks rows up by id.
    return [table.c.id.in_(ids), table.c.account_id + 0 == account.id]


def _revert(
    session: Session, account: AccountRow, batch: Sequence[Any], current: dict[int, Fields]
) -> None:
    updated = [each for each in batch if each.action == UPDATE]
    wanted = [(current[each.object_id], _columns(each.before or {})) for each in updated]
    writes.change(session, Task, account.id, wanted)
    for source, target, action, rows in (
        (TrashedTask, Task, RESTORE, _rows(batch, current, {DELETE})),
        (Task, TrashedTask, DELETE, _rows(batch, current, {CREATE, RESTORE})),
    ):
        writes.move(session, source, target, account.id, action, rows)


def _rows(batch: Iterable[Any], current: dict[int, Fields], actions: set[str]) -> list[Fields]:
    return [current[each.object_id] for each in batch if each.action in actions]


def recorded(model: type[Journalled], row: Fields) -> Fields:
    """Return the recorded fields of a row in the JSON form of the journal."""
    fields: Fields = json.loads(to_json(model.recorded(row)))
    return fields


def _columns(before: Fields) -> Fields:
    """Return the columns for fields in the JSON form of the journal."""
    return columns_of(
        {
            name: parse_date(value) if name in DATES and value is not None else value
            for name, value in before.items()
            if name != "completed"  # it follows from completion_date
        }
    )


def _batches(session: Session, account: AccountRow, revision: int) -> Iterator[Sequence[Any]]:
    """Yield the changes of the revision in batches, by task id."""
    query = select(*CHANGES.c).where(*_of_revision(account, revision)).order_by(CHANGES.c.object_id)
    last = 0
    while batch := session.execute(query.where(CHANGES.c.object_id > last).limit(BATCH_SIZE)).all():
        yield batch
        last = batch[-1].object_id


def _of_revision(account: AccountRow, revision: int) -> list[ColumnElement[bool]]:
    return [CHANGES.c.account_id == account.id, CHANGES.c.revision == revision]
