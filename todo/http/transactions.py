"""The database of a request, and its transaction: pyramid_tm ends it, pyramid_retry runs it again.

A request that reads has no transaction: each of its statements sees what is committed then.
"""

from typing import Any

import psycopg2.extensions
from pyramid.config import Configurator
from pyramid.tweens import EXCVIEW
from pyramid_retry import mark_error_retryable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError
from zope.sqlalchemy import mark_changed

from todo.http.request import SAFE_METHODS, Request
from todo.models.engine import create_engine
from todo.models.faults import storage_fault
from todo.settings import Settings

TRANSACTION = "pyramid_tm.tm_tween_factory"


def has_transaction(request: Request) -> bool:
    """Tell whether the request has a transaction."""
    return request.method not in SAFE_METHODS


def end_transaction(request: Request) -> None:
    """Abort what the request has done so far and give its database connection back.

    Call it before slow work, such as hashing a password. The next query begins anew:
    what was read before must be read again before it is changed.
    """
    request.tm.abort()
    request.tm.begin()
    mark_changed(request.db, request.tm)


def commit_so_far(request: Request) -> None:
    """Commit what the request has done so far, and let other requests have the locks.

    One transaction would hold them too long. What was read before must be read again.
    """
    request.tm.commit()
    request.partly_committed = True  # an error must not say that nothing was changed
    request.tm.begin()
    mark_changed(request.db, request.tm)


def is_lost_before_commit(error: DBAPIError) -> bool:
    """Tell whether the connection was lost while the transaction could not be committed yet.

    So it is found that the database was restarted: to ask each connection first whether it lives
    would cost every request a query. A COMMIT has no statement; its outcome is unknown.
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
            or (is_lost_before_commit(error) and not request.partly_committed)
        )
    )
    if lost:
        mark_error_retryable(error)
    return lost


def includeme(config: Configurator) -> None:
    settings: dict[str, Any] = config.get_settings()
    settings["tm.activate_hook"] = has_transaction
    settings["tm.annotate_user"] = False  # it would ask for the identity before the route is known
    settings["tm.commit_veto"] = "pyramid_tm.default_commit_veto"
    settings["retry.attempts"] = 3
    config.include("pyramid_retry")
    # include("pyramid_tm") would add request.tm by add_request_method(), for which Pyramid makes a
    # class for each request: a seventh of reading one task. todo/http/request.py has it instead.
    config.add_tween(TRANSACTION, over=EXCVIEW)
    checked: Settings = config.registry["settings"]
    options = {"pooled": checked.is_pooled, "prepares": checked.prepared_statements}
    reading_url = checked.reading_url or checked.database_url
    config.registry["engine"] = create_engine(checked.database_url, **options)
    config.registry["reading_engine"] = create_engine(reading_url, reads_only=True, **options)
