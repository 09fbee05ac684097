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
from todo.http.errors import Problem
from todo.listing.filters import conditions
from todo.models.change import CHANGES, RESTORE
from todo.models.engine import Database, dialect_of
from todo.models.json import to_json
from todo.models.task import TASK_COLUMNS, TASKS, TaskRow
from todo.models.trash import TRASH, TRASH_COLUMNS, TrashRow
from todo.schemas import task as schemas
from todo.schemas.account import Account
from todo.schemas.trash import TrashedTask
from todo.services.trash import restorable

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
            raise Problem(
                "too_many_requests",
                "An export of this account is still being sent. Read it, or close its connection, "
                "and try again.",
                headers={"Retry-After": "10"},
            )

    def add(self, account_id: int, file: IO[bytes]) -> None:
        """Remember the file until the server closes it."""
        with self._lock:
            open_files = {key: each for key, each in self._files.items() if not each.closed}
            self._files = open_files | {account_id: file}


def write_export(db: Database, account: AccountRow, trash_retention: timedelta) -> IO[bytes]:
    """Write the account's profile, tasks and trash as JSON to a temporary file, and return it.

    The file is complete before the answer begins, so a failure still gets an error answer. Its
    position is at its end; closing it deletes it. Raise StaleDataError if a task was restored
    concurrently.
    """
    # Queries are sorted by account first: see pages.py.
    c = TASKS.c
    tasks = (
        select(*TASK_COLUMNS).where(*conditions(dialect_of(db), account, {})),
        (c.account_id, c.id),
        TaskRow,
    )
    c = TRASH.c
    trashed = (
        select(*TRASH_COLUMNS).where(*restorable(account, trash_retention)),
        (c.account_id, c.deletion_date, c.id),
        TrashRow,
    )
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(TemporaryFile())
        profile = to_json(Account.of(account))
        file.write(b'{"username":%b,"profile":%b' % (to_json(account.username), profile))
        # The trash comes last, so a task that is deleted concurrently is in both lists.
        for name, (query, key, row_class), schema in (
            (b"tasks", tasks, schemas.Task),
            (b"trash", trashed, TrashedTask),
        ):
            file.write(b',"%b":[' % name)
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


def _refuse_restored(db: Database, account: AccountRow) -> None:
    """Raise StaleDataError if a task was restored concurrently: it may be in neither list."""
    restored = select(CHANGES.c.object_id).where(
        CHANGES.c.account_id == account.id,
        CHANGES.c.revision > account.revision,
        CHANGES.c.action == RESTORE,
    )
    if db.scalar(restored.limit(1)) is not None:
        raise StaleDataError("a task was restored while the account was exported")


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
