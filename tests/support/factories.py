"""What a test begins with: accounts with a login, and tasks."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from todo import clock
from todo.auth.passwords import hash_password
from todo.models import Account, IdempotencyKey, Task, Token, TrashedTask, journal
from todo.models.change import DELETE
from todo.models.rows import Rows
from todo.models.task import columns_of

PASSWORD = "correct horse battery"
_PASSWORD_HASH = hash_password(PASSWORD)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Login:
    """An account, the secret of its token, and its URL."""

    id: int
    username: str
    token: str

    @property
    def url(self) -> str:
        return f"/api/v1/accounts/{self.username}"

    @property
    def tasks_url(self) -> str:
        return f"{self.url}/tasks"

    @property
    def trash_url(self) -> str:
        return f"{self.url}/trash"


def make_account(session: Session, username: str | None = None, **values: Any) -> Login:
    """Store an account, logged in; its password is PASSWORD."""
    username = username or f"user{next(_numbers)}"
    defaults = {
        "email": f"{username}@example.com",
        "password_hash": _PASSWORD_HASH,
        "date_joined": clock.now(),
    }
    account = Account(username=username, **defaults | values)
    session.add(account)
    session.flush()
    token, secret = Token.issue(account.id, clock.now() + timedelta(days=30))
    session.add(token)
    session.commit()
    return Login(account.id, username, secret)


def new_task(account_id: int, values: dict[str, Any], now: datetime) -> Task:
    """Return a task of the account, to be stored."""
    stamps = {"account_id": account_id, "creation_date": now, "modification_date": now}
    completion_date = now if values.get("completed") else None
    columns = columns_of({"note": None, "due_date": None, **values})
    return Task(**stamps, completion_date=completion_date, **columns)


def make_task(session: Session, login: Login, **values: Any) -> int:
    """Store a task of the account and return its id."""
    task = new_task(login.id, {"name": "Water the plants", **values}, journal.date_of(session))
    session.add(task)
    session.commit()
    return task.id


def make_trashed(session: Session, login: Login, **values: Any) -> int:
    """Store a task of the account, move it to the trash, and return its id."""
    task_id = make_task(session, login, **values)
    Rows(session, Task, login.id, [Task.id == task_id]).move(TrashedTask, DELETE)
    session.commit()
    return task_id


def make_key(session: Session, login: Login, key: str, expiration_date: datetime) -> None:
    """Store a key of the account, as a write leaves it."""
    row = IdempotencyKey(
        account_id=login.id,
        key=key,
        request_digest=bytes(32),
        status=201,
        headers={"ETag": '"1"'},
        body=b"{\x00}",
        expiration_date=expiration_date,
    )
    session.add(row)
    session.commit()
