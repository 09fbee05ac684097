"""The request, with what the application adds to Pyramid's."""

import random
from typing import Any
from zoneinfo import ZoneInfo

import pyramid.request
from pyramid.config import Configurator
from pyramid.decorator import reify
from pyramid.interfaces import PHASE3_CONFIG, IRequestExtensions, IRequestFactory
from pyramid.registry import Registry
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from todo.days import DEFAULT_ZONE

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, section 9.2.1

MAX_BODY = 1024 * 1024  # bytes


def new_request_id() -> str:
    """Return what connects an answer with its lines in the log: 16 hexadecimal digits."""
    # It may be guessed: no call of the system for it, as `secrets` would make.
    return f"{random.getrandbits(64):016x}"


class Request(pyramid.request.Request):
    """A request to the API."""

    connection: Connection  # for statements, see todo/models
    reading_connection: Connection
    dbsession: Session  # for objects
    timezone: ZoneInfo = DEFAULT_ZONE  # of who is logged in, see LoginContext
    partly_done: bool = False  # see commit_so_far of todo/http/transactions.py
    write_is_noted: bool = False  # see note_write of todo/auth/limits.py
    validated_body: Any  # an instance of the view's `body=`, see todo/http/typed_views.py
    validated_query: Any  # an instance of the view's `query=`

    # pyramid_retry keeps a copy of the body; none that we take is worth a file on the disk.
    request_body_tempfile_limit = MAX_BODY + 1

    @property
    def __view__(self) -> None:
        """What Pyramid makes of a view, which has the request, is not kept by the request.

        It would be a cycle, which only the garbage collector could take apart: after 304 and all
        that a view answers by a Response, it took a sixth of the request's time.
        """

    @__view__.setter
    def __view__(self, view: object) -> None:
        pass

    def make_body_seekable(self) -> None:
        """Keep the body for another run of the request; who only reads has none that counts."""
        if self.method not in SAFE_METHODS:
            super().make_body_seekable()

    @reify
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key as it was sent, where the operation takes one."""
        if self.keyed_operation is None:
            return None
        return self.headers.get("Idempotency-Key")

    @property
    def keyed_operation(self) -> Any:
        """The Operation that is asked for, where it takes a key: see todo/http/idempotency.py."""
        route = self.matched_route and self.matched_route.name
        return self.registry["keyed_operations"].get((route, self.method))

    @reify
    def request_id(self) -> str:
        """What connects an answer with its lines in the log."""
        return new_request_id()


def _extend_class(registry: Registry) -> None:
    """Give the class of requests what add_request_method() has named.

    Pyramid would make a class of its own for each request, which takes as long as a query.
    """
    extensions = registry.getUtility(IRequestExtensions)
    registry.unregisterUtility(extensions, IRequestExtensions)
    attributes = extensions.descriptors | extensions.methods
    registry.registerUtility(
        type("Request", (registry.getUtility(IRequestFactory),), attributes), IRequestFactory
    )


def includeme(config: Configurator) -> None:
    config.set_request_factory(Request)
    # Once all parts have named theirs.
    config.action(None, _extend_class, args=(config.registry,), order=PHASE3_CONFIG + 1)
