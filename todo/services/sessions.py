"""Sessions: a login is begun, or checked."""

from typing import Any

from pyramid.security import remember
from sqlalchemy import delete, select, update

from todo import clock
from todo.models import Account, Token
from todo.passwords import MAX_BYTES, hash_password, needs_rehash, verify_password
from todo.request import Request
from todo.schemas.session import Credentials
from todo.transactions import end_transaction


def start_session(request: Request, account_id: int) -> dict[str, Any]:
    """Log the account in: store a new token, set the cookie, and return what the answer shows.

    The account's expired tokens go on this occasion.
    """
    request.dbsession.execute(
        delete(Token).where(Token.account_id == account_id, Token.expiration_date <= clock.now())
    )
    token, secret = Token.issue(account_id)
    request.dbsession.add(token)
    request.response.headers.extend(remember(request, secret))
    return {"token": secret, "token_expires": token.expiration_date}


def authenticate(request: Request, credentials: Credentials) -> Account | None:
    """Return the account that the username and password belong to, or None.

    The password is verified, and rehashed if need be, without a database connection. None, too,
    if the account or its password changed meanwhile.
    """
    password = credentials.password
    account = _find(request, credentials.username)
    stored = account.password_hash if account else None
    end_transaction(request)
    matches = len(password.encode()) <= MAX_BYTES and verify_password(stored, password)
    if account is None or stored is None or not matches:
        return None
    current = hash_password(password) if needs_rehash(stored) else stored
    return request.dbsession.scalar(
        update(Account)
        .where(Account.id == account.id, Account.password_hash == stored)
        .values(password_hash=current)
        .returning(Account)
    )


def _find(request: Request, username: str) -> Account | None:
    if not username.isascii() or "\0" in username:
        return None  # nobody is called so, and PostgreSQL cannot even compare a NUL
    return request.dbsession.scalar(
        select(Account).where(Account.username_lower == username.lower())
    )
