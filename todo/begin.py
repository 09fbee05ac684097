"""The steps at the start of every request, before its context is loaded.

A route with a context factory requires a login; a route without one is public.
"""

from functools import partial

from pyramid.config import Configurator
from pyramid.events import BeforeTraversal
from pyramid.httpexceptions import HTTPForbidden

from todo.auth.budgets import WRITTEN
from todo.auth.csrf import refuse_cross_site
from todo.auth.limits import count_write, record_use
from todo.auth.permissions import Permission
from todo.auth.policy import UNAUTHENTICATED, InsufficientScope, presented_digest
from todo.auth.shares import take_share
from todo.http.idempotency import replay
from todo.http.request import SAFE_METHODS, Request
from todo.journal.writes import Quotas, recorded_bytes, set_writer


def begin_request(event: BeforeTraversal) -> None:
    """Refuse cross-site writes; then check login, scope and limits, and replay a repeated write."""
    request = event.request
    writes = request.method not in SAFE_METHODS
    if writes:
        refuse_cross_site(request)
    route = request.matched_route
    if route is None or route.factory is None:
        return
    take_share(request)
    identity = request.identity
    if identity is None:  # the token has ended since its first request
        request.registry["known_tokens"].forget(presented_digest(request))
        raise HTTPForbidden(result=UNAUTHENTICATED)
    request.account_id, request.token_id = identity.account.id, identity.token.id
    request.timezone = identity.account.zone
    if writes and not identity.may(Permission.WRITE):
        # Before the row is loaded, so that the response does not reveal whether it exists.
        raise HTTPForbidden(result=InsufficientScope("the scope of the token is too small"))
    request.add_finished_callback(partial(record_use, identity.token))
    if writes:
        settings = request.settings
        set_writer(request.db, identity.token, Quotas(settings.quota_tasks, settings.quota_journal))
        request.add_finished_callback(partial(_spend_recorded, identity.account.id))
        count_write(request)
        # Before the context is loaded: the first request may have moved or deleted the object.
        replay(request)


def _spend_recorded(account_id: int, request: Request) -> None:
    """Count the bytes of the journal, too: a short request can change many tasks."""
    if recorded := recorded_bytes(request.db):
        request.registry["budgets"].spend(WRITTEN, account_id, recorded)


def includeme(config: Configurator) -> None:
    config.add_subscriber(begin_request, BeforeTraversal)
