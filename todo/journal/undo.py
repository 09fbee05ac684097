"""Undo: revert the changes that one request made."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.days import parse_date
from todo.http.errors import Conflict, Problem
from todo.http.schema import is_time
from todo.journal import writes
from todo.models.change import CHANGES, CREATE, DELETE, RESTORE, UPDATE
from todo.models.journalled import (
    Journalled,
    columns_except,
    default_columns,
    model_of,
    trash_of,
)
from todo.models.json import to_json
from todo.models.trash import is_restorable

BATCH_SIZE = 500  # changes in memory at once
MAX_CONFLICTS = 100  # listed in an answer

Fields = dict[str, Any]
Model = Any  # a subclass of Journalled


def undo(session: Session, account: AccountRow, revision: int, trash_retention: timedelta) -> int:
    """Revert the changes of the revision and return the number of objects.

    Raise Problem 409, and change nothing, if the changes cannot be undone or if an object has later
    changes.
    """
    kinds = _kinds(session, account, revision)
    writes.keep_journal(session)
    conflicts: list[Conflict] = []
    undone = 0
    for model, batch in _batches(session, account, revision, kinds):
        current = _current_rows(session, account, model, batch, trash_retention)
        conflicts += _conflicts(model, batch, current)
        if len(conflicts) >= MAX_CONFLICTS:
            break
        if not conflicts:
            _revert(session, account, model, batch, current)
            undone += len(batch)
    if conflicts:
        raise undo_conflict(conflicts)
    return undone


def undo_conflict(conflicts: list[Conflict]) -> Problem:
    """Return Problem 409 for objects with later changes; it rolls back the transaction."""
    return Problem(
        "undo_conflict",
        "Later changes prevent the undo; `conflicts` lists the objects and fields.",
        extensions={"conflicts": conflicts[:MAX_CONFLICTS]},
    )


def _kinds(session: Session, account: AccountRow, revision: int) -> list[str]:
    """Return the kinds of the changes. Raise Problem 409 if they cannot be undone, or not at once.

    Only a change from before these limits is too much: an undo records as many bytes as the change.
    """
    kept_values = func.count(
        case((CHANGES.c.before.is_not(None) | CHANGES.c.after.is_not(None), 1))
    )
    query = select(CHANGES.c.kind, func.count(), kept_values, func.sum(CHANGES.c.size))
    rows = session.execute(
        query.where(*_of_revision(account, revision)).group_by(CHANGES.c.kind)
    ).all()
    if not any(row[2] for row in rows) or not all(model_of(row.kind).is_undoable for row in rows):
        raise Problem(
            "not_undoable",
            "Changes to the profile, to reminders that have fired, and to permanently deleted "
            "tasks cannot be undone.",
        )
    if sum(row[3] for row in rows) > writes.MAX_RECORDED_BYTES:
        raise writes.too_many(sum(row[1] for row in rows))
    return sorted(row.kind for row in rows)


def _conflicts(
    model: Model, batch: Sequence[Any], current: dict[int, Fields]
) -> Iterator[Conflict]:
    """Yield the objects that are missing or differ from the state after the revision."""
    for each in batch:
        left = (each.before if each.action == DELETE else each.after) or {}
        row = current.get(each.object_id)
        now = {} if row is None else recorded(model, row)
        differing = [name for name in left if name not in now or now[name] != left[name]]
        if differing or not left:  # a purge erases the values
            yield Conflict(model.kind, each.object_id, sorted(differing))


def _current_rows(
    session: Session,
    account: AccountRow,
    model: Model,
    batch: Sequence[Any],
    trash_retention: timedelta,
) -> dict[int, Fields]:
    """Return the current columns of the objects by id; of deleted ones, those to restore."""
    trash = trash_of(model.kind)
    deleted = [each.object_id for each in batch if each.action == DELETE]
    others = [each.object_id for each in batch if each.action != DELETE]
    rows = _read(session, account, model, others)
    if trash is not None:
        return rows | _read(session, account, trash, deleted, is_restorable(trash_retention))
    # The journal has all fields of a deleted object. Its id is not used again, but an earlier undo
    # may have restored it.
    restored = _read(session, account, model, deleted)
    return rows | {
        each.object_id: default_columns(model)
        | _columns(model, each.before or {})
        | {"id": each.object_id}
        for each in batch
        if each.action == DELETE and each.object_id not in restored
    }


def _read(
    session: Session,
    account: AccountRow,
    model: Model,
    ids: list[int],
    *conditions: ColumnElement[bool],
) -> dict[int, Fields]:
    """Return the columns of the account's rows by id."""
    if not ids:
        return {}
    table = model.__table__
    # The sum hides the account indexes, so the database looks rows up by id.
    owned = (table.c.id.in_(ids), table.c.account_id + 0 == account.id)
    query = select(*columns_except(table, model.database_only)).where(*owned, *conditions)
    return {row.id: row._asdict() for row in session.execute(query)}


def _revert(
    session: Session,
    account: AccountRow,
    model: Model,
    batch: Sequence[Any],
    current: dict[int, Fields],
) -> None:
    def rows(*actions: str) -> list[Any]:
        return [each for each in batch if each.action in actions]

    updates = [
        (current[each.object_id], _columns(model, each.before or {})) for each in rows(UPDATE)
    ]
    writes.change(session, model, account.id, updates)
    deleted = [current[each.object_id] for each in rows(DELETE)]
    writes.restore(session, model, account.id, deleted)
    created = [current[each.object_id] for each in rows(CREATE, RESTORE)]
    writes.delete(session, model, account.id, created)


def recorded(model: type[Journalled], row: Fields) -> Fields:
    """Return the recorded fields of a row in the JSON form of the journal."""
    fields: Fields = json.loads(to_json(model.recorded(row)))
    return fields


def _columns(model: type[Journalled], fields: Fields) -> Fields:
    """Return the columns for fields in the JSON form of the journal."""
    return model.columns_of(
        {
            name: parse_date(value) if is_time(name) and value is not None else value
            for name, value in fields.items()
        }
    )


def _batches(
    session: Session, account: AccountRow, revision: int, kinds: list[str]
) -> Iterator[tuple[Model, Sequence[Any]]]:
    """Yield the changes of the revision in batches of one kind, by id."""
    for kind in kinds:
        mine = [*_of_revision(account, revision), CHANGES.c.kind == kind]
        query = select(*CHANGES.c).where(*mine)
        query = query.order_by(CHANGES.c.object_id).limit(BATCH_SIZE)
        last = 0
        while batch := session.execute(query.where(CHANGES.c.object_id > last)).all():
            yield model_of(kind), batch
            last = batch[-1].object_id


def _of_revision(account: AccountRow, revision: int) -> list[ColumnElement[bool]]:
    return [CHANGES.c.account_id == account.id, CHANGES.c.revision == revision]
