"""The transaction of a request that writes: pyramid_tm ends it, and pyramid_retry runs it again.

A request that reads has none: each of its statements sees what is committed at that moment.
"""

from typing import Any

import psycopg2.extensions
from pyramid.config import Configurator
from pyramid_retry import mark_error_retryable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from zope.sqlalchemy import mark_changed

from todo.http.request import SAFE_METHODS, Request
from todo.models.faults import storage_fault


def has_transaction(request: Request) -> bool:
    """Tell whether the request has a transaction."""
    return request.method not in SAFE_METHODS


def join_transaction(request: Request, session: Session) -> None:
    """Let the session be committed or rolled back with the request's transaction.

    It counts as changed from the start, or zope.sqlalchemy would roll back what Core or text()
    wrote. Its register() would listen to each session, which costs more than a query.
    """
    mark_changed(session, request.tm)


def end_transaction(request: Request) -> None:
    """Abort what the request has done so far and give its database connection back.

    To be called before slow work, such as hashing a password. The next query begins anew:
    what was read before must be read again before it is changed.
    """
    request.tm.abort()
    request.tm.begin()
    join_transaction(request, request.dbsession)


def commit_so_far(request: Request) -> None:
    """Commit what the request has done so far, and let those who wait for it have their turn.

    For what would hold locks too long as one transaction. What was read before must be read again.
    """
    request.tm.commit()
    request.partly_done = True  # an error must not say that nothing was changed
    request.tm.begin()
    join_transaction(request, request.dbsession)


def is_lost_before_commit(error: DBAPIError) -> bool:
    """Tell whether the connection was lost while the transaction could not be committed yet.

    So it is found that the database was restarted: to ask each connection first whether it lives
    would cost every request a query. A COMMIT has no statement; what became of it, nobody knows.
    """
    gone = error.connection_invalidated and storage_fault(error.orig) is None
    return gone and error.statement is not None


def mark_if_retryable(error: BaseException, request: Request) -> bool:
    """Mark for pyramid_retry what may succeed if the request runs again, and tell so.

    That is a serialization failure, a deadlock, a lost race or a lost connection.

    An exception view that answers the error must call this, or the request is not retried:
    pyramid_tm does so itself only for errors which no view answers.
    """
    lost = isinstance(error, StaleDataError) or (
        isinstance(error, DBAPIError)
        and (
            isinstance(error.orig, psycopg2.extensions.TransactionRollbackError)
            or (is_lost_before_commit(error) and not request.partly_done)
        )
    )
    if lost:
        mark_error_retryable(error)
    return lost


def includeme(config: Configurator) -> None:
    settings: dict[str, Any] = config.get_settings()
    settings["tm.manager_hook"] = "pyramid_tm.explicit_manager"
    settings["tm.activate_hook"] = has_transaction
    settings["tm.annotate_user"] = False  # it would ask for the identity before the route is known
    settings["tm.commit_veto"] = "pyramid_tm.default_commit_veto"
    settings["retry.attempts"] = 3
    config.include("pyramid_retry")
    config.include("pyramid_tm")
