"""What has expired is deleted: a little as people use the service, all by `todo-admin purge`."""

from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, not_, select, tuple_
from sqlalchemy.orm import Session

from todo import clock
from todo.models import (
    Account,
    Change,
    IdempotencyKey,
    LimitCount,
    ReleasedUsername,
    Token,
    TrashedTask,
)
from todo.models.rows import Rows
from todo.models.statements import run
from todo.models.token import Kind
from todo.models.trash import is_kept, kept_since

SOME = 20  # rows that go along with a login or a count
KEYS_AT_ONCE = 2_000  # rows that go along with the use of a token
JOURNAL_DAYS = "todo.journal_days"  # for so long changes are kept

BATCH = 500  # rows of one transaction, so that nobody waits long for it

Expiring = type[Token] | type[LimitCount] | type[ReleasedUsername] | type[IdempotencyKey]

_FIRST_KEY_ENDS = select(func.min(IdempotencyKey.expiration_date)).scalar_subquery()
_FIRST_TRASHED = (
    select(func.min(TrashedTask.deletion_date))
    .where(TrashedTask.account_id == Account.id)
    .scalar_subquery()
)
_FIRST_CHANGE = (
    select(Change.date)
    .where(Change.account_id == Account.id)
    .order_by(Change.account_id, Change.revision, Change.kind, Change.object_id)
    .limit(1)
    .scalar_subquery()
)
# It is asked once a minute for each token, so it is made once.
_FIRST = select(_FIRST_KEY_ENDS, _FIRST_TRASHED, _FIRST_CHANGE).where(
    Account.id == bindparam("account_id")
)


def purge_along(session: Session, account_id: int, trash_days: int, journal_days: int) -> None:
    """Delete a batch of what is past of the account, and of everybody's idempotency keys.

    It goes along with a request, so to see that nothing is past takes one query. Waits for nobody.
    """
    rows = run(session.connection(), _FIRST, {"account_id": account_id}, one_plan=True)
    for key_ends, trashed, changed in rows:  # none where the account was deleted meanwhile
        if key_ends and key_ends <= clock.now():
            purge_some(session, IdempotencyKey, most=KEYS_AT_ONCE)
        if trashed and trashed <= kept_since(trash_days):
            purge_trash(session, account_id, trash_days)
        if changed and changed <= _recorded_since(journal_days):
            purge_changes(session, account_id, journal_days)


def purge_some(session: Session, *models: Expiring, most: int = SOME) -> None:
    """Delete a few expired rows of each model, so that no cron job has to."""
    for model in models:
        _delete(session, model, model.expiration_date <= clock.now(), most)


def purge_trash(session: Session, account_id: int, days: int) -> int:
    """Erase a batch of the account's tasks that were in the trash for so many days.

    Return how many. Waits for nobody: while somebody writes to the account, it is left for later.
    """
    expired = (
        select(TrashedTask.id)
        .where(TrashedTask.account_id == account_id, not_(is_kept(days)))
        .limit(BATCH)
    )
    # They are read under the lock: nobody can restore one of these any more.
    ids = session.scalars(expired).all() if _lock(session, account_id) else []
    if ids:
        Rows(session, TrashedTask, account_id, [TrashedTask.id.in_(ids)]).purge()
    return len(ids)


def purge_changes(session: Session, account_id: int, days: int) -> int:
    """Delete the account's oldest changes that are older than so many days; return how many.

    They are about a batch, as none of a revision stays where one goes: who reads the changes in
    order tells by the first revision whether any is missing. Waits for nobody: where somebody
    writes to the account at this moment, it is left for later.
    """
    if not _lock(session, account_id):
        return 0
    mine = Change.account_id == account_id
    oldest = session.execute(
        select(Change.revision, Change.date)
        .where(mine)
        .order_by(Change.account_id, Change.revision, Change.kind, Change.object_id)
        .limit(BATCH)
    )
    since = _recorded_since(days)
    old = [revision for revision, date in takewhile(lambda row: row.date <= since, oldest)]
    if not old:  # another has deleted them before the lock was taken
        return 0
    ended = delete(Change).where(mine, Change.revision <= old[-1]).returning(Change.revision)
    return len(session.scalars(ended, execution_options={"synchronize_session": False}).all())


def purge_all(
    session: Session, idle: timedelta, trash_days: int, journal_days: int
) -> dict[str, int]:
    """Delete all that has expired, and return how many of each. Commits after each batch.

    Sessions end when they were not used for the time `idle`, too; changes and what is in the trash
    go after so many days.
    """
    now = clock.now()
    unused = and_(Token.kind == Kind.SESSION, Token.last_used_date <= now - idle)
    expired: dict[str, tuple[Expiring, ColumnElement[bool]]] = {
        "expired sessions and tokens": (Token, Token.expiration_date <= now),
        "idle sessions": (Token, unused),
        "limit counts": (LimitCount, LimitCount.expiration_date <= now),
        "idempotency keys": (IdempotencyKey, IdempotencyKey.expiration_date <= now),
        "released usernames": (ReleasedUsername, ReleasedUsername.expiration_date <= now),
    }
    deleted = dict.fromkeys(expired, 0)
    for name, (model, condition) in expired.items():
        while batch := _delete(session, model, condition, BATCH):
            session.commit()
            deleted[name] += batch
    deleted["trashed tasks"] = 0
    expired_tasks = select(TrashedTask.account_id).where(not_(is_kept(trash_days)))
    for account_id in session.scalars(expired_tasks.distinct()).all():
        while batch := purge_trash(session, account_id, trash_days):
            session.commit()
            deleted["trashed tasks"] += batch
        session.rollback()  # who writes to the account would wait
    deleted["changes"] = _purge_all_changes(session, journal_days)
    return deleted


def _purge_all_changes(session: Session, days: int) -> int:
    deleted = 0
    for account_id in session.scalars(select(Account.id)).all():
        first = session.scalar(select(_FIRST_CHANGE).where(Account.id == account_id))
        is_past = first is not None and first <= _recorded_since(days)
        while is_past and (batch := purge_changes(session, account_id, days)):
            session.commit()
            deleted += batch
        session.rollback()  # SQLite would keep everybody waiting
    return deleted


def _recorded_since(days: int) -> datetime:
    """Return the moment after which a change must have been made to be kept."""
    return clock.now() - timedelta(days=days)


def _lock(session: Session, account_id: int) -> bool:
    """Take the account's row, and tell whether that was possible without a wait."""
    account = select(Account.id).where(Account.id == account_id)
    locked = account.with_for_update(key_share=True, skip_locked=True)
    return session.scalar(locked) is not None


def _delete(session: Session, model: Expiring, condition: ColumnElement[bool], most: int) -> int:
    """Delete at most so many of the rows, and return how many. Waits for nobody.

    A row that another transaction has locked is left for later: two that purge while they hold
    rows of their own could wait for each other.
    """
    key = model.__mapper__.primary_key
    rows = session.execute(
        select(*key).where(condition).limit(most).with_for_update(skip_locked=True)
    ).all()
    if rows:
        session.execute(
            delete(model).where(tuple_(*key).in_([tuple(row) for row in rows])),
            execution_options={"synchronize_session": False},
        )
    return len(rows)
