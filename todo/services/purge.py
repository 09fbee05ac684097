"""What has expired is deleted: a little as people use the service, all by `todo-admin purge`."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, select, tuple_
from sqlalchemy.orm import Session

from todo import clock
from todo.models import IdempotencyKey, LimitCount, ReleasedUsername, Token
from todo.models.token import Kind

SOME = 20  # rows that go along with a login or a count
BATCH = 500  # rows of one transaction, so that nobody waits long for it

Expiring = type[Token] | type[LimitCount] | type[ReleasedUsername] | type[IdempotencyKey]


def purge_some(session: Session, *models: Expiring, most: int = SOME) -> None:
    """Delete a few expired rows of each model, so that no cron job has to."""
    for model in models:
        _delete(session, model, model.expiration_date <= clock.now(), most)


def purge_all(session: Session, idle: timedelta) -> dict[str, int]:
    """Delete all that has expired, and return how many of each. Commits after each batch.

    Sessions end when they were not used for the time `idle`, too.
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
    return deleted


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
