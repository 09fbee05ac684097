"""The request class: Pyramid's, with the attributes of this application."""

import random
from typing import Any
from zoneinfo import ZoneInfo

import pyramid.request
from pyramid.config import Configurator
from pyramid.decorator import reify
from pyramid_tm import explicit_manager
from transaction import TransactionManager

from todo.days import DEFAULT_ZONE
from todo.http.trace import Trace, read_trace
from todo.models.engine import get_tm_session
from todo.settings import Settings

# RFC 9110, section 9, and RFC 5789. A client may send any other word.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, section 9.2.1

MAX_BODY = 1024 * 1024  # bytes


def known_method(request: Any) -> str:
    """Return the method, or "other": logs and metrics have a bounded set of them."""
    return request.method if request.method in _METHODS else "other"


def route_name(request: Any) -> str | None:
    """Return the name of the URL's pattern, which logs and metrics have instead of the URL."""
    return None if request.matched_route is None else request.matched_route.name


def new_request_id() -> str:
    """Return an id for the response and its log lines: 16 hexadecimal digits."""
    # It is not a secret, so it may be guessable; `secrets` would cost a system call.
    return f"{random.getrandbits(64):016x}"


class Request(pyramid.request.Request):
    """A request to the API."""

    timezone: ZoneInfo = DEFAULT_ZONE  # the account's, see todo/begin.py
    partly_committed: bool = False  # see commit_so_far of todo/http/transactions.py
    key_has_expired: bool = False  # see replay of todo/http/idempotency.py
    write_is_counted: bool = False  # see count_write of todo/auth/limits.py
    account_id: int | None = None  # logged in, for logs; see todo/begin.py
    token_id: int | None = None
    claimed_account_id: int | None = None  # before the password or the token is checked
    validated_body: Any  # an instance of the view's `body=`, see todo/http/typed_views.py
    early_input: tuple[Any, list[Any]] | None = None  # it and its faults, see read_input_early
    validated_query: Any  # an instance of the view's `query=`

    # pyramid_retry copies the body; every accepted body is small enough to stay in memory.
    request_body_tempfile_limit = MAX_BODY + 1

    @property
    def settings(self) -> Settings:
        """The settings of the application."""
        settings: Settings = self.registry["settings"]
        return settings

    @reify
    def tm(self) -> TransactionManager:
        """The transaction manager of the request."""
        return explicit_manager(self)

    @reify
    def db(self) -> Any:
        """An ORM session for a write request, a read-only connection for a read.

        The database refuses writes on that connection. A session would make reads a sixth slower.
        """
        if self.method not in SAFE_METHODS:
            return get_tm_session(self.registry["engine"], self.tm)
        connection = self.registry["reading_engine"].connect()
        self.add_finished_callback(lambda _request: connection.close())
        return connection

    @reify
    def request_id(self) -> str:
        """The id in the response (X-Request-Id) and in its log lines."""
        request_id: str = self.environ.setdefault("todo.request_id", new_request_id())
        return request_id  # of all attempts

    @reify
    def trace(self) -> Trace:
        """The trace in its log lines."""
        trace: Trace = self.environ.setdefault(
            "todo.trace", read_trace(self.environ.get("HTTP_TRACEPARENT"))
        )
        return trace

    @property
    def log_ids(self) -> dict[str, str | None]:
        """The ids in every log line about the request."""
        return {"request_id": self.request_id, **self.trace._asdict()}

    @property
    def log_prefix(self) -> str:
        """How an error line in text begins; a trace that no client has named is of no use there."""
        if self.trace.parent_id is None:
            return self.request_id
        return " ".join(f"{name}={value}" for name, value in self.log_ids.items())


def includeme(config: Configurator) -> None:
    config.set_request_factory(Request)
