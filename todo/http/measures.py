"""Measure each request, for metrics and the request log: only its last attempt is an answer."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid_retry import IBeforeRetry, is_error_retryable
from sqlalchemy.exc import DBAPIError

from todo.http.headers import HEADERS
from todo.http.request import Request, known_method, route_name
from todo.http.request_log import log_request
from todo.metrics import REQUEST_SECONDS, REQUESTS, RETRIES
from todo.models.statements import Measured, measured

MEASURES = "todo.http.measures.measures_tween_factory"

BEGAN = "todo.began"  # in the environ, which the attempts of a request share


def measures_tween_factory(handler: Callable[[Request], Any], _registry: Registry) -> Any:
    """Count every answer, including errors."""

    def measures_tween(request: Request) -> Any:
        request.environ.setdefault(BEGAN, (perf_counter(), measured()))
        response = handler(request)
        if request.exception is None or not is_error_retryable(request, request.exception):
            # After the other callbacks, some of which run statements.
            request.add_finished_callback(partial(_finish, response))
        return response

    return measures_tween


def _finish(response: Any, request: Request) -> None:
    began, before = request.environ[BEGAN]
    after = measured()
    seconds = perf_counter() - began
    count_request(request, response, seconds)
    sql = Measured(after.statements - before.statements, after.seconds - before.seconds)
    log_request(request, response, seconds, sql)


def count_request(request: Request, response: Any, seconds: float) -> None:
    """Count the request and its answer, made in so many seconds."""
    route = route_name(request) or "none"
    method = known_method(request)
    REQUESTS.labels(route, method, response.status_int).inc()
    REQUEST_SECONDS.labels(route, method).observe(seconds)


def count_retry(event: Any) -> None:
    """Count the next attempt of a request."""
    error = event.exception
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    RETRIES.labels("connection" if lost else "conflict").inc()


def includeme(config: Configurator) -> None:
    config.add_tween(MEASURES, over=HEADERS)
    config.add_subscriber(count_retry, IBeforeRetry)
