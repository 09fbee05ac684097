"""Writes to an account's objects: each function stores a change and records it in the journal.

todo/models/journalled.py refuses other statements that change a journalled table, unless they
declare that no recorded field changes. The caller must hold the lock on the account's row, and must
have read the rows under this lock.

The first change of a transaction raises the account's `revision` by one. The account's row stays
locked until the transaction ends, so revisions are in commit order.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, Row, Update, bindparam, delete, insert, literal, select, update
from sqlalchemy.orm import Session, SessionTransaction

from todo import clock
from todo.auth.identity import TokenRow
from todo.models.account import ACCOUNTS, Account
from todo.models.change import CHANGES, CREATE, DELETE, PURGE, UPDATE
from todo.models.journalled import RECORDED, columns_except
from todo.models.prepared import PREPARED
from todo.models.task import TaskColumns

BATCH_SIZE = 1000  # ids per statement; SQLite allows 32,766 parameters

Fields = dict[str, Any]
Model = Any  # a subclass of Journalled


@dataclass
class _TransactionWrites:
    """The state of one transaction's writes."""

    transaction: SessionTransaction
    date: datetime
    revisions: dict[int, int]  # account id -> its new revision


def set_credential(session: Session, token: TokenRow) -> None:
    """Record this token with the session's changes."""
    session.info["token"] = token


def transaction_date(session: Session) -> datetime:
    """Return the date of all changes in the session's transaction."""
    return _writes(session).date


def transaction_revision(session: Session, account_id: int) -> int | None:
    """Return the account's new revision in this transaction, or None before the first change."""
    return _writes(session).revisions.get(account_id)


def register(session: Session, columns: Fields) -> Row[Any]:
    """Store a new account and return its row. Its profile is the first change in its journal."""
    write = _writes(session)
    first = {"date_joined": write.date, "revision": 1, **Account.stamps(1, write.date)}
    statement = insert(ACCOUNTS).values(first | columns).returning(*ACCOUNTS.c)
    row = session.execute(statement, execution_options=RECORDED).one()
    write.revisions[row.id] = 1
    record(session, Account, row.id, CREATE, [_change(Account, row.id, after=row._mapping)])
    return row


def create(
    session: Session, model: Model, account_id: int, rows: Sequence[Fields]
) -> Sequence[Row[Any]]:
    """Store new rows of the account; return them in the same order, without database-only columns.

    SQLite does not guarantee the order of returned rows, so SQLAlchemy runs a statement per row.
    """
    revision, date = _raise_revision(session, account_id), transaction_date(session)
    stamps = {"account_id": account_id, "creation_date": date, **model.stamps(revision, date)}
    stored = session.execute(_insert(model), [stamps | row for row in rows]).all()
    changes = [_change(model, row.id, after=row._mapping) for row in stored]
    record(session, model, account_id, CREATE, changes)
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
    results, changes = [], []
    grouped: dict[tuple[str, ...], list[Fields]] = defaultdict(list)
    for row, columns in updates:
        entry = _change(model, row["id"], before=row, after=row | columns)
        if not entry["after"]:
            results.append(row)
            continue
        changes.append(entry)
        stamped = columns | model.stamps(
            _raise_revision(session, account_id), transaction_date(session)
        )
        results.append(row | stamped)
        parameters = {f"new_{name}": value for name, value in stamped.items()}
        grouped[tuple(stamped)].append(parameters | {"row_id": row["id"]})
    for names, parameters_of_rows in grouped.items():
        session.execute(_update(model, names), parameters_of_rows)
    record(session, model, account_id, UPDATE, changes)
    return results


def move(  # noqa: PLR0913, PLR0917
    session: Session,
    source: type[TaskColumns],
    target: type[TaskColumns],
    account_id: int,
    action: str,
    rows: Sequence[Fields],
) -> list[Fields]:
    """Move rows to the trash or back, and return them after the move."""
    moved: list[Fields] = []
    for batch in _batches(rows):
        stamps = target.stamps(_raise_revision(session, account_id), transaction_date(session))
        role = "before" if action == DELETE else "after"
        changes = [_change(source, row["id"], **{role: row}) for row in batch]
        record(session, source, account_id, action, changes)
        columns = {
            column.key: literal(stamps[column.key], column.type)
            if column.key in stamps
            else source.__table__.c[column.key]
            for column in target.__table__.c
        }
        ids = [row["id"] for row in batch]
        found = select(*columns.values()).where(*_owned_rows(source, account_id, ids))
        session.execute(
            insert(target.__table__).from_select(list(columns), found), execution_options=RECORDED
        )
        _delete(session, source, account_id, ids)
        moved += [row | stamps for row in batch]
    return moved


def purge(session: Session, model: Model, account_id: int, ids: Sequence[int]) -> None:
    """Delete rows permanently, erase their values from the journal, and record the purge."""
    for batch in _batches(ids):
        _raise_revision(session, account_id)
        erased = update(CHANGES).where(
            CHANGES.c.account_id == account_id,
            CHANGES.c.kind == model.kind,
            CHANGES.c.object_id.in_(batch),
        )
        session.execute(erased.values(before=None, after=None))
        record(session, model, account_id, PURGE, [_change(model, each) for each in batch])
        _delete(session, model, account_id, batch)


def record(
    session: Session,
    model: Model,
    account_id: int,
    action: str,
    changes: Sequence[Fields],
) -> None:
    """Add changes to the journal; each has an `object_id` and its fields `before` and `after`."""
    if not changes:
        return
    token: TokenRow | None = session.info.get("token")
    common = {
        "account_id": account_id,
        "revision": _raise_revision(session, account_id),
        "kind": model.kind,
        "date": transaction_date(session),
        "action": action,
        "token_id": token and token.id,
        "token_kind": token and token.kind,
        "token_name": token and token.name,
    }
    session.execute(_RECORD, [common | each for each in changes])


def _change(model: Model, object_id: int, *, before: Any = None, after: Any = None) -> Fields:
    """Return a change for the journal; if both rows are given, with the differing fields only."""
    was = None if before is None else model.recorded(before)
    now = None if after is None else model.recorded(after)
    if was is not None and now is not None:
        differing = [name for name in now if now[name] != was[name]]
        was, now = ({name: fields[name] for name in differing} for fields in (was, now))
    for fields in (was, now):
        if fields:
            fields.update(dict.fromkeys(model.secrets & fields.keys()))
    return {"object_id": object_id, "before": was, "after": now}


def _writes(session: Session) -> _TransactionWrites:
    """Return the state of the session's transaction, and begin one if necessary."""
    if session.in_nested_transaction():
        raise RuntimeError("no journal write in a savepoint: a rollback would lose its revision")
    transaction = session.get_transaction() or session.begin()
    write: _TransactionWrites | None = session.info.get("write")
    if write is None or write.transaction is not transaction:
        write = session.info["write"] = _TransactionWrites(transaction, clock.now(), {})
    return write


def _raise_revision(session: Session, account_id: int) -> int:
    """Raise the account's revision once per transaction, and return it."""
    revisions = _writes(session).revisions
    if account_id not in revisions:
        revisions[account_id] = session.execute(
            _RAISE_REVISION, {"row_id": account_id}
        ).scalar_one()
    return revisions[account_id]


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), BATCH_SIZE):
        yield items[begin : begin + BATCH_SIZE]


def _owned_rows(model: Model, account_id: int, ids: Sequence[int]) -> list[Any]:
    table = model.__table__
    # The sum hides the account indexes, so the database looks rows up by id.
    return [table.c.id.in_(ids), table.c.account_id + 0 == account_id]


def _delete(session: Session, model: Model, account_id: int, ids: Sequence[int]) -> None:
    statement = delete(model.__table__).where(*_owned_rows(model, account_id, ids))
    session.execute(statement, execution_options=RECORDED)


# Built once: building a statement costs more than running it.

_RECORD = insert(CHANGES).execution_options(**PREPARED)
_RAISE_REVISION = (
    update(ACCOUNTS)
    .where(ACCOUNTS.c.id == bindparam("row_id"))
    .values(revision=ACCOUNTS.c.revision + 1)
    .returning(ACCOUNTS.c.revision)
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
