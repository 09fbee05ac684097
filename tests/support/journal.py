"""Check the journal against the tables: replaying it must give the stored rows."""

import json
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from todo.models import Account, Base, Change, Filter, List, Reminder, Task, TrashedTask
from todo.models.change import CREATE, DELETE, PURGE, RESTORE
from todo.models.journalled import Journalled, columns_except
from todo.models.json import to_json

DATE = "modification_date"
TRASH = "trash"
INSTANTS = {
    *(DATE, "creation_date", "completion_date", "date_joined", "due_date", "start_date"),
    *("at", "fired_date", "snoozed_until", "dismissed_date"),  # of reminders
}
PLACE = ("list_id", "parent_id")  # a restored task whose list or parent is gone has others
JOURNAL_ORDER = (Change.revision, Change.kind, Change.object_id)

# (kind, id) -> (revision, fields)
State = dict[tuple[str, int], tuple[int, dict[str, Any]]]


def changes_of(session: Session, account_id: int) -> list[Change]:
    """Return the account's changes in journal order."""
    query = select(Change).where(Change.account_id == account_id)
    return list(session.scalars(query.order_by(*JOURNAL_ORDER)))


def shown(values: dict[str, Any] | None) -> dict[str, Any]:
    """Return recorded values as answers show them: times in whole seconds."""
    return {
        name: f"{value[:19]}Z" if name in INSTANTS and value and "T" in value else value
        for name, value in (values or {}).items()
    }


def check(session: Session, *, purged: bool = False) -> None:
    """Check that no revision is missing and that the journal leads to the stored rows.

    In a `purged` journal, the oldest revisions may be missing.
    """
    stored = stored_states(session)
    check_sizes(session)
    check_places(session)
    by_account: dict[int, list[Change]] = defaultdict(list)
    for change in session.scalars(select(Change).order_by(*JOURNAL_ORDER)):
        by_account[change.account_id].append(change)
    # The profile of a closed account is overwritten without a record.
    for account in session.scalars(select(Account).where(Account.closed_date.is_(None))):
        changes = by_account[account.id]
        revisions = {change.revision for change in changes}
        first = min(revisions, default=account.revision + 1) if purged else 1
        assert revisions == set(range(first, account.revision + 1))
        if first == 1:
            check_complete(changes, stored[account.id])
        else:
            check_purged(changes, stored[account.id], first)


def check_sizes(session: Session) -> None:
    """Check the sizes of rows, and their sums in the accounts."""
    stored, changes = Counter[int](), Counter[int]()
    rows: list[Task | TrashedTask | List | Filter | Reminder] = []
    for model in (Task, TrashedTask, List, Filter, Reminder):
        rows += session.scalars(select(model))
    for row in rows:
        fields = recorded_fields(row)
        texts = [value for name, value in fields.items() if name not in INSTANTS]
        assert row.size == 200 + sum(map(json_length, texts))
        stored[row.account_id] += row.size
    for change in session.scalars(select(Change)):
        recorded = [*(change.before or {}).items(), *(change.after or {}).items()]
        texts = [value for name, value in recorded if name not in INSTANTS]
        assert change.size == 200 + sum(map(json_length, texts))
        changes[change.account_id] += change.size
    for account in session.scalars(select(Account)):
        used = (account.task_bytes, account.journal_bytes)
        assert used == (stored[account.id], changes[account.id])


def check_places(session: Session) -> None:
    """Check that subtasks are in the list of their parent, and counted there."""
    tasks = {task.id: task for task in session.scalars(select(Task))}
    total, still_open = Counter[int](), Counter[int]()
    for task in tasks.values():
        if task.parent_id is not None:
            parent = tasks[task.parent_id]
            assert (task.account_id, task.list_id) == (parent.account_id, parent.list_id)
            total[parent.id] += 1
            still_open[parent.id] += task.completion_date is None
    for task in tasks.values():
        counted = (task.subtasks_total, task.subtasks_open)
        assert counted == (total[task.id], still_open[task.id]), task.id


def json_length(value: Any) -> int:
    """Return the bytes of a text or a list in JSON; other values do not count."""
    if not isinstance(value, str) and not (value and isinstance(value, list)):
        return 0
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def check_complete(changes: list[Change], stored: State) -> None:
    """Check that all changes of an account lead to its stored rows."""
    replayed = replay(changes)
    assert replayed.keys() == stored.keys()
    for key, (revision, fields) in replayed.items():
        stored_revision, stored_fields = stored[key]
        expected = (stored_revision, stored_fields)
        assert (revision, stored_fields | fields) == expected, f"{key}: {fields}"


def check_purged(changes: list[Change], stored: State, first: int) -> None:
    """Check each stored row against the last of the remaining changes to it."""
    last = {(change.kind, change.object_id): change for change in changes}
    for key, (revision, fields) in stored.items():
        if key in last:
            after = last[key].after or {}
            assert (revision, fields) == (last[key].revision, fields | after)
        else:
            assert key[0] == TRASH or revision < first
    for key in last.keys() - stored.keys():
        assert last[key].after is None


def replay(changes: list[Change]) -> State:
    """Return the objects that the changes lead to, with their revisions and fields.

    A trashed task has the key `("trash", id)` and its last revision before the deletion.
    """
    state: State = {}
    purged = {(each.kind, each.object_id): each for each in changes if each.action == PURGE}
    for change in changes:
        key = (change.kind, change.object_id)
        if key in purged:
            assert (change.before, change.after) == (None, None), "values of a purged task"
            assert change.revision <= purged[key].revision
            continue
        trash = (TRASH if change.kind == Task.kind else f"deleted {change.kind}", change.object_id)
        revision, fields = state.pop(trash if change.action == RESTORE else key, (0, {}))
        before = change.before or {}
        assert (change.action == CREATE) == (not fields)
        if change.action == RESTORE:
            restored = {name: fields[name] for name in fields if name not in (DATE, *PLACE)}
            new = change.after or {}
            after = {name: new[name] for name in new if name not in PLACE}
            assert (change.before, after) == (None, restored)
        else:
            assert {name: fields[name] for name in before} == before
        if change.action == DELETE:
            assert before == {name: fields[name] for name in fields if name != DATE}
            assert change.after is None
            state[trash] = (revision, fields)
        else:
            state[key] = (change.revision, fields | (change.after or {}) | new_date(change))
    return {key: value for key, value in state.items() if not key[0].startswith("deleted ")}


def new_date(change: Change) -> dict[str, Any]:
    """Return the modification date that the change has set.

    A creation is omitted because tests may give a task an earlier date.
    """
    if change.kind == Account.kind or change.action == CREATE:
        return {}
    return {DATE: json.loads(to_json(change.date))}


def stored_states(session: Session) -> dict[int, State]:
    """Return the state in the tables, by account id."""
    states: dict[int, State] = defaultdict(dict)
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Journalled):
            for each in session.scalars(select(mapper.class_)):
                kind = TRASH if isinstance(each, TrashedTask) else each.kind
                state = states[account_id_of(each)]
                state[kind, each.id] = (revision_of(each), recorded_fields(each))
    return states


def account_id_of(each: Any) -> int:
    account_id: int = each.id if isinstance(each, Account) else each.account_id
    return account_id


def revision_of(each: Any) -> int:
    """Return the revision of the object's last change.

    An account's `revision` is its counter; its last change is in `profile_revision`.
    """
    revision: int = each.profile_revision if isinstance(each, Account) else each.revision
    return revision


def recorded_fields(each: Journalled) -> dict[str, Any]:
    row = {c.key: getattr(each, c.key) for c in columns_except(each.__table__, each.database_only)}
    fields = each.recorded(row) | {DATE: getattr(each, DATE, None)}
    shown: dict[str, Any] = json.loads(to_json(fields | dict.fromkeys(each.secrets)))
    return shown
