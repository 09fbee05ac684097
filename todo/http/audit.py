"""The audit log: who logged in, what was refused, and what changed in accounts (ASVS V16.3).

A line has numbers and words of this code only: no name, address of mail, secret, or text that a
client sent. docs/logs.md lists the events.
"""

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import Session

from todo.http.logs import Values, write
from todo.http.request import Request
from todo.http.transactions import has_transaction

logger = logging.getLogger("todo.audit")

# Changes and logins that took place.
SUCCESSES = frozenset(
    {
        *("login.succeeded", "logout.succeeded", "reauthentication.succeeded"),
        *("account.registered", "account.changed", "account.closed", "account.exported"),
        *("account.disabled", "account.enabled", "password.changed"),
        *("token.created", "token.revoked", "invitation.created"),
        *("webhook.created", "webhook.changed", "webhook.deleted"),
    }
)

# Code of a refusal (todo/http/codes.py) -> event.
REFUSALS: Mapping[str, str] = {
    "bad_credentials": "login.failed",
    "account_disabled": "login.failed",
    "registration_closed": "registration.refused",
    "invitation_required": "registration.refused",
    "reauthentication_required": "reauthentication.failed",
    "unauthenticated": "authentication.failed",
    "forbidden": "authorization.refused",
    "insufficient_scope": "authorization.refused",
    "cross_site": "cross_site.refused",
    "bad_host": "host.refused",
    "too_many_requests": "limit.exceeded",
}


def audit(request: Request, event: str, *, at_once: bool = False, **fields: Any) -> None:
    """Log what the request has done, once it is committed; nothing if it is rolled back.

    `fields` override those of the request. Call this after the last end_transaction(). A read has
    no transaction, and is logged `at_once`, like an event that no rollback undoes.
    """
    values = _of_request(request) | _values(event, "success", fields)
    if has_transaction(request) and not at_once:
        request.tm.get().addAfterCommitHook(_log_committed, (values,))
    else:
        _log(values)


def audit_refusal(request: Request, code: str, fields: Mapping[str, Any]) -> None:
    """Log that the request is refused with the code of an error, if that is an event.

    A refusal holds although the transaction is rolled back.
    """
    if code in REFUSALS:
        _log(_of_request(request) | _values(REFUSALS[code], "failure", {"reason": code, **fields}))


def audit_command(session: Session, event: str, **fields: Any) -> None:
    """Log what a command of todo-admin has done, once the session has committed it."""
    values = {"account": None} | _values(event, "success", {**fields, "by": "todo-admin"})

    def log(_session: Session) -> None:
        _log(values)

    sqlalchemy_event.listen(session, "after_commit", log, once=True)


def _of_request(request: Request) -> dict[str, Any]:
    return {
        "account": request.account_id or request.claimed_account_id,
        "token": request.token_id,
        "address": request.remote_addr,
        **request.log_ids,
    }


def _values(event: str, outcome: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"event": event, "outcome": outcome, **fields}


def _log_committed(success: bool, values: dict[str, Any]) -> None:
    if success:
        _log(values)


def _log(values: dict[str, Any]) -> None:
    first = {name: values[name] for name in ("event", "outcome")}
    write(logger, logging.INFO, Values(values["event"], first | values))
