"""Accounts: registered and changed."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.errors import Fault, Problem
from todo.models import Account, Token
from todo.passwords import hash_password
from todo.request import Request
from todo.transactions import end_transaction


def register(request: Request, values: dict[str, Any]) -> Account:
    """Return a new account. Raises Problem with 409 where the username is taken."""
    password_hash = hash_password(values["password"])
    account = Account(
        username=values["username"],
        email=values["email"],
        password_hash=password_hash,
        date_joined=clock.now(),
    )
    request.dbsession.add(account)
    _flush_username(request)
    return account


def change_account(request: Request, values: dict[str, Any]) -> Account:
    """Change the attributes named in `values` and leave the rest; return the account.

    A new password ends every other session. Raises Problem with 409 where the username is taken.
    """
    values = dict(values)
    if "password" in values:
        end_transaction(request)
        values["password_hash"] = hash_password(values["password"])
    account, token = _lock(request)
    if "password" in values:
        request.dbsession.execute(
            delete(Token).where(Token.account_id == account.id, Token.id != token.id)
        )
    for name in ("username", "email", "password_hash"):
        if name in values:
            setattr(account, name, values[name])
    _flush_username(request)
    return account


def _lock(request: Request) -> tuple[Account, Token]:
    """Read who asks again, locked: others may have changed or ended it since."""
    row = request.dbsession.execute(
        select(Account, Token)
        .join(Token, Token.account_id == Account.id)
        .where(Token.id == request.identity.token.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise StaleDataError("the session was ended meanwhile")
    return row[0], row[1]


def _flush_username(request: Request) -> None:
    """Write the account. The database decides whether the name is free, so no race can."""
    try:
        request.dbsession.flush()
    except IntegrityError as error:
        message = "This username is taken."
        raise Problem(
            "username_taken", message, errors=[Fault("username", "taken", message)]
        ) from error
