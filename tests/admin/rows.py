"""What is in the database of a command."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.factories import Login, make_token
from todo import clock

DAY = timedelta(days=1)


def read(session: Session, column: Any) -> list[Any]:
    """Return what all rows have there now. Leaves no transaction, for which SQLite would wait."""
    session.rollback()
    values = list(session.scalars(select(column)))
    session.rollback()
    return values


def add_token(session: Session, login: Login, ends: timedelta = DAY, **values: Any) -> int:
    token_id, _ = make_token(session, login.id, expiration_date=clock.now() + ends, **values)
    session.commit()
    return token_id
