"""Factories for accounts, tokens, tasks and idempotency keys."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.passwords import hash_password
from todo.journal import writes
from todo.models import Filter, IdempotencyKey, List, Reminder, Task
from todo.models.account import ACCOUNTS, username_columns
from todo.models.task import TASK_COLUMNS, TASKS, columns_of
from todo.models.token import TOKENS, new_token
from todo.models.webhook import WEBHOOKS
from todo.models.webhook import new_secret as new_webhook_secret
from todo.positions import last_position

PASSWORD = "correct horse battery"
_PASSWORD_HASH = hash_password(PASSWORD)
_numbers = itertools.count(1)


@dataclass(eq=False)
class Login:
    """An account with the secret of its token and its URLs."""

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
    def all_tasks_url(self) -> str:
        """The URL for a bulk change of all tasks, which needs a filter."""
        return f"{self.tasks_url}?created_after=0001-01-01"

    @property
    def trash_url(self) -> str:
        return f"{self.url}/trash"


def make_account(session: Session, username: str | None = None, **values: Any) -> Login:
    """Store an account with the password PASSWORD, and log in."""
    username = username or f"user{next(_numbers)}"
    defaults = {
        **username_columns(username),
        "email": f"{username}@example.com",
        "password_hash": _PASSWORD_HASH,
        "timezone": "UTC",
    }
    account = writes.register(session, defaults | values)
    _, secret = make_token(session, account.id)
    session.commit()
    return Login(account.id, username, secret)


def change_accounts(session: Session, **values: Any) -> None:
    """Update all accounts without journalling or committing the change."""
    session.execute(update(ACCOUNTS).execution_options(recorded=True).values(**values))


def make_token(session: Session, account_id: int, **values: Any) -> tuple[int, str]:
    """Store a token that expires in 30 days by default; return its id and secret."""
    values = {"expiration_date": clock.now() + timedelta(days=30)} | values
    columns, secret = new_token(account_id, **values)
    token_id = session.scalars(insert(TOKENS).returning(TOKENS.c.id), columns).one()
    return token_id, secret


def make_task(session: Session, login: Login, **values: Any) -> int:
    """Store a task of the account and return its id."""
    [task_id] = make_tasks(session, login, [values])
    return task_id


def make_tasks(session: Session, login: Login, several: list[dict[str, Any]]) -> list[int]:
    """Store tasks of the account in one transaction and return their ids."""
    now = writes.transaction_date(session)
    revision = session.scalar(select(ACCOUNTS.c.revision).where(ACCOUNTS.c.id == login.id)) or 0
    rows = []
    for index, values in enumerate(several):
        fields = {"name": "Water the plants", "note": None, "due_date": None, **values}
        new = {"uid": str(uuid4()), "position": last_position(revision + 1, index)}
        done = {"completion_date": now if fields.pop("completed", False) else None}
        rows.append(new | done | columns_of(fields))
    tasks = writes.create(session, Task, login.id, rows)
    session.commit()
    return [task.id for task in tasks]


def make_list(session: Session, login: Login, **values: Any) -> int:
    """Store a list of the account and return its id."""
    revision = session.scalar(select(ACCOUNTS.c.revision).where(ACCOUNTS.c.id == login.id)) or 0
    new = {"name": "Shopping", "position": last_position(revision + 1)}
    [row] = writes.create(session, List, login.id, [new | values])
    session.commit()
    list_id: int = row.id
    return list_id


def make_filter(session: Session, login: Login, **values: Any) -> int:
    """Store a filter of the account, without a look at its query, and return its id."""
    [filter_id] = make_filters(session, login, [values])
    return filter_id


def make_filters(session: Session, login: Login, several: list[dict[str, Any]]) -> list[int]:
    """Store filters of the account in one transaction and return their ids."""
    rows = [{"name": "Open", "query": "completed=false", **values} for values in several]
    filters = writes.create(session, Filter, login.id, rows)
    session.commit()
    return [each.id for each in filters]


def make_reminder(session: Session, login: Login, **values: Any) -> int:
    """Store a reminder of the account that has fired now, and return its id."""
    now = writes.transaction_date(session)
    fired = {"task_id": 1, "at": now.replace(microsecond=0), "due_at": None, "due_all_day": False}
    [row] = writes.create(
        session, Reminder, login.id, [fired | {"fired_date": now, "late": False} | values]
    )
    session.commit()
    reminder_id: int = row.id
    return reminder_id


def make_webhook(session: Session, login: Login, **values: Any) -> int:
    """Store a webhook of the account, without a look at its URL, and return its id."""
    now = clock.now()
    revision = session.scalar(select(ACCOUNTS.c.revision).where(ACCOUNTS.c.id == login.id))
    columns = {
        "account_id": login.id,
        "url": "https://hooks.example.com/todo",
        "events": ["*"],
        "secret": new_webhook_secret(),
        "creation_date": now,
        "cursor_revision": revision,
        "claimed_until": now,
    }
    statement = insert(WEBHOOKS).values(columns | values).returning(WEBHOOKS.c.id)
    webhook_id = session.scalars(statement).one()
    session.commit()
    return webhook_id


def make_trashed(session: Session, login: Login, **values: Any) -> int:
    """Store a task of the account, move it to the trash, and return its id."""
    task_id = make_task(session, login, **values)
    row = session.execute(select(*TASK_COLUMNS).where(TASKS.c.id == task_id)).one()
    writes.delete(session, Task, login.id, [row._asdict()])
    session.commit()
    return task_id


def make_key(
    session: Session, login: Login, key: str, expiration_date: datetime, body: bytes = b"{\x00}"
) -> None:
    """Store an idempotency key of the account with the response to its request."""
    row = IdempotencyKey(
        account_id=login.id,
        key=key,
        request_digest=bytes(32),
        status=201,
        headers={"ETag": '"1"'},
        body=body,
        size=200 + len(body),
        expiration_date=expiration_date,
    )
    session.add(row)
    session.commit()
