"""Export an account of any size as one JSON document."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any

from sqlalchemy import Select, literal, select, tuple_
from sqlalchemy.orm.exc import StaleDataError

from todo.auth.identity import AccountRow
from todo.auth.limits import too_many_requests
from todo.http.schema import Representation
from todo.listing.filters import conditions
from todo.models.change import CHANGES, RESTORE
from todo.models.engine import Database, dialect_of
from todo.models.filter import FILTER_COLUMNS, FILTERS, FilterRow
from todo.models.json import to_json
from todo.models.list import LIST_COLUMNS, LISTS, ListRow
from todo.models.reminder import REMINDER_COLUMNS, REMINDERS, ReminderRow
from todo.models.task import TASK_COLUMNS, TASKS, TaskRow
from todo.models.trash import TRASH, TRASH_COLUMNS, TrashRow
from todo.models.webhook import WEBHOOK_COLUMNS, WEBHOOKS, WebhookRow
from todo.schemas.account import Account
from todo.schemas.filter import Filter
from todo.schemas.list import List
from todo.schemas.reminder import StoredReminder
from todo.schemas.task import StoredTask
from todo.schemas.trash import TrashedTask
from todo.schemas.webhook import Webhook
from todo.services.trash import restorable

Part = tuple[Select[Any], tuple[Any, ...], Any, type[Representation]]

BATCH_SIZE = 1000  # tasks in memory and per statement; on SQLite, a running read blocks commits


class OpenExports:
    """The export of each account that the server is sending: its file occupies the disk."""

    def __init__(self) -> None:
        self._files: dict[int, IO[bytes]] = {}
        self._lock = Lock()

    def refuse_second(self, account_id: int) -> None:
        """Raise Problem 429 while an export of the account is being sent."""
        file = self._files.get(account_id)
        if file is not None and not file.closed:
            raise too_many_requests(
                "exports-at-once",
                "An export of this account is still being sent. Read it, or close its connection, "
                "and try again.",
                seconds=10,
            )

    def add(self, account_id: int, file: IO[bytes]) -> None:
        """Remember the file until the server closes it."""
        with self._lock:
            open_files = {key: each for key, each in self._files.items() if not each.closed}
            self._files = open_files | {account_id: file}


def write_export(
    db: Database, account: AccountRow, trash_retention: timedelta, *, with_webhooks: bool
) -> IO[bytes]:
    """Write the account's data as JSON to a file, and return it.

    Webhooks are only for those who may manage them: a URL may be a secret. The file is complete
    before the answer begins, so a failure still gets an error answer. Its position is at its end;
    it is temporary: closing it deletes it. Raise StaleDataError if an object was restored
    concurrently.
    """
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(TemporaryFile())
        profile = to_json(Account.of(account))
        file.write(b'{"username":%b,"profile":%b' % (to_json(account.username), profile))
        parts = _parts(db, account, trash_retention)
        if with_webhooks:
            parts["webhooks"] = _webhooks(account)
        for name, (query, key, row_class, schema) in parts.items():
            file.write(b',"%b":[' % name.encode())
            comma = b""
            for batch in _batches(db, query, key):
                shown = schema.of_each(map(row_class._make, batch))
                file.write(comma + b",".join(map(to_json, shown)))
                comma = b","
            file.write(b"]")
        file.write(b"}")
        _refuse_restored(db, account)
        stack.pop_all()  # keep the file open for the answer
        return file


def _parts(db: Database, account: AccountRow, trash_retention: timedelta) -> dict[str, Part]:
    """Return the parts of the export by name: query, sort key, row class and schema."""
    mine = conditions(dialect_of(db), account, {"archived": "any"})
    # Queries are sorted by account first: see pages.py.
    return {
        "lists": (
            select(*LIST_COLUMNS).where(LISTS.c.account_id == account.id),
            (LISTS.c.account_id, LISTS.c.id),
            ListRow,
            List,
        ),
        "filters": (
            select(*FILTER_COLUMNS).where(FILTERS.c.account_id == account.id),
            (FILTERS.c.account_id, FILTERS.c.id),
            FilterRow,
            Filter,
        ),
        "tasks": (
            select(*TASK_COLUMNS).where(*mine),
            (TASKS.c.account_id, TASKS.c.id),
            TaskRow,
            StoredTask,
        ),
        "reminders": (
            select(*REMINDER_COLUMNS).where(REMINDERS.c.account_id == account.id),
            (REMINDERS.c.account_id, REMINDERS.c.id),
            ReminderRow,
            StoredReminder,
        ),
        # The trash comes last, so a task that is deleted concurrently is in both lists.
        "trash": (
            select(*TRASH_COLUMNS).where(*restorable(account, trash_retention)),
            (TRASH.c.account_id, TRASH.c.deletion_date, TRASH.c.id),
            TrashRow,
            TrashedTask,
        ),
    }


def _webhooks(account: AccountRow) -> Part:
    query = select(*WEBHOOK_COLUMNS).where(WEBHOOKS.c.account_id == account.id)
    return query, (WEBHOOKS.c.account_id, WEBHOOKS.c.id), WebhookRow, Webhook


def _refuse_restored(db: Database, account: AccountRow) -> None:
    """Raise StaleDataError if an object was restored concurrently: it may be in no list."""
    restored = select(CHANGES.c.object_id).where(
        CHANGES.c.account_id == account.id,
        CHANGES.c.revision > account.revision,
        CHANGES.c.action == RESTORE,
    )
    if db.scalar(restored.limit(1)) is not None:
        raise StaleDataError("an object was restored while the account was exported")


def _batches(db: Database, query: Select[Any], key: tuple[Any, ...]) -> Iterator[Sequence[Any]]:
    """Yield all rows of the query in the order of the key, in batches of one statement each."""
    query = query.order_by(*key).limit(BATCH_SIZE)
    place = key[1:]
    following = query
    while batch := db.execute(following).all():
        yield batch
        if len(batch) < BATCH_SIZE:
            return
        values = (literal(getattr(batch[-1], each.key), each.type) for each in place)
        following = query.where(tuple_(*place) > tuple_(*values))
