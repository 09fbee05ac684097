"""The journal: every write to an object of an account passes here, and leaves a record.

What a session writes by its unit of work is recorded as it is flushed. Many rows are written at
once by `Rows`, and rows of the trash by nothing else; any other INSERT, UPDATE or DELETE of a
journalled table is refused. So a new kind of object joins by being mapped as `Journalled`. What
passes by nevertheless, as text() does, is found by the check at the end of each test.

Each transaction that changes something raises the account's `revision` by one. The account's row,
locked by that until the transaction ends, puts the revisions into the order of the commits.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Table,
    Text,
    Update,
    bindparam,
    case,
    delete,
    event,
    func,
    insert,
    inspect,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.attributes import get_history, set_committed_value

from todo import clock
from todo.models.account import Account
from todo.models.change import CREATE, DELETE, PURGE, UPDATE, Change
from todo.models.meta import Base, Journalled, encode_json
from todo.models.token import Token

# The tables themselves: what is written to them here is not recorded.
ACCOUNTS: Table = inspect(Account).local_table  # type: ignore[assignment]
CHANGES: Table = inspect(Change).local_table  # type: ignore[assignment]

# Of the statements that the journal itself runs.
BESIDE = {"unjournalled": True, "synchronize_session": False}

Condition = ColumnElement[bool]
Fields = dict[str, Any]


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


def set_credential(session: Session, token: Token) -> None:
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
        revisions[account_id] = session.scalars(
            update(ACCOUNTS)
            .where(ACCOUNTS.c.id == account_id)
            .values(revision=ACCOUNTS.c.revision + 1)
            .returning(ACCOUNTS.c.revision),
            execution_options=BESIDE,
        ).one()
        for known in session.identity_map.values():
            if isinstance(known, Account) and known.id == account_id:
                set_committed_value(known, "revision", revisions[account_id])
    return revisions[account_id]


@dataclass(frozen=True)
class Rows:
    """Rows of one account that a request writes at once."""

    session: Session
    model: type[Journalled]
    account_id: int
    matching: list[Condition]

    def update(
        self, columns: dict[str, Any], after: dict[str, Any], differs: dict[str, Condition]
    ) -> None:
        """Set the columns of the rows that differ, and record it: by three statements.

        `after` has the recorded fields that this sets, and `differs` the condition that each of
        them has another value before.
        """
        rows = replace(self, matching=[*self.matching, or_(*differs.values())])
        stored = self.model.recorded_json()
        before = _object({name: stored[name] for name in after}, differs)
        values = {name: literal(encode_json(value), Text) for name, value in after.items()}
        rows._record(UPDATE, before, _object(values, differs))
        revision = revise(self.session, self.account_id)
        columns = columns | self.model.stamps(revision, date_of(self.session))
        rows._run(update(self.model).values(columns))

    def set_each(self, columns: dict[int, dict[str, Any]]) -> None:
        """Set each row's columns, by its id; `record_reverse` must have recorded it.

        Rows are taken together where the same columns are set.
        """
        stamps = self.model.stamps(revise(self.session, self.account_id), date_of(self.session))
        table = _table(self.model)
        together: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for row_id, values in columns.items():
            row = {f"new_{name}": value for name, value in values.items()}
            together[tuple(sorted(values))].append({"row_id": row_id, **row})
        for names, rows in together.items():
            statement = (
                update(table)
                .where(table.c.id == bindparam("row_id"), table.c.account_id == self.account_id)
                .values({name: bindparam(f"new_{name}") for name in names} | stamps)
            )
            self.session.execute(statement, rows, execution_options=BESIDE)

    def record_reverse(self, revision: int) -> None:
        """Record that the updates of that revision are undone: as their record, turned round.

        Their fields must be as that revision has left them.
        """
        changed = {"before": CHANGES.c.after, "after": CHANGES.c.before}
        columns = {
            **{each.name: each for each in CHANGES.c},
            **self._constants(UPDATE),
            **changed,
        }
        found = select(*columns.values()).where(
            CHANGES.c.account_id == self.account_id,
            CHANGES.c.revision == revision,
            CHANGES.c.kind == self.model.kind,
            CHANGES.c.action == UPDATE,
        )
        self.session.execute(insert(CHANGES).from_select(list(columns), found))

    def move(self, to: type[Journalled], action: str) -> None:
        """Move the rows to a table that has their columns, and record it: by four statements."""
        recorded = _object(self.model.recorded_json())
        before, after = (recorded, null()) if action == DELETE else (null(), recorded)
        self._record(action, before, after)
        source, target = _table(self.model), _table(to)
        stamps = to.stamps(revise(self.session, self.account_id), date_of(self.session))
        columns = {
            each.name: literal(stamps[each.name], each.type)
            if each.name in stamps
            else source.c[each.name]
            for each in target.c
        }
        found = select(*columns.values()).where(*self._conditions())
        move = insert(target).from_select(list(columns), found)
        self.session.execute(move, execution_options=BESIDE)
        self._run(delete(self.model))

    def purge(self) -> None:
        """Delete the rows for good, with all that is recorded of them: by four statements.

        That they are gone is recorded.
        """
        revise(self.session, self.account_id)
        erased = (
            update(CHANGES)
            .where(
                CHANGES.c.account_id == self.account_id,
                CHANGES.c.kind == self.model.kind,
                CHANGES.c.object_id.in_(select(_table(self.model).c.id).where(*self._conditions())),
            )
            .values(before=None, after=None)
        )
        self.session.execute(erased, execution_options=BESIDE)
        self._record(PURGE, null(), null())
        self._run(delete(self.model))

    def _record(self, action: str, before: ColumnElement[Any], after: ColumnElement[Any]) -> None:
        columns = self._constants(action)
        columns |= {"object_id": _table(self.model).c.id, "before": before, "after": after}
        found = select(*columns.values()).where(*self._conditions())
        self.session.execute(insert(CHANGES).from_select(list(columns), found))

    def _constants(self, action: str) -> dict[str, ColumnElement[Any]]:
        """Return what the records of all rows have in common."""
        constants = {
            "account_id": self.account_id,
            "revision": revise(self.session, self.account_id),
            "kind": self.model.kind,
            "date": date_of(self.session),
            "action": action,
            **_credential(self.session),
        }
        return {name: literal(value, CHANGES.c[name].type) for name, value in constants.items()}

    def _run(self, statement: Update | Delete) -> None:
        self.session.execute(statement.where(*self._conditions()), execution_options=BESIDE)

    def _conditions(self) -> list[Condition]:
        # The sum keeps the index of accounts out of it: `matching` leads to the right one.
        owner = _table(self.model).c.account_id + 0
        return [*self.matching, owner == self.account_id]


def _table(model: type[Journalled]) -> Table:
    return inspect(model).local_table


def _object(
    values: Mapping[str, ColumnElement[str]], differs: dict[str, Condition] | None = None
) -> ColumnElement[str]:
    """Return the expression of a JSON object of those members whose condition holds, or of all."""
    members: ColumnElement[str] = literal("", Text)
    for name, value in values.items():
        member = literal(f',"{name}":', Text) + value
        members += member if differs is None else case((differs[name], member), else_="")
    return literal("{", Text) + func.substr(members, 2, type_=Text) + literal("}", Text)


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
                **_credential(session),
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


def _credential(session: Session) -> dict[str, Any]:
    token: Token | None = session.info.get("token")
    return {
        "token_id": token and token.id,
        "token_kind": token and token.kind,
        "token_name": token and token.name,
    }


@event.listens_for(Session, "do_orm_execute")
def _refuse_unrecorded(state: ORMExecuteState) -> None:
    writes = state.is_insert or state.is_update or state.is_delete
    if not writes or state.execution_options.get("unjournalled"):
        return
    written = getattr(getattr(state.statement, "table", None), "name", None)
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Journalled) and str(mapper.local_table) == written:
            raise RuntimeError(
                f"this would change {written} unrecorded: use Rows of todo/models/journal.py, or "
                "the execution option unjournalled=True where nothing that is recorded changes"
            )


@event.listens_for(Session, "after_transaction_create")
def _refuse_savepoint(_session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        raise RuntimeError("the journal would believe what a savepoint has rolled back")
