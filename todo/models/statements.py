"""The number and the time of SQL statements.

Each thread counts for itself: it works on one request, or one job, at a time. What a request costs
is the difference between its end and its start, over all attempts and all of its transactions.
"""

from threading import local
from time import perf_counter
from typing import Any, NamedTuple

from sqlalchemy import Engine, event

from todo.metrics import STATEMENT_SECONDS
from todo.models.prepared import execute_prepared


class Measured(NamedTuple):
    """The statements that a thread has run, and the seconds that it has waited for them.

    COMMIT and ROLLBACK are not among them, nor is reading the rows of a result.
    """

    statements: int
    seconds: float


class _Thread(local):
    measured = Measured(0, 0.0)


_thread = _Thread()


def measured() -> Measured:
    """Return what this thread has measured since it started."""
    return _thread.measured


def listen(engine: Engine, *, prepares: bool = False) -> None:
    """Measure the statements of all connections of the engine, and prepare those that say so.

    Events of the dialect run them: `before_cursor_execute` and its like would make SQLAlchemy build
    all events of each new connection, a fifteenth of the time to read a task.
    """
    event.listen(engine, "do_execute", _execute_prepared if prepares else _execute)
    event.listen(engine, "do_executemany", _execute_many)
    event.listen(engine, "do_execute_no_params", _execute_without_parameters)


def _execute_prepared(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    with _Measure():
        if not execute_prepared(cursor, statement, parameters, context):
            context.dialect.do_execute(cursor, statement, parameters, context)
    return True


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    with _Measure():
        context.dialect.do_execute(cursor, statement, parameters, context)
    return True


def _execute_many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    with _Measure():
        context.dialect.do_executemany(cursor, statement, parameters, context)
    return True


def _execute_without_parameters(cursor: Any, statement: str, context: Any) -> bool:
    with _Measure():
        context.dialect.do_execute_no_params(cursor, statement, context)
    return True


class _Measure:
    """Count the statement of the block when it ends, successful or not."""

    def __enter__(self) -> None:
        self.began = perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = perf_counter() - self.began
        before = _thread.measured
        _thread.measured = Measured(before.statements + 1, before.seconds + seconds)
        STATEMENT_SECONDS.observe(seconds)
