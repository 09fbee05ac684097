"""Undo: what one request has changed of tasks, changed back by another."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from todo.http.errors import Conflict, Problem
from todo.http.request import Request
from todo.listing.filters import of_account_by_id, rows_of
from todo.models import Change, Task, TrashedTask, journal
from todo.models.change import DELETE, RESTORE, UPDATE
from todo.models.task import columns_of
from todo.models.trash import TRASH_DAYS, is_kept
from todo.schemas.dates import parse_date
from todo.services.tasks import MOST_WORDS_AT_ONCE

BATCH = 500  # changes in memory
MAX_CONFLICTS = 100  # that an answer names

# Of the fields that an update changes, those that the journal has as the text of a date.
DATES = frozenset({"due_date", "completion_date"})


def offer_undo(request: Request) -> None:
    """Name, in the answer's header, what undoes the changes of tasks that the request has made."""
    account = request.identity.account
    request.dbsession.flush()
    revision = journal.revision_of(request.dbsession, account.id)
    if revision is not None:
        path = request.route_path("undo", username=account.username, revision=revision)
        request.response.headers["Link"] = f'<{path}>; rel="undo"'  # RFC 8288


def undo(request: Request, revision: int) -> int:
    """Change back what the revision has changed, and return how many tasks these are.

    Raises Problem with 409 where that cannot be, or where a task is not as the revision left it;
    then nothing is changed.
    """
    counts = _counts(request, revision)
    if conflicts := _conflicts(request, revision):
        raise Problem(
            "undo_conflict",
            "Later changes stand in the way; `conflicts` names the tasks and the fields.",
            extensions={"conflicts": conflicts},
        )
    for action in counts:
        if action == UPDATE:
            _set_back(request, revision)
        elif action == DELETE:
            deleted = TrashedTask.id.in_(_ids(request, revision, action))
            rows_of(request, TrashedTask, deleted).move(Task, RESTORE)
        else:
            made = Task.id.in_(_ids(request, revision, action))
            rows_of(request, Task, made).move(TrashedTask, DELETE)
    return sum(counts.values())


def _counts(request: Request, revision: int) -> dict[str, int]:
    """Return how many tasks the revision has changed in each way.

    Raises Problem with 409 where there is nothing that an undo could change back, or too much.
    """
    kept_values = func.count(case((Change.before.is_not(None) | Change.after.is_not(None), 1)))
    texts = func.sum(case((Change.action == UPDATE, func.length(Change.before)), else_=0))
    found = select(Change.kind, Change.action, func.count(), kept_values, texts)
    rows = request.dbsession.execute(
        found.where(*_of_revision(request, revision)).group_by(Change.kind, Change.action)
    ).all()
    if not any(row[3] for row in rows) or any(row.kind != Task.kind for row in rows):
        raise Problem(
            "not_undoable",
            "What was changed in the profile cannot be undone, nor what has gone for good.",
        )
    words = func.sum(func.length(Task.name_words) + func.length(Task.note_words))
    updated = Task.id.in_(_ids(request, revision, UPDATE))
    indexed = request.dbsession.scalar(
        select(words).where(of_account_by_id(request, Task), updated)
    )
    count = sum(row[2] for row in rows)
    if sum(row[4] for row in rows) + (indexed or 0) > MOST_WORDS_AT_ONCE:
        raise Problem(
            "too_many",
            f"The texts of these {count} tasks have, as they are and as they were, more than "
            f"{MOST_WORDS_AT_ONCE} characters: change them back in smaller parts.",
            extensions={"count": count},
        )
    return {row.action: row[2] for row in rows}


def _conflicts(request: Request, revision: int) -> list[Conflict]:
    """Return the tasks that are not there, or whose fields are not as the revision left them."""
    conflicts: list[Conflict] = []
    for batch in _batches(request, revision):
        there = _there(request, batch)
        for each in batch:
            left = (each.before if each.action == DELETE else each.after) or {}
            now = there.get(each.object_id, {})
            differing = [name for name in left if name not in now or now[name] != left[name]]
            if differing or not left:  # the values of what has gone for good are not kept
                conflicts.append(Conflict(each.object_id, sorted(differing)))
        if len(conflicts) >= MAX_CONFLICTS:
            break
    return conflicts[:MAX_CONFLICTS]


def _there(request: Request, batch: Sequence[Change]) -> dict[int, dict[str, Any]]:
    """Return the fields of the tasks: of those that were deleted, as they are in the trash."""
    deleted = [each.object_id for each in batch if each.action == DELETE]
    others = [each.object_id for each in batch if each.action != DELETE]
    days = request.registry.settings[TRASH_DAYS]
    trash = select(TrashedTask).where(
        of_account_by_id(request, TrashedTask), is_kept(days), TrashedTask.id.in_(deleted)
    )
    tasks = select(Task).where(of_account_by_id(request, Task), Task.id.in_(others))
    session = request.dbsession
    found: list[Task | TrashedTask] = [*session.scalars(trash), *session.scalars(tasks)]
    return {task.id: journal.fields_of(task) for task in found}


def _set_back(request: Request, revision: int) -> None:
    """Give the tasks that were updated the values of before."""
    rows = rows_of(request, Task, Task.id.in_(_ids(request, revision, UPDATE)))
    rows.record_reverse(revision)
    for batch in _batches(request, revision):
        updated = [each for each in batch if each.action == UPDATE]
        rows.set_each({each.object_id: _columns(each.before or {}) for each in updated})


def _columns(before: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that hold the fields, which the journal has as JSON."""
    values = {
        name: parse_date(value) if name in DATES and value is not None else value
        for name, value in before.items()
    }
    completed = {name: value for name, value in values.items() if name == "completion_date"}
    return columns_of(values) | completed


def _batches(request: Request, revision: int) -> Iterator[Sequence[Change]]:
    """Yield the changes of the revision, by the ids of the tasks."""
    query = select(Change).where(*_of_revision(request, revision)).order_by(Change.object_id)
    last = 0
    while batch := request.dbsession.scalars(
        query.where(Change.object_id > last).limit(BATCH)
    ).all():
        yield batch
        last = batch[-1].object_id


def _of_revision(request: Request, revision: int) -> list[ColumnElement[bool]]:
    return [Change.account_id == request.identity.account.id, Change.revision == revision]


def _ids(request: Request, revision: int, action: str) -> Select[int]:
    return select(Change.object_id).where(
        *_of_revision(request, revision), Change.kind == Task.kind, Change.action == action
    )
