"""Accounts: registered, changed, deleted."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.auth import limits
from todo.auth.passwords import hash_password, is_personal
from todo.http.errors import USERNAME_TAKEN, Fault, Problem
from todo.http.request import Request
from todo.http.transactions import end_transaction
from todo.http.typed_views import refusal
from todo.models import Account, ReleasedUsername, Token
from todo.models.released_username import QUARANTINE
from todo.services.sessions import reauthenticate, start_session

# What an older login, too, may change without the password.
NOT_SENSITIVE = frozenset({"timezone"})


def register(request: Request, values: dict[str, Any]) -> Account:
    """Return a new account. Raises Problem with 409 where the username is taken, or with 429."""
    limits.take(request, [(limits.REGISTRATIONS, limits.address(request))])
    return create_account(request.dbsession, values)


def create_account(session: Session, values: dict[str, Any]) -> Account:
    """Return a new account. Raises Problem with 409 where the username is taken.

    The session must not have begun a transaction: hashing the password is slow.
    """
    password_hash = hash_password(values["password"])
    account = Account(
        username=values["username"],
        email=values["email"],
        password_hash=password_hash,
        date_joined=clock.now(),
        timezone=values["timezone"],
    )
    session.add(account)
    _flush_username(session, account)
    return account


def change_account(
    request: Request, values: dict[str, Any], current_password: str | None
) -> tuple[Account, dict[str, Any]]:
    """Change the attributes named in `values` and leave the rest.

    Return the account, and after a new password its new session: all other tokens are ended then.
    Raises Problem with 403 where the password must be asked again, or 409 where the username is
    taken.
    """
    known = request.identity.account
    revision = known.profile_revision
    sensitive = {name: value for name, value in values.items() if name not in NOT_SENSITIVE}
    changed = any(getattr(known, name, None) != value for name, value in sensitive.items())
    if changed:
        reauthenticate(request, current_password)
    values = dict(values)
    password = values.pop("password", None)
    if values.get("username", known.username).lower() != known.username_lower:
        # As a registration: a name is tried and taken by it all the same.
        end_transaction(request)
        limits.take(request, [(limits.REGISTRATIONS, limits.address(request))])
    if password:
        refuse_personal(password, known, values)
        end_transaction(request)
        values["password_hash"] = hash_password(password)
    account, _ = lock_identity(request)
    if not changed and any(getattr(account, name) != value for name, value in sensitive.items()):
        raise StaleDataError("the account was changed meanwhile")
    _refuse_other_version(request, account, revision)
    if values.get("username", account.username).lower() != account.username_lower:
        _release_username(request.dbsession, account)
    for name, value in values.items():
        setattr(account, name, value)
    _flush_username(request.dbsession, account)
    if not password:
        return account, {}
    end_tokens(request.dbsession, account)
    return account, start_session(request, account.id)


def delete_account(request: Request, current_password: str | None) -> None:
    """Delete the account and everything it owns; its username stays its own for a while."""
    revision = request.identity.account.profile_revision
    reauthenticate(request, current_password)
    account, _ = lock_identity(request)
    _refuse_other_version(request, account, revision)
    _release_username(request.dbsession, account)
    request.dbsession.delete(account)


def lock_identity(request: Request) -> tuple[Account, Token]:
    """Read who asks again, locked: others may have changed or ended it since."""
    row = request.dbsession.execute(
        select(Account, Token)
        .join(Token, Token.account_id == Account.id)
        .where(Token.id == request.identity.token.id, Account.disabled_date.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise StaleDataError("the session was ended meanwhile")
    return row[0], row[1]


def _refuse_other_version(request: Request, account: Account, revision: int) -> None:
    """Raise StaleDataError where If-Match was compared with a profile that has changed since.

    The request runs again, and compares anew.
    """
    if "If-Match" in request.headers and account.profile_revision != revision:
        raise StaleDataError("the account was changed meanwhile")


def disable_account(session: Session, account: Account) -> int:
    """Let the account log in no more, end its sessions and tokens, and return how many."""
    account.disabled_date = account.disabled_date or clock.now()
    return end_tokens(session, account)


def reset_password(session: Session, account: Account, password_hash: str) -> int:
    """Give the account a new password, end its sessions and tokens, and return how many."""
    account.password_hash = password_hash
    return end_tokens(session, account)


def end_tokens(session: Session, account: Account) -> int:
    """End every session and API token of the account, and return how many."""
    ended = delete(Token).where(Token.account_id == account.id).returning(Token.id)
    return len(session.scalars(ended).all())


def refuse_personal(password: str, known: Account, values: dict[str, Any]) -> None:
    """Raise Problem with 400 if the password holds what the account is, or is to be, called."""
    account = {"username": known.username, "email": known.email} | values
    if is_personal(password, account["username"], account["email"]):
        message = "This must not hold the username or the e-mail address."
        raise refusal([Fault("password", "password_personal", message)])


def _release_username(session: Session, account: Account) -> None:
    session.add(
        ReleasedUsername(
            account_id=account.id,
            username_lower=account.username_lower,
            expiration_date=clock.now() + QUARANTINE,
        )
    )


def _flush_username(session: Session, account: Account) -> None:
    """Write the account. The database decides whether the name is free, so no race can."""
    try:
        session.flush()
    except IntegrityError as error:
        raise _username_taken() from error
    # Only now: had somebody just given the name up, the flush has waited for it.
    released = select(ReleasedUsername.id).where(
        ReleasedUsername.username_lower == account.username_lower,
        ReleasedUsername.account_id != account.id,
        ReleasedUsername.expiration_date > clock.now(),
    )
    if session.execute(released.limit(1)).first() is not None:
        raise _username_taken()


def _username_taken() -> Problem:
    fault = Fault("username", "taken", USERNAME_TAKEN)
    return Problem("username_taken", USERNAME_TAKEN, errors=[fault])
