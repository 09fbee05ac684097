"""List, create and revoke tokens."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow, Identity, is_active, lock_account
from todo.http.errors import Problem
from todo.models.engine import Database
from todo.models.token import TOKENS, Scope, TokenKind, new_token
from todo.settings import Settings

MAX_API_TOKENS = 100  # active tokens per account


def active_tokens(db: Database, account: AccountRow, settings: Settings) -> Sequence[Row[Any]]:
    """Return the account's sessions and API tokens, oldest first."""
    query = select(*TOKENS.c).where(TOKENS.c.account_id == account.id, is_active(settings))
    return db.execute(query.order_by(TOKENS.c.id)).all()


def create_token(
    session: Session, identity: Identity, settings: Settings, values: dict[str, Any]
) -> tuple[Row[Any], str]:
    """Create an API token, and return its row and its secret.

    `values` has its name, scope and expiration date. Raise Problem 409 if the account has the
    maximum number of API tokens.
    """
    account = lock_account(session, identity)
    api = (TOKENS.c.account_id == account.id, TOKENS.c.kind == TokenKind.API, is_active(settings))
    count = session.scalar(select(func.count()).select_from(TOKENS).where(*api)) or 0
    if count >= MAX_API_TOKENS:
        raise Problem(
            "too_many_tokens", f"An account has at most {MAX_API_TOKENS} API tokens; revoke one."
        )
    columns, secret = new_token(
        account.id,
        values["expires"],
        kind=TokenKind.API,
        scope=Scope(values["scope"]),
        name=values["name"],
    )
    row = session.execute(insert(TOKENS).values(columns).returning(*TOKENS.c)).one()
    return row, secret


def end_token(session: Session, token_id: int) -> None:
    """Revoke one token."""
    session.execute(delete(TOKENS).where(TOKENS.c.id == token_id))


def end_other_tokens(session: Session, identity: Identity) -> Sequence[int]:
    """Revoke all sessions and API tokens of the account except the identity's; return their ids."""
    # Lock first, so that a concurrently created token is visible and revoked, too.
    account = lock_account(session, identity)
    others = (TOKENS.c.account_id == account.id, TOKENS.c.id != identity.token.id)
    return session.scalars(delete(TOKENS).where(*others).returning(TOKENS.c.id)).all()
