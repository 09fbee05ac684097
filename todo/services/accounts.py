"""Create, change, disable and delete accounts."""

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.auth.identity import AccountRow, Identity, lock_account
from todo.auth.passwords import hash_password, is_personal
from todo.http.codes import USERNAME_TAKEN
from todo.http.errors import Fault, Problem, validation_problem
from todo.journal import writes
from todo.models.account import ACCOUNTS, Account, username_columns
from todo.models.journalled import RECORDED
from todo.models.released_username import QUARANTINE, RELEASED_USERNAMES
from todo.models.task import TASKS
from todo.models.token import TOKENS
from todo.reminders import LATE

# Fields that any login may change without the current password.
NOT_SENSITIVE = frozenset({"timezone"})


def create_account(session: Session, values: dict[str, Any]) -> AccountRow:
    """Create an account. Raise Problem 409 if the username is taken.

    The session must not have begun a transaction, because hashing the password is slow.
    """
    columns = {
        **username_columns(values["username"]),
        "email": values["email"],
        "password_hash": hash_password(values["password"]),
        "timezone": values["timezone"],
    }
    try:
        # A unique constraint decides whether the username is free, so there is no race.
        account = AccountRow.of(writes.register(session, columns)._asdict())
    except IntegrityError as error:
        raise _username_taken() from error
    _refuse_released(session, account.id, account.username_lower)
    return account


def sensitive_changes(account: AccountRow, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that differ from the account's and require the current password."""
    return {
        name: value
        for name, value in values.items()
        if name not in NOT_SENSITIVE and getattr(account, name, None) != value
    }


def renames(account: AccountRow, values: dict[str, Any]) -> bool:
    """Return whether the values have a new username, ignoring case."""
    username: str = values.get("username", account.username)
    return username.lower() != account.username_lower


def change_account(
    session: Session, identity: Identity, values: dict[str, Any], *, compared: bool
) -> AccountRow:
    """Set the columns in `values`, and return the changed account.

    `compared` means that If-Match was compared with the identity's profile. Raise StaleDataError if
    the account was changed concurrently, and Problem 409 if the username is taken.
    """
    known = identity.account
    row = lock_account(session, identity)
    if compared and row.profile_revision != known.profile_revision:
        raise StaleDataError("the account was changed concurrently")
    account = AccountRow.of(row._asdict())
    if not sensitive_changes(known, values) and sensitive_changes(account, values):
        raise StaleDataError("the account was changed concurrently")
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
    if changed["timezone"] != account.timezone:
        _look_at_reminders(session, account.id)
    return AccountRow.of(changed)


def close_account(session: Session, identity: Identity, *, compared: bool) -> None:
    """End the account, and reserve its username for the quarantine.

    Nothing of it can be reached any more. The purge erases its rows, which may take long.
    """
    row = lock_account(session, identity)
    if compared and row.profile_revision != identity.account.profile_revision:
        raise StaleDataError("the account was changed concurrently")
    _release_username(session, AccountRow.of(row._asdict()))
    end_tokens(session, row.id)
    # No account can register a name with "#", so the name is free after the quarantine even if the
    # row is still there. The journal is erased, too, so nothing is recorded.
    nobody = username_columns(f"#{row.id}") | {"email": "", "password_hash": ""}
    closed = update(ACCOUNTS).where(ACCOUNTS.c.id == row.id)
    session.execute(closed.values(closed_date=clock.now(), **nobody), execution_options=RECORDED)


def _look_at_reminders(session: Session, account_id: int) -> None:
    """Let the job compute the next reminders that depend on the account's time zone again.

    A reminder whose time has passed in the new zone, less than a day ago, fires at once.
    """
    since = clock.now() - LATE
    waiting = update(TASKS).where(
        TASKS.c.account_id == account_id, TASKS.c.timezone.is_(None), TASKS.c.remind_at > since
    )
    session.execute(waiting.values(remind_at=since), execution_options=RECORDED)


def set_disabled(session: Session, account_id: int, *, disabled: bool) -> None:
    """Refuse the account's logins and tokens, or accept them again."""
    date = clock.now() if disabled else None
    statement = update(ACCOUNTS).where(
        ACCOUNTS.c.id == account_id, ACCOUNTS.c.disabled_date.is_(None) == disabled
    )
    session.execute(statement.values(disabled_date=date), execution_options=RECORDED)


def end_tokens(session: Session, account_id: int) -> int:
    """End all sessions and API tokens of the account, and return their number."""
    ended = delete(TOKENS).where(TOKENS.c.account_id == account_id).returning(TOKENS.c.id)
    return len(session.scalars(ended).all())


def refuse_personal(password: str, account: Any, values: dict[str, Any]) -> None:
    """Raise Problem 400 if the password contains the account's username or e-mail address.

    `values` override those of the account.
    """
    names = {"username": account.username, "email": account.email} | values
    if is_personal(password, names["username"], names["email"]):
        message = "This must not contain the username or the e-mail address."
        raise validation_problem([Fault("password", "password_personal", message, "/password")])


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
    """Raise Problem 409 if another account released the username within the quarantine.

    Call this after writing the account: the write waits for a concurrent transaction that releases
    the username, so its row is visible here.
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
    fault = Fault("username", "taken", USERNAME_TAKEN, "/username")
    return Problem("username_taken", USERNAME_TAKEN, errors=[fault])
