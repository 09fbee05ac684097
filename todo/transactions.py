"""The transaction of a request: begun, ended and retried by pyramid_tm and pyramid_retry."""

from typing import Any

import psycopg2.extensions
from pyramid.config import Configurator
from pyramid_retry import mark_error_retryable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from todo.request import Request


def end_transaction(request: Request) -> None:
    """Abort what the request has done so far and give its database connection back.

    To be called before slow work, such as hashing a password. The next query begins anew:
    what was read before must be read again before it is changed.
    """
    request.tm.abort()
    request.tm.begin()


def commit_so_far(request: Request) -> None:
    """Commit what the request has done so far, and let those who wait for it have their turn.

    For what would hold locks too long as one transaction. What was read before must be read again.
    """
    request.tm.commit()
    request.partly_done = True  # an error must not say that nothing was changed
    request.tm.begin()


def mark_if_retryable(error: BaseException) -> bool:
    """Mark a serialization failure, a deadlock or a lost race for pyramid_retry, and tell so.

    An exception view that answers the error must call this, or the request is not retried:
    pyramid_tm does so itself only for errors which no view answers.
    """
    lost = isinstance(error, StaleDataError) or (
        isinstance(error, DBAPIError)
        and isinstance(error.orig, psycopg2.extensions.TransactionRollbackError)
    )
    if lost:
        mark_error_retryable(error)
    return lost


def includeme(config: Configurator) -> None:
    settings: dict[str, Any] = config.get_settings()
    settings["tm.manager_hook"] = "pyramid_tm.explicit_manager"
    settings["tm.annotate_user"] = False  # it would ask for the identity before the route is known
    settings["tm.commit_veto"] = "pyramid_tm.default_commit_veto"
    settings["retry.attempts"] = 3
    config.include("pyramid_retry")
    config.include("pyramid_tm")
