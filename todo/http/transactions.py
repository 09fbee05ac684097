"""The transaction of a request: pyramid_tm commits or aborts it, pyramid_retry retries it.

A read request has no transaction: each statement sees the data committed at that moment.
"""

import time
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

WRITERS_TURN = 0.05  # seconds: on SQLite, other writers poll for the lock

TRANSACTION = "pyramid_tm.tm_tween_factory"


def has_transaction(request: Request) -> bool:
    """Return whether the request has a transaction."""
    return request.method not in SAFE_METHODS


def end_transaction(request: Request) -> None:
    """Abort the transaction and return its database connection to the pool.

    Call it before slow work, such as hashing a password. The next query begins a new transaction:
    read rows again before changing them.
    """
    request.tm.abort()
    request.tm.begin()
    mark_changed(request.db, request.tm)


def commit_so_far(request: Request) -> None:
    """Commit the changes so far and release their locks.

    A single transaction would hold the locks too long. Read rows again after this.
    """
    request.tm.commit()
    request.partly_committed = True  # an error must not say that nothing was changed
    if request.registry["engine"].dialect.name == "sqlite":
        time.sleep(WRITERS_TURN)
    request.tm.begin()
    mark_changed(request.db, request.tm)


def is_lost_before_commit(error: DBAPIError) -> bool:
    """Return whether the connection was lost before COMMIT was sent.

    This detects a restart of the database; testing each connection before use would cost every
    request a query. The error of a COMMIT has no statement, and the outcome is unknown.
    """
    gone = error.connection_invalidated and storage_fault(error.orig) is None
    return gone and error.statement is not None


def mark_if_retryable(error: BaseException, request: Request) -> bool:
    """Mark the error for pyramid_retry if a retry may succeed, and return whether it was marked.

    Retryable are a serialization failure, a deadlock, a lost race and a lost connection.

    An exception view that handles the error must call this, otherwise the request is not retried:
    pyramid_tm marks only errors that no view handles.
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
    settings["tm.annotate_user"] = False  # it would load the identity before the route is known
    settings["tm.commit_veto"] = "pyramid_tm.default_commit_veto"
    settings["retry.attempts"] = 3
    config.include("pyramid_retry")
    # Not include("pyramid_tm"): it adds request.tm by add_request_method(), so Pyramid creates a
    # class per request, a seventh of the time to read a task. todo/http/request.py defines it.
    config.add_tween(TRANSACTION, over=EXCVIEW)
    checked: Settings = config.registry["settings"]
    options = {"pooled": checked.is_pooled, "prepares": checked.prepared_statements}
    reading_url = checked.reading_url or checked.database_url
    config.registry["engine"] = create_engine(checked.database_url, **options)
    config.registry["reading_engine"] = create_engine(reading_url, reads_only=True, **options)
