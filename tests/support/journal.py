"""What the journal tells, held against what the tables have."""

import json
from collections import defaultdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from todo.models import Account, Base, Change, Task, TrashedTask
from todo.models.change import CREATE, DELETE, PURGE, RESTORE
from todo.models.journalled import Journalled, columns_except
from todo.models.json import to_json

DATED = "modification_date"
TRASH = "trash"
IN_ORDER = (Change.revision, Change.kind, Change.object_id)

State = dict[tuple[str, int], tuple[int, dict[str, Any]]]


def changes_of(session: Session, account_id: int) -> list[Change]:
    """Return the account's changes in their order."""
    query = select(Change).where(Change.account_id == account_id)
    return list(session.scalars(query.order_by(*IN_ORDER)))


def check(session: Session, *, purged: bool = False) -> None:
    """Fail where a revision is missing, or where the journal does not lead to what is there.

    Of a journal that is `purged` the oldest revisions may be missing, and with them what they say.
    """
    stored = present(session)
    by_account: dict[int, list[Change]] = defaultdict(list)
    for change in session.scalars(select(Change).order_by(*IN_ORDER)):
        by_account[change.account_id].append(change)
    for account in session.scalars(select(Account)):
        changes = by_account[account.id]
        revisions = {change.revision for change in changes}
        first = min(revisions, default=account.revision + 1) if purged else 1
        assert revisions == set(range(first, account.revision + 1))
        if first == 1:
            check_all(changes, stored[account.id])
        else:
            check_rest(changes, stored[account.id], first)


def check_all(changes: list[Change], there: State) -> None:
    """Fail where the changes do not lead to what is there."""
    found = told(changes)
    assert found.keys() == there.keys()
    for key, (revision, fields) in found.items():
        stored, all_fields = there[key]
        assert (revision, all_fields | fields) == (stored, all_fields), f"{key}: {fields}"


def check_rest(changes: list[Change], there: State, first: int) -> None:
    """Fail where what is there is not as the last of the changes left it."""
    last = {(change.kind, change.object_id): change for change in changes}
    for key, (revision, fields) in there.items():
        if key in last:
            after = last[key].after or {}
            assert (revision, fields) == (last[key].revision, fields | after)
        else:
            assert key[0] == TRASH or revision < first
    for key in last.keys() - there.keys():
        assert last[key].after is None


def told(changes: list[Change]) -> State:
    """Return the objects, each with its revision and its fields, that the changes lead to.

    Of those in the trash, `("trash", id)`, the revision is that of the change before they went.
    """
    state: State = {}
    purged = {(each.kind, each.object_id): each for each in changes if each.action == PURGE}
    for change in changes:
        key = (change.kind, change.object_id)
        if key in purged:
            assert (change.before, change.after) == (None, None), "values of what went for good"
            assert change.revision <= purged[key].revision
            continue
        trash = (TRASH, change.object_id)
        revision, fields = state.pop(trash if change.action == RESTORE else key, (0, {}))
        before = change.before or {}
        assert (change.action == CREATE) == (not fields)
        if change.action == RESTORE:
            there = {name: fields[name] for name in fields if name != DATED}
            assert (change.before, change.after) == (None, there)
        else:
            assert {name: fields[name] for name in before} == before
        if change.action == DELETE:
            assert before == {name: fields[name] for name in fields if name != DATED}
            assert change.after is None
            state[trash] = (revision, fields)
        else:
            state[key] = (change.revision, fields | (change.after or {}) | dated(change))
    return state


def dated(change: Change) -> dict[str, Any]:
    """Return the date that the change has set; tests may say that a task was created before."""
    if change.kind != Task.kind or change.action == CREATE:
        return {}
    return {DATED: json.loads(to_json(change.date))}


def present(session: Session) -> dict[int, State]:
    """Return, for each account, the same as the tables have it."""
    found: dict[int, State] = defaultdict(dict)
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Journalled):
            for each in session.scalars(select(mapper.class_)):
                kind = TRASH if isinstance(each, TrashedTask) else each.kind
                found[owner_of(each)][kind, each.id] = (version(each), recorded(each))
    return found


def owner_of(each: Any) -> int:
    owner: int = each.id if isinstance(each, Account) else each.account_id
    return owner


def version(each: Any) -> int:
    """Return the revision of its last change, which an account has beside its counter."""
    revision: int = each.profile_revision if isinstance(each, Account) else each.revision
    return revision


def recorded(each: Journalled) -> dict[str, Any]:
    row = {c.key: getattr(each, c.key) for c in columns_except(each.__table__, each.database_only)}
    fields = each.recorded(row) | {DATED: getattr(each, DATED, None)}
    shown: dict[str, Any] = json.loads(to_json(fields | dict.fromkeys(each.secrets)))
    return shown
