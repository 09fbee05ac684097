"""Sessions: a login is checked, begun, and asked for again."""

from datetime import timedelta
from typing import Any

from pyramid.security import remember
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from todo import clock
from todo.auth import limits
from todo.auth.passwords import MAX_BYTES, hash_password, needs_rehash, verify_password
from todo.auth.policy import SESSION_IDLE, SESSION_LIFETIME, bearer_token, cookie_tokens
from todo.http.errors import Problem
from todo.http.request import Request
from todo.http.transactions import end_transaction
from todo.jobs.purge import purge_some
from todo.models import Account, ReleasedUsername, Token
from todo.models.token import Kind, token_digest
from todo.schemas.session import Credentials

MOST_SESSIONS = 20  # live logins of an account; the oldest goes


def start_session(request: Request, account_id: int) -> dict[str, Any]:
    """Log the account in: store a new token, set the cookie, and return what the answer shows."""
    now = clock.now()
    days = {name: request.registry.settings[name] for name in (SESSION_IDLE, SESSION_LIFETIME)}
    _end_old_sessions(request, account_id, idle=timedelta(days=days[SESSION_IDLE]))
    purge_some(request.dbsession, Token, ReleasedUsername)
    token, secret = Token.issue(
        account_id,
        now + timedelta(days=days[SESSION_LIFETIME]),
        client=request.headers.get("User-Agent"),
    )
    request.dbsession.add(token)
    request.response.headers.extend(remember(request, secret))
    return {"token": secret, "token_expires": token.expiration_date}


def _end_old_sessions(request: Request, account_id: int, idle: timedelta) -> None:
    """Delete what has expired of the account's tokens, and its oldest sessions over the most."""
    now = clock.now()
    sessions = (Token.account_id == account_id, Token.kind == Kind.SESSION)
    request.dbsession.execute(
        delete(Token).where(Token.account_id == account_id, Token.expiration_date <= now)
    )
    request.dbsession.execute(delete(Token).where(*sessions, Token.last_used_date <= now - idle))
    newest = select(Token.id).where(*sessions).order_by(Token.id.desc()).limit(MOST_SESSIONS - 1)
    request.dbsession.execute(delete(Token).where(*sessions, Token.id.not_in(newest)))


def end_session(request: Request, session: Session) -> None:
    """End the session whose token the request carries; where there are two cookies, both."""
    bearer = bearer_token(request)
    digests = [token_digest(s) for s in (cookie_tokens(request) if bearer is None else [bearer])]
    if digests:
        session.execute(delete(Token).where(Token.digest.in_(digests), Token.kind == Kind.SESSION))


def find_account(session: Session, username: str) -> Account | None:
    """Return the account of the name, in whatever case of letters, or None."""
    if not username.isascii() or "\0" in username:
        return None  # nobody is called so, and PostgreSQL cannot even compare a NUL
    return session.scalar(select(Account).where(Account.username_lower == username.lower()))


def authenticate(request: Request, credentials: Credentials) -> Account | None:
    """Return the account that the username and password belong to, or None.

    The password is verified, and rehashed if need be, without a database connection. None, too,
    if the account or its password changed meanwhile. Raises Problem with 429 after too many
    failures.
    """
    password = credentials.password
    # Beside the request's transaction, which would lock SQLite for a look.
    with Session(request.registry["reading_engine"]) as session:
        account = find_account(session, credentials.username)
    stored = account.password_hash if account else None
    name, address = credentials.username.lower(), limits.address(request)
    attempt = (
        (limits.LOGINS_OF_ACCOUNT, name),
        (limits.LOGINS_OF_ACCOUNT_FROM_ADDRESS, f"{address} {name}"),
        (limits.LOGINS_FROM_ADDRESS, address),
    )
    if not _matches(request, attempt, stored, password):
        return None
    if account is None or stored is None:
        return None
    current = hash_password(password) if needs_rehash(stored) else stored
    # The same password, whatever the hash: this is no change of the profile.
    return request.dbsession.scalar(
        update(Account)
        .where(Account.id == account.id, Account.password_hash == stored)
        .values(password_hash=current)
        .returning(Account),
        execution_options={"unjournalled": True},
    )


def reauthenticate(request: Request, password: str | None) -> None:
    """Ask for the password again, unless the login is fresh. One that is sent must be right.

    Ends the request's transaction where it verifies: what was read must be read again. Raises
    Problem with 403 for a missing or wrong password, and with 429 after too many failures.
    """
    if password is None:
        if request.identity.is_fresh:
            return
        raise Problem(
            "reauthentication_required",
            "Send current_password, or log in again: this needs a login of the last ten minutes.",
        )
    account = request.identity.account
    hash_of = select(Account.password_hash).where(Account.id == account.id)
    stored = request.dbsession.scalar(hash_of)
    end_transaction(request)
    # Not the limits of logins: what strangers use up must not stop who is logged in.
    attempt = ((limits.REAUTHENTICATIONS, str(account.id)),)
    if not _matches(request, attempt, stored, password):
        raise Problem("reauthentication_required", "current_password is wrong.")


def _matches(request: Request, attempt: limits.Counted, stored: str | None, password: str) -> bool:
    """Verify a password, counted as a failure until it is known to be none."""
    limits.take(request, attempt)
    failed = False
    try:
        failed = len(password.encode()) > MAX_BYTES or not verify_password(stored, password)
    finally:
        if not failed:  # it was right, or the service was too busy to tell
            limits.give_back(request, attempt)
    return not failed
