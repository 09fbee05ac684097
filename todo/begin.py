"""The start of every request that needs a login, before its path is looked up: the steps in order.

A route with a context factory needs a login; one without is public.
"""

from functools import partial

from pyramid.config import Configurator
from pyramid.events import BeforeTraversal
from pyramid.httpexceptions import HTTPForbidden

from todo.auth.csrf import refuse_cross_site
from todo.auth.limits import count_write, record_use
from todo.auth.permissions import Permission
from todo.auth.policy import InsufficientScope
from todo.http.idempotency import replay
from todo.http.request import SAFE_METHODS
from todo.journal.writes import set_credential


def begin_request(event: BeforeTraversal) -> None:
    """Find out who asks, and hold the request to their scope, limits and earlier requests."""
    request = event.request
    writes = request.method not in SAFE_METHODS
    if writes:
        refuse_cross_site(request)
    route = request.matched_route
    if route is None or route.factory is None:
        return
    identity = request.identity
    if identity is None:
        raise HTTPForbidden
    request.timezone = identity.account.zone
    if writes and not identity.may(Permission.WRITE):
        # Before a row is looked for: the answer does not tell whether there is one.
        raise HTTPForbidden(result=InsufficientScope("the scope of the token is too small"))
    request.add_finished_callback(partial(record_use, identity.token))
    if writes:
        set_credential(request.db, identity.token)
        count_write(request)
        # Before the path is looked up: the first request may have moved or deleted the object.
        replay(request)


def includeme(config: Configurator) -> None:
    config.add_subscriber(begin_request, BeforeTraversal)
