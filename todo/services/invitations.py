"""Create invitations to register, and accounts by invitation."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, insert, select
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.identity import AccountRow
from todo.http.errors import Problem
from todo.models.invitation import INVITATIONS
from todo.models.token import token_digest
from todo.services.accounts import create_account

LIFETIME = timedelta(days=7)


def create_invitation(session: Session) -> str:
    """Store a new invitation, and return its secret."""
    secret = secrets.token_urlsafe(32)
    values = {"digest": token_digest(secret), "expiration_date": clock.now() + LIFETIME}
    session.execute(insert(INVITATIONS).values(values))
    return secret


def create_invited_account(
    session: Session, values: dict[str, Any], end_transaction: Callable[[], object]
) -> AccountRow:
    """Create an account and use up the invitation in `values`, in one transaction.

    `end_transaction` releases the database while the password is hashed. Raise Problem 403 if the
    invitation is not valid, or is used concurrently.
    """
    valid = and_(
        INVITATIONS.c.digest == token_digest(values["invitation"] or ""),
        INVITATIONS.c.expiration_date > clock.now(),
    )
    if session.scalar(select(INVITATIONS.c.digest).where(valid)) is None:
        raise _invitation_required()
    end_transaction()
    account = create_account(session, values)
    used = delete(INVITATIONS).where(valid).returning(INVITATIONS.c.digest)
    if session.scalar(used) is None:
        raise _invitation_required()
    return account


def _invitation_required() -> Problem:
    return Problem(
        "invitation_required",
        "This service accepts registrations by invitation only. Ask the administrator for an "
        "invitation: each is valid once and for a week.",
    )
