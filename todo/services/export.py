"""An account's own data in one document, however much it is."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO

from sqlalchemy import select

from todo.models import Task
from todo.renderers import to_json
from todo.request import Request
from todo.schemas import task as schemas
from todo.schemas.account import Account
from todo.services.accounts import lock_identity
from todo.services.filters import of_account
from todo.transactions import end_transaction

BATCH = 1000  # tasks in memory
# Tasks that one transaction reads from SQLite: nobody else can commit meanwhile.
TURN = 2_000


def write_export(request: Request) -> IO[bytes]:
    """Return a file that holds the asker's profile and tasks as JSON, at its end.

    It is whole before the answer begins: whatever fails on the way is still an error of its own,
    and no slow reader keeps the transaction open. It has no name, and is gone when it is closed.
    """
    account = request.identity.account
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(TemporaryFile())
        profile = to_json(Account.of(account))
        file.write(b'{"username":%b,"profile":%b,"tasks":[' % (to_json(account.username), profile))
        comma = b""
        for batch in _batches(request):
            file.write(comma + b",".join(to_json(schemas.Task.of(task)) for task in batch))
            comma = b","
        file.write(b"]}")
        stack.pop_all()  # it stays open for who sends it
        return file


def _batches(request: Request) -> Iterator[Sequence[Task]]:
    """Yield all tasks of the asker by their ids.

    On PostgreSQL they are read by one statement, and so are those of one moment; on SQLite each
    turn is. Ends the transaction between two turns.
    """
    turn = None if request.dbsession.get_bind().dialect.name == "postgresql" else TURN
    # See pages.py for the order.
    query = select(Task).where(of_account(request)).order_by(Task.account_id, Task.id).limit(turn)
    last = 0
    while True:
        read = 0
        following = query.where(Task.id > last)
        tasks = request.dbsession.scalars(following, execution_options={"yield_per": BATCH})
        for batch in tasks.partitions():
            yield batch
            last, read = batch[-1].id, read + len(batch)
        if read != turn:
            return
        end_transaction(request)
        lock_identity(request)  # whose login has ended meanwhile reads no further
