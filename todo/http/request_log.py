"""The request log: one line for each answer, without names, URLs and texts of clients."""

import logging
from typing import Any

from todo.http.logs import Values, write
from todo.http.request import Request, known_method, route_name
from todo.models.statements import Measured

logger = logging.getLogger("todo.requests")

PROBES = frozenset({"healthz", "readyz"})  # routes; monitoring requests them every second


def log_request(request: Request, response: Any, seconds: float, sql: Measured) -> None:
    """Log the request and its answer, made in so many seconds with these statements."""
    route = route_name(request)
    level = logging.DEBUG if route in PROBES else logging.INFO
    if not logger.isEnabledFor(level):
        return
    values = {
        **request.log_ids,
        "method": known_method(request),
        "route": route,
        "status": response.status_int,
        "account": request.account_id,
        "milliseconds": _milliseconds(seconds),
        "sql_count": sql.statements,
        "sql_milliseconds": _milliseconds(sql.seconds),
        "bytes": response.content_length,
    }
    write(logger, level, Values("request", values))


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
