"""Accounts: created, changed, disabled, deleted."""

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.auth.identity import AccountRow, Identity, lock_account
from todo.auth.passwords import hash_password, is_personal
from todo.http.errors import USERNAME_TAKEN, Fault, Problem, validation_problem
from todo.journal import writes
from todo.models.account import ACCOUNTS, Account, username_columns
from todo.models.journalled import RECORDED
from todo.models.released_username import QUARANTINE, RELEASED_USERNAMES
from todo.models.token import TOKENS

# Fields that an older login, too, may change without the password.
NOT_SENSITIVE = frozenset({"timezone"})


def create_account(session: Session, values: dict[str, Any]) -> AccountRow:
    """Return a new account. Raises Problem with 409 where the username is taken.

    The session must not have begun a transaction: hashing the password is slow.
    """
    columns = {
        **username_columns(values["username"]),
        "email": values["email"],
        "password_hash": hash_password(values["password"]),
        "timezone": values["timezone"],
    }
    try:
        # The database decides whether the name is free, so no race can.
        account = AccountRow.of(writes.register(session, columns)._asdict())
    except IntegrityError as error:
        raise _username_taken() from error
    _refuse_released(session, account.id, account.username_lower)
    return account


def sensitive_changes(account: AccountRow, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that differ from the account's and need the password again."""
    return {
        name: value
        for name, value in values.items()
        if name not in NOT_SENSITIVE and getattr(account, name, None) != value
    }


def renames(account: AccountRow, values: dict[str, Any]) -> bool:
    """Tell whether the values have another username, apart from the case of its letters."""
    username: str = values.get("username", account.username)
    return username.lower() != account.username_lower


def change_account(
    session: Session, identity: Identity, values: dict[str, Any], *, compared: bool
) -> AccountRow:
    """Set the columns named in `values`, leave the rest, and return the account as it is now.

    `compared` tells that If-Match was compared with the profile that the identity has. Raises
    StaleDataError where the account was changed meanwhile, and Problem with 409 where the username
    is taken.
    """
    known = identity.account
    row = lock_account(session, identity)
    if compared and row.profile_revision != known.profile_revision:
        raise StaleDataError("the account was changed meanwhile")
    account = AccountRow.of(row._asdict())
    if not sensitive_changes(known, values) and sensitive_changes(account, values):
        raise StaleDataError("the account was changed meanwhile")
    columns = dict(values)
    if "username" in values:
        columns |= username_columns(values["username"])
    if renames(account, values):
        _release_username(session, account)
    try:
        [changed] = writes.change(session, Account, account.id, [(row._asdict(), columns)])
    except IntegrityError as error:
        raise _username_taken() from error
    if renames(account, values):
        _refuse_released(session, account.id, changed["username_lower"])
    return AccountRow.of(changed)


def delete_account(session: Session, identity: Identity, *, compared: bool) -> None:
    """Delete the account and everything it owns; its username stays its own for a while."""
    row = lock_account(session, identity)
    if compared and row.profile_revision != identity.account.profile_revision:
        raise StaleDataError("the account was changed meanwhile")
    _release_username(session, AccountRow.of(row._asdict()))
    # Its journal goes with it.
    session.execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == row.id), execution_options=RECORDED)


def set_disabled(session: Session, account_id: int, *, disabled: bool) -> None:
    """Refuse the account's logins and tokens, or accept them again."""
    date = clock.now() if disabled else None
    statement = update(ACCOUNTS).where(
        ACCOUNTS.c.id == account_id, ACCOUNTS.c.disabled_date.is_(None) == disabled
    )
    session.execute(statement.values(disabled_date=date), execution_options=RECORDED)


def end_tokens(session: Session, account_id: int) -> int:
    """End every session and API token of the account, and return how many."""
    ended = delete(TOKENS).where(TOKENS.c.account_id == account_id).returning(TOKENS.c.id)
    return len(session.scalars(ended).all())


def refuse_personal(password: str, account: Any, values: dict[str, Any]) -> None:
    """Raise Problem with 400 if the password holds the account's username or e-mail address.

    `values` are to take the place of those that the account has.
    """
    names = {"username": account.username, "email": account.email} | values
    if is_personal(password, names["username"], names["email"]):
        message = "This must not hold the username or the e-mail address."
        raise validation_problem([Fault("password", "password_personal", message)])


def _release_username(session: Session, account: AccountRow) -> None:
    session.execute(
        insert(RELEASED_USERNAMES),
        {
            "account_id": account.id,
            "username_lower": account.username_lower,
            "expiration_date": clock.now() + QUARANTINE,
        },
    )


def _refuse_released(session: Session, account_id: int, username_lower: str) -> None:
    """Raise Problem with 409 where another account gave the name up not long ago.

    Call it after the account is written: had another transaction just given the name up, the write
    has waited for it.
    """
    columns = RELEASED_USERNAMES.c
    released = select(columns.id).where(
        columns.username_lower == username_lower,
        columns.account_id != account_id,
        columns.expiration_date > clock.now(),
    )
    if session.execute(released.limit(1)).first() is not None:
        raise _username_taken()


def _username_taken() -> Problem:
    fault = Fault("username", "taken", USERNAME_TAKEN)
    return Problem("username_taken", USERNAME_TAKEN, errors=[fault])
