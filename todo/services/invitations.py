"""Create, check and use up invitations to register."""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, select
from sqlalchemy.orm import Session

from todo import clock
from todo.models.invitation import INVITATIONS
from todo.models.token import token_digest

LIFETIME = timedelta(days=7)


def create_invitation(session: Session) -> str:
    """Store a new invitation, and return its secret."""
    secret = secrets.token_urlsafe(32)
    values = {"digest": token_digest(secret), "expiration_date": clock.now() + LIFETIME}
    session.execute(insert(INVITATIONS).values(values))
    return secret


def is_valid(session: Session, secret: str) -> bool:
    """Return whether the invitation exists and has not expired."""
    return session.scalar(select(INVITATIONS.c.digest).where(_is_valid(secret))) is not None


def use_up(session: Session, secret: str) -> bool:
    """Delete the invitation; return False if it is not valid, or was used concurrently."""
    used = delete(INVITATIONS).where(_is_valid(secret)).returning(INVITATIONS.c.digest)
    return session.scalar(used) is not None


def _is_valid(secret: str) -> ColumnElement[bool]:
    return and_(
        INVITATIONS.c.digest == token_digest(secret),
        INVITATIONS.c.expiration_date > clock.now(),
    )
