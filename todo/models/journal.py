"""The journal: every write to an object of an account passes here, and leaves a record.

What a session writes by its unit of work is recorded as it is flushed. Tasks are written by
todo/models/rows.py, and rows of the trash by nothing else; any other INSERT, UPDATE or DELETE of a
journalled table is refused. So a new kind of object joins by being mapped as `Journalled`. What
passes by nevertheless, as text() does, is found by the check at the end of each test.

Each transaction that changes something raises the account's `revision` by one. The account's row,
locked by that until the transaction ends, puts the revisions into the order of the commits.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Table, bindparam, event, inspect, update
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.attributes import get_history, set_committed_value
from sqlalchemy.orm.util import identity_key

from todo import clock
from todo.models.account import Account
from todo.models.change import CREATE, DELETE, UPDATE, Change
from todo.models.journalled import Journalled, refuse_unrecorded
from todo.models.sql_json import encode_json
from todo.models.statements import run

ACCOUNTS: Table = inspect(Account).local_table  # type: ignore[assignment]

_REVISE = (
    update(ACCOUNTS)
    .execution_options(unjournalled=True)
    .where(ACCOUNTS.c.id == bindparam("account_id"))
    .values(revision=ACCOUNTS.c.revision + 1)
    .returning(ACCOUNTS.c.revision)
)

# Of the statements that the journal itself runs.
BESIDE = {"unjournalled": True, "synchronize_session": False}

Fields = dict[str, Any]


class Credential(Protocol):
    """A token, as far as the journal tells of it."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str | None: ...


@dataclass
class Write:
    """What a transaction has written so far."""

    date: datetime  # of all that it changes
    revisions: dict[int, int]  # account -> the revision that it was raised to
    changes: dict[tuple[str, int], Change]
    flushed: list[tuple[Journalled, str, Fields, Fields]]


def fields_of(each: Journalled) -> Fields:
    """Return the fields that are recorded of the object, as the records have them."""
    fields = _shown(each, each.recorded(partial(getattr, each)))
    shown: Fields = json.loads(encode_json(fields))
    return shown


def set_credential(session: Session, token: Credential) -> None:
    """Let the journal tell that what the session writes was asked for by this token."""
    session.info["token"] = token


def date_of(session: Session) -> datetime:
    """Return the time of the session's transaction, which is that of all its changes."""
    return _write(session).date


def revision_of(session: Session, account_id: int) -> int | None:
    """Return the revision to which the session's transaction has raised the account, if it has."""
    return _write(session).revisions.get(account_id)


def revise(session: Session, account_id: int) -> int:
    """Raise the account's revision, once in a transaction, and return it."""
    revisions = _write(session).revisions
    if account_id not in revisions:
        values = {"account_id": account_id}
        [(revisions[account_id],)] = run(session.connection(), _REVISE, values, one_plan=True)
        known = session.identity_map.get(identity_key(Account, account_id))
        if known is not None:
            set_committed_value(known, "revision", revisions[account_id])
    return revisions[account_id]


def _write(session: Session) -> Write:
    if "write" not in session.info:
        session.info["write"] = Write(clock.now(), {}, {}, [])
    write: Write = session.info["write"]
    return write


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop("write", None)


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, _context: Any, _instances: Any) -> None:
    """Give what is about to be written its revision."""
    write = _write(session)
    for each, action, before, after in _touched(session):
        if isinstance(each, Account) and action == CREATE:
            revision = each.revision = 1
        else:
            revision = revise(session, each.owner_id)
        for name, value in each.stamps(revision, write.date).items():
            if action == UPDATE or getattr(each, name) is None:
                setattr(each, name, value)
        write.flushed.append((each, action, before, after))


@event.listens_for(Session, "after_flush_postexec")
def _record(session: Session, _context: Any) -> None:
    """Record what was written; only now do new objects have their ids and their defaults."""
    write = _write(session)
    for each, action, before, after in write.flushed:
        write.revisions.setdefault(each.owner_id, 1)  # of an account that is new
        known = write.changes.get((each.kind, each.id))
        if known is None:
            known = write.changes[each.kind, each.id] = Change(
                account_id=each.owner_id,
                revision=write.revisions[each.owner_id],
                kind=each.kind,
                object_id=each.id,
                date=write.date,
                **credential_of(session),
            )
            session.add(known)
        made = _shown(each, each.recorded(partial(getattr, each))) if action == CREATE else after
        _describe(known, action, before, made)
    write.flushed.clear()


def _describe(change: Change, action: str, before: Fields, after: Fields) -> None:
    """Set what was done, on top of what an earlier flush of the transaction has done."""
    if (change.action, action) == (CREATE, UPDATE):
        action = CREATE
    change.action = action
    change.before = None if action == CREATE else before | (change.before or {})
    change.after = None if action == DELETE else (change.after or {}) | after


def _touched(session: Session) -> Iterator[tuple[Journalled, str, Fields, Fields]]:
    """Yield what the session is about to write, with the action and the fields before and after."""
    ended = {each.id for each in session.deleted if isinstance(each, Account)}
    for each in [*session.new, *session.dirty, *session.deleted]:
        if not isinstance(each, Journalled) or each.owner_id in ended:
            continue
        if each in session.new:
            yield each, CREATE, {}, {}
            continue
        before = each.recorded(partial(_stored, each))
        if each in session.deleted:
            if each.moved:
                raise RuntimeError(f"{type(each).__name__} is moved to the trash: use Rows")
            yield each, DELETE, _shown(each, before), {}
            continue
        after = each.recorded(partial(getattr, each))
        differing = [name for name in after if after[name] != before[name]]
        if differing:
            yield each, UPDATE, _shown(each, before, differing), _shown(each, after, differing)


def _stored(each: Journalled, name: str) -> Any:
    """Return what the database has in the attribute's column."""
    history = get_history(each, name)
    if history.added and not history.deleted:
        raise RuntimeError(
            f"{name} was set before it was read: the journal cannot tell what it was"
        )
    # Of an attribute that was never set, the database has NULL.
    return next(iter(history.deleted or history.unchanged), None)


def _shown(each: Journalled, fields: Fields, names: Iterable[str] | None = None) -> Fields:
    """Return those fields that are named, or all, as they are recorded."""
    return {
        name: None if name in each.secrets else fields[name]
        for name in (fields if names is None else names)
    }


def credential_of(session: Session) -> dict[str, Any]:
    """Return the columns of a record that tell by which token it was made."""
    token: Credential | None = session.info.get("token")
    return {
        "token_id": token and token.id,
        "token_kind": token and token.kind,
        "token_name": token and token.name,
    }


@event.listens_for(Session, "do_orm_execute")
def _refuse(state: ORMExecuteState) -> None:
    refuse_unrecorded(state.statement, state.execution_options)


@event.listens_for(Session, "after_transaction_create")
def _refuse_savepoint(_session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        raise RuntimeError("the journal would believe what a savepoint has rolled back")
