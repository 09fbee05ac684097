"""An account's own data in one document, however much it is."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import Select, literal, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo.http.renderers import to_json
from todo.http.request import Request
from todo.listing.filters import conditions
from todo.models import Change, Task, TrashedTask
from todo.models.change import RESTORE
from todo.schemas import task as schemas
from todo.schemas import trash
from todo.schemas.account import Account
from todo.services.accounts import lock_identity
from todo.services.trash import kept

BATCH = 1000  # tasks in memory
# Tasks that one statement reads from SQLite: nobody else can commit meanwhile.
TURN = 2_000


def write_export(request: Request) -> IO[bytes]:
    """Return a file that holds the asker's profile, tasks and trash as JSON, at its end.

    It is whole before the answer begins: whatever fails on the way is still an error of its own,
    and no slow reader keeps the transaction open. It has no name, and is gone when it is closed.
    """
    account = request.identity.account
    tasks = select(Task).where(*conditions(request, {})), (Task.account_id, Task.id)
    trashed = (
        select(TrashedTask).where(*kept(request)),
        (TrashedTask.account_id, TrashedTask.deletion_date, TrashedTask.id),
    )
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(TemporaryFile())
        profile = to_json(Account.of(account))
        file.write(b'{"username":%b,"profile":%b' % (to_json(account.username), profile))
        # The trash comes last: what is deleted meanwhile is in both lists.
        for name, (query, key), schema in (
            (b"tasks", tasks, schemas.Task),
            (b"trash", trashed, trash.TrashedTask),
        ):
            file.write(b',"%b":[' % name)
            comma = b""
            for batch in _batches(request, query, key):
                file.write(comma + b",".join(map(to_json, schema.of_each(batch))))
                comma = b","
            file.write(b"]")
        file.write(b"}")
        _refuse_restored(request)
        stack.pop_all()  # it stays open for who sends it
        return file


def _refuse_restored(request: Request) -> None:
    """Have the request run again where a task was restored meanwhile: it may be in neither list."""
    restored = select(Change.object_id).where(
        Change.account_id == request.identity.account.id,
        Change.revision > request.identity.account.revision,
        Change.action == RESTORE,
    )
    if request.dbsession.scalars(restored.limit(1)).first() is not None:
        raise StaleDataError("a task was restored while the account was exported")


def _batches(request: Request, query: Select[Any], key: tuple[Any, ...]) -> Iterator[Sequence[Any]]:
    """Yield all rows of the query in the order of the key, which begins with the account.

    On PostgreSQL they are read by one statement, and so are those of one moment, for which its
    cursor needs a transaction; on SQLite each turn is.
    """
    if request.connection.dialect.name == "postgresql":
        with Session(request.registry["engine"]) as session:
            yield from _partitions(session, query.order_by(*key))
        return
    # See pages.py for the order.
    query = query.order_by(*key).limit(TURN)
    place = key[1:]
    following = query
    while True:
        read = 0
        for batch in _partitions(request.dbsession, following):
            yield batch
            last, read = batch[-1], read + len(batch)
        if read != TURN:
            return
        values = (literal(getattr(last, each.key), each.type) for each in place)
        following = query.where(tuple_(*place) > tuple_(*values))
        request.dbsession.expunge_all()
        lock_identity(request)  # whose login has ended meanwhile reads no further


def _partitions(session: Session, query: Select[Any]) -> Iterator[Sequence[Any]]:
    return session.scalars(query, execution_options={"yield_per": BATCH}).partitions()
