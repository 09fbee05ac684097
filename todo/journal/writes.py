"""Writes to an account's objects: each function stores a change and records it in the journal.

todo/models/journalled.py refuses other statements that change a journalled table, unless they
declare that no recorded field changes. The caller must hold the lock on the account's row, and must
have read the rows under this lock.

The first change of a transaction raises the account's `revision` by one. The account's row stays
locked until the transaction ends, so revisions are in commit order. The same statement adds to the
account's `task_bytes` and `journal_bytes`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import Insert, Row, Update, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session, SessionTransaction

from todo import clock
from todo.auth.identity import AccountRow, TokenRow
from todo.http.errors import Problem
from todo.journal.counters import adjusted, count
from todo.journal.retention import forget_oldest
from todo.models.account import ACCOUNTS, Account
from todo.models.change import CHANGES, CREATE, DELETE, PURGE, RESTORE, UPDATE
from todo.models.journalled import RECORDED, columns_except, default_columns, trash_of
from todo.models.prepared import PREPARED
from todo.models.size import ROW_SIZE, text_size

BATCH_SIZE = 1000  # ids per statement; SQLite allows 32,766 parameters

# Limits of one transaction, which blocks other writers on SQLite.
MAX_TASKS = 5_000
MAX_INDEXED_CHARACTERS = 500_000  # of words that are indexed, or removed from the index
MAX_RECORDED_BYTES = 8_000_000  # in the journal; a page of the feed has whole revisions

Fields = dict[str, Any]
Model = Any  # a subclass of Journalled


@dataclass
class _TransactionWrites:
    """The state of one transaction's writes."""

    transaction: SessionTransaction
    date: datetime
    revisions: dict[int, int]  # account id -> its new revision
    recorded: int = 0  # bytes
    excess: int = 0  # bytes of the journal above its quota


class Quotas(NamedTuple):
    """The bytes that an account may use; 0 means no quota."""

    tasks: int
    journal: int


NO_QUOTAS = Quotas(0, 0)


def set_writer(session: Session, token: TokenRow, quotas: Quotas) -> None:
    """Record this token with the session's changes, and refuse those that exceed the quotas."""
    session.info["token"], session.info["quotas"] = token, quotas


def transaction_date(session: Session) -> datetime:
    """Return the date of all changes in the session's transaction."""
    return _writes(session).date


def transaction_revision(session: Session, account_id: int) -> int | None:
    """Return the account's new revision in this transaction, or None before the first change."""
    return _writes(session).revisions.get(account_id)


def next_revision(session: Session, account: AccountRow) -> int:
    """Return the account's revision after this transaction, which must hold the account's lock."""
    return transaction_revision(session, account.id) or account.revision + 1


def recorded_bytes(session: Session) -> int:
    """Return the bytes that all transactions of the session have added to the journal."""
    recorded: int = session.info.get("recorded", 0)
    return recorded


def keep_journal(session: Session) -> None:
    """Leave a journal above its quota to the purge: the session still reads its oldest changes."""
    session.info["quotas"] = session.info.get("quotas", NO_QUOTAS)._replace(journal=0)


def register(session: Session, columns: Fields) -> Row[Any]:
    """Store a new account and return its row. Its profile is the first change in its journal."""
    write = _writes(session)
    columns = {"date_joined": write.date, **columns}
    change = _change(Account, None, after=columns)
    first = {"revision": 1, "journal_bytes": change["size"], **Account.stamps(1, write.date)}
    statement = insert(ACCOUNTS).values(columns | first).returning(*ACCOUNTS.c)
    row = session.execute(statement, execution_options=RECORDED).one()
    write.revisions[row.id] = 1
    _record(session, Account, row.id, CREATE, [change | {"object_id": row.id}])
    return row


def create(
    session: Session, model: Model, account_id: int, rows: Sequence[Fields]
) -> Sequence[Row[Any]]:
    """Store new rows of the account; return them in the same order, without database-only columns.

    SQLite does not guarantee the order of returned rows, so SQLAlchemy runs a statement per row.
    """
    date = transaction_date(session)
    rows = [default_columns(model) | {"creation_date": date} | row for row in rows]
    changes = [_change(model, None, after=row) for row in rows]
    computed = [model.computed_columns(row) for row in rows]
    revision = _begin_change(session, account_id, changes, _sum(computed))
    stamps = {"account_id": account_id, **model.stamps(revision, date)}
    stored = session.execute(
        _insert(model), [stamps | row | more for row, more in zip(rows, computed, strict=True)]
    ).all()
    for each, row in zip(changes, stored, strict=True):
        each |= {"object_id": row.id, "after": model.recorded(row._mapping)}
    _record(session, model, account_id, CREATE, changes)
    count(session, model, [(None, row) for row in rows])
    return stored


def change(
    session: Session,
    model: Model,
    account_id: int,
    updates: Iterable[tuple[Fields, Fields]],
) -> list[Fields]:
    """Update rows and return them after the change.

    `updates` pairs each current row with the columns to set. Rows whose recorded fields would not
    change are not written.
    """
    wanted = [
        (row, columns, _change(model, row["id"], before=row, after=row | columns))
        for row, columns in updates
    ]
    changes = [entry for _, _, entry in wanted if entry["after"]]
    if not changes:
        return [row for row, _, _ in wanted]
    computed = [model.computed_columns(row | columns) for row, columns, _ in wanted]
    before = [model.computed_columns(row) for row, _, _ in wanted]
    growth = _sum(computed) - _sum(before)
    revision = _begin_change(session, account_id, changes, growth)
    stamps = model.stamps(revision, transaction_date(session))
    _set_columns(
        session,
        model,
        [
            (row["id"], columns | stamps | _to_set(model, (row, columns), old, new))
            for (row, columns, entry), old, new in zip(wanted, before, computed, strict=True)
            if entry["after"]
        ],
    )
    _record(session, model, account_id, UPDATE, changes)
    counted = count(session, model, [(row, row | columns) for row, columns, _ in wanted])
    return [
        adjusted(row | columns | stamps if entry["after"] else row, counted)
        for row, columns, entry in wanted
    ]


def _to_set(model: Model, change: tuple[Fields, Fields], before: Fields, after: Fields) -> Fields:
    """Return the computed columns that the change of the row sets.

    It leaves unchanged local times alone: after a change of the rules of a time zone, the stored
    one is right, but the instant that it would be computed from is not. The size is always set, so
    that there are few different statements to prepare.
    """
    row, columns = change
    changed = {name for name, value in columns.items() if value != row.get(name)}

    def is_set(name: str) -> bool:
        if name in model.timed:
            return not changed.isdisjoint(model.timed[name])
        return name == "size" or after[name] != before[name]

    return {name: new for name, new in after.items() if is_set(name)}


def delete(session: Session, model: Model, account_id: int, rows: Sequence[Fields]) -> None:
    """Delete rows: move them to the trash if their kind has one."""
    trash = trash_of(model.kind)
    for batch in _batches(rows):
        ids = [row["id"] for row in batch]
        changes = [_change(model, row["id"], before=row) for row in batch]
        erased = -_sum(map(model.computed_columns, batch)) if trash is None else 0
        revision = _begin_change(session, account_id, changes, erased)
        _record(session, model, account_id, DELETE, changes)
        if trash is not None:
            stamps = trash.stamps(revision, transaction_date(session))
            _copy(session, model, trash, account_id, ids, stamps)
        _delete(session, model, account_id, ids)
    deleted = {row["id"] for row in rows}
    count(session, model, [(row, None) for row in rows], deleted)


def restore(
    session: Session,
    model: Model,
    account_id: int,
    rows: Sequence[Fields],
    replaced: Mapping[int, Fields] = MappingProxyType({}),
) -> list[Fields]:
    """Restore deleted rows, and return them.

    Rows of a kind with a trash are moved out of it. `replaced` has the columns to set, by id.
    """
    restored: list[Fields] = []
    trash = trash_of(model.kind)
    for batch in _batches([row | replaced.get(row["id"], {}) for row in rows]):
        changes = [_change(model, row["id"], after=row) for row in batch]
        computed = [model.computed_columns(row) for row in batch]
        stored = _sum(computed) if trash is None else 0
        revision = _begin_change(session, account_id, changes, stored)
        stamps = model.stamps(revision, transaction_date(session))
        _record(session, model, account_id, RESTORE, changes)
        if trash is None:
            complete = zip(batch, computed, strict=True)
            owned = stamps | {"account_id": account_id}
            session.execute(_insert(model), [row | owned | more for row, more in complete])
        else:
            ids = [row["id"] for row in batch]
            _copy(session, trash, model, account_id, ids, stamps)
            _delete(session, trash, account_id, ids)
            current = zip(ids, computed, strict=True)
            missing = ((each, replaced.get(each, {}) | _timed(model, new)) for each, new in current)
            _set_columns(session, model, [(each, columns) for each, columns in missing if columns])
        restored += [default_columns(model) | row | stamps for row in batch]
    counted = count(session, model, [(None, row) for row in restored])
    return [adjusted(row, counted) for row in restored]


def _timed(model: Model, computed: Fields) -> Fields:
    """Return the computed columns that depend on the time, which the trash does not have."""
    return {name: computed[name] for name in model.timed if computed[name] is not None}


def _set_columns(session: Session, model: Model, updates: Iterable[tuple[int, Fields]]) -> None:
    """Set the columns of each row by its id, with one statement for each set of columns."""
    grouped: dict[tuple[str, ...], list[Fields]] = defaultdict(list)
    for row_id, columns in updates:
        parameters = {f"new_{name}": value for name, value in columns.items()}
        grouped[tuple(columns)].append(parameters | {"row_id": row_id})
    for names, parameters_of_rows in grouped.items():
        session.execute(_update(model, names), parameters_of_rows)


def _copy(  # noqa: PLR0913, PLR0917
    session: Session,
    source: Model,
    target: Model,
    account_id: int,
    ids: Sequence[int],
    stamps: Fields,
) -> None:
    """Copy rows between a table and its trash, and set the stamps."""
    columns = {
        column.key: literal(stamps[column.key], column.type)
        if column.key in stamps
        else source.__table__.c[column.key]
        for column in target.__table__.c
        if column.key in stamps or column.key in source.__table__.c
    }
    found = select(*columns.values()).where(*_owned_rows(source, account_id, ids))
    session.execute(
        insert(target.__table__).from_select(list(columns), found), execution_options=RECORDED
    )


def purge(session: Session, model: Model, account_id: int, ids: Sequence[int]) -> None:
    """Delete rows permanently, erase their values from the journal, and record the purge."""
    table = model.__table__
    for batch in _batches(ids):
        erased = (
            CHANGES.c.account_id == account_id,
            CHANGES.c.kind == model.kind,
            CHANGES.c.object_id.in_(batch),
        )
        owned = _owned_rows(model, account_id, batch)
        stored = session.scalar(select(func.sum(table.c.size)).where(*owned)) or 0
        texts = session.scalar(select(func.sum(CHANGES.c.size - ROW_SIZE)).where(*erased)) or 0
        changes = [_change(model, each) for each in batch]
        _begin_change(session, account_id, changes, -stored, erased=texts)
        session.execute(
            update(CHANGES).where(*erased).values(before=None, after=None, size=ROW_SIZE)
        )
        _record(session, model, account_id, PURGE, changes)
        _delete(session, model, account_id, batch)


def _record(
    session: Session,
    model: Model,
    account_id: int,
    action: str,
    changes: Sequence[Fields],
) -> None:
    """Add changes to the journal; each has an `object_id` and its fields `before` and `after`."""
    token: TokenRow | None = session.info.get("token")
    common = {
        "account_id": account_id,
        "revision": _writes(session).revisions[account_id],
        "kind": model.kind,
        "date": transaction_date(session),
        "action": action,
        "token_id": token and token.id,
        "token_kind": token and token.kind,
        "token_name": token and token.name,
    }
    session.execute(_RECORD, [common | each for each in changes])
    write = _writes(session)
    if write.excess > 0:
        forget_oldest(session, account_id, write.excess, write.revisions[account_id])
        write.excess = 0


def _change(
    model: Model, object_id: int | None, *, before: Any = None, after: Any = None
) -> Fields:
    """Return a change for the journal; if both rows are given, with the differing fields only."""
    was = None if before is None else model.recorded(before)
    now = None if after is None else model.recorded(after)
    if was is not None and now is not None:
        differing = [name for name in now if now[name] != was[name]]
        was, now = ({name: fields[name] for name in differing} for fields in (was, now))
    for fields in (was, now):
        if fields:
            fields.update(dict.fromkeys(model.secrets & fields.keys()))
    size = ROW_SIZE + text_size(was) + text_size(now)
    return {"object_id": object_id, "before": was, "after": now, "size": size}


def _sum(computed: Iterable[Fields]) -> int:
    return sum(columns.get("size", 0) for columns in computed)


def _writes(session: Session) -> _TransactionWrites:
    """Return the state of the session's transaction, and begin one if necessary."""
    if session.in_nested_transaction():
        raise RuntimeError("no journal write in a savepoint: a rollback would lose its revision")
    transaction = session.get_transaction() or session.begin()
    write: _TransactionWrites | None = session.info.get("write")
    if write is None or write.transaction is not transaction:
        write = session.info["write"] = _TransactionWrites(transaction, clock.now(), {})
    return write


def _begin_change(
    session: Session,
    account_id: int,
    changes: Sequence[Fields],
    stored: int = 0,
    *,
    erased: int = 0,
) -> int:
    """Raise the account's revision once per transaction, and return it.

    Add the size of the changes, less the `erased` bytes, to the account's journal, and `stored` to
    its tasks. Raise Problem 409 if they exceed a limit or a quota.
    """
    write = _writes(session)
    recorded = sum(each["size"] for each in changes)
    write.recorded += recorded
    session.info["recorded"] = session.info.get("recorded", 0) + recorded
    if write.recorded > MAX_RECORDED_BYTES:
        raise too_many(len(changes))
    is_first = account_id not in write.revisions
    used = session.execute(
        _RAISE_REVISION,
        {
            "row_id": account_id,
            "raised": int(is_first),
            "stored": stored,
            "recorded": recorded - erased,
        },
    ).one()
    write.revisions[account_id] = used.revision
    quotas: Quotas = session.info.get("quotas", NO_QUOTAS)
    if stored > 0 and quotas.tasks and used.task_bytes > quotas.tasks:
        raise _quota_exceeded(quotas.tasks)
    if is_first and quotas.journal:
        write.excess = used.journal_bytes - quotas.journal
    return write.revisions[account_id]


def too_many(count: int) -> Problem:
    """Return Problem 409 for a change of too many tasks, or of too much text, at once."""
    return Problem(
        "too_many",
        f"The request would change {count} tasks. One request may change, delete or restore at "
        f"most {MAX_TASKS} tasks, with at most {MAX_RECORDED_BYTES // 1_000_000} MB of names and "
        f"notes and {MAX_INDEXED_CHARACTERS} characters of words, old and new together. Narrow "
        "the filters, for example with created_after and created_before.",
        extensions={"count": count},
    )


def _quota_exceeded(quota: int) -> Problem:
    return Problem(
        "quota",
        f"The tasks of the account would have more than {quota} bytes. Delete some and empty the "
        "trash, or ask the administrator for more (todo.quota_tasks).",
    )


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), BATCH_SIZE):
        yield items[begin : begin + BATCH_SIZE]


def _owned_rows(model: Model, account_id: int, ids: Sequence[int]) -> list[Any]:
    table = model.__table__
    # The sum hides the account indexes, so the database looks rows up by id.
    return [table.c.id.in_(ids), table.c.account_id + 0 == account_id]


def _delete(session: Session, model: Model, account_id: int, ids: Sequence[int]) -> None:
    statement = sqlalchemy.delete(model.__table__).where(*_owned_rows(model, account_id, ids))
    session.execute(statement, execution_options=RECORDED)


# Built once: building a statement costs more than running it.

_RECORD = insert(CHANGES).execution_options(**PREPARED)
_RAISE_REVISION = (
    update(ACCOUNTS)
    .where(ACCOUNTS.c.id == bindparam("row_id"))
    .values(
        revision=ACCOUNTS.c.revision + bindparam("raised"),
        task_bytes=ACCOUNTS.c.task_bytes + bindparam("stored"),
        journal_bytes=ACCOUNTS.c.journal_bytes + bindparam("recorded"),
    )
    .returning(ACCOUNTS.c.revision, ACCOUNTS.c.task_bytes, ACCOUNTS.c.journal_bytes)
    .execution_options(**RECORDED, **PREPARED)
)


@cache
def _insert(model: Model) -> Insert:
    read = columns_except(model.__table__, model.database_only)
    returning = insert(model.__table__).returning(*read, sort_by_parameter_order=True)
    return returning.execution_options(**RECORDED, **PREPARED)


@cache
def _update(model: Model, names: tuple[str, ...]) -> Update:
    table = model.__table__
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}") for name in names})
        .execution_options(**RECORDED, **PREPARED)
    )
