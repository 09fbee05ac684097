"""Login sessions: authentication, login, logout, re-authentication."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pyramid.security import remember
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.orm import Session

from todo import clock
from todo.auth import limits, logins
from todo.auth.passwords import MAX_BYTES, hash_password, needs_rehash, turn, verify_password
from todo.auth.policy import bearer_token, cookie_tokens
from todo.days import in_whole_seconds
from todo.http.audit import audit
from todo.http.errors import Problem
from todo.http.request import Request
from todo.http.transactions import end_transaction
from todo.metrics import LOGINS
from todo.models.account import ACCOUNTS
from todo.models.engine import separate_transaction
from todo.models.journalled import RECORDED
from todo.models.token import TOKENS, TokenKind, new_token, token_digest

MAX_SESSIONS = 20  # per account; a further login ends the oldest


def start_session(request: Request, account_id: int, carrier: str | None) -> dict[str, Any]:
    """Log the account in: store a new token, set the cookie, and return the response's fields.

    With the carrier "cookie", the fields leave the token out.
    """
    _end_old_sessions(request.db, account_id)
    token, secret = new_token(
        account_id,
        clock.now() + request.settings.session_lifetime,
        client=request.headers.get("User-Agent"),
    )
    [request.token_id] = request.db.execute(insert(TOKENS), token).inserted_primary_key
    request.response.headers.extend(remember(request, secret))
    shown = {} if carrier == "cookie" else {"token": secret}
    return shown | {"token_expires": in_whole_seconds(token["expiration_date"])}


def _end_old_sessions(session: Session, account_id: int) -> None:
    """Delete the account's oldest sessions, to leave room for a new one."""
    sessions = (TOKENS.c.account_id == account_id, TOKENS.c.kind == TokenKind.SESSION)
    newest = (
        select(TOKENS.c.id).where(*sessions).order_by(TOKENS.c.id.desc()).limit(MAX_SESSIONS - 1)
    )
    session.execute(delete(TOKENS).where(*sessions, TOKENS.c.id.not_in(newest)))


def end_session(request: Request, session: Session) -> Sequence[Row[int, int]]:
    """End the login session of the request's token; with several session cookies, end all.

    Return the account's id and the token's id of each.
    """
    bearer = bearer_token(request)
    digests = [token_digest(s) for s in (cookie_tokens(request) if bearer is None else [bearer])]
    if not digests:
        return []
    mine = (TOKENS.c.digest.in_(digests), TOKENS.c.kind == TokenKind.SESSION)
    ended = delete(TOKENS).where(*mine).returning(TOKENS.c.account_id, TOKENS.c.id)
    return session.execute(ended).all()


def find_account(session: Session, username: str) -> Row[Any] | None:
    """Return the row of the account with this username (case-insensitive), or None."""
    if not username.isascii() or "\0" in username:
        return None  # usernames are ASCII, and PostgreSQL rejects NUL
    named = (ACCOUNTS.c.username_lower == username.lower(), ACCOUNTS.c.closed_date.is_(None))
    return session.execute(select(*ACCOUNTS.c).where(*named)).one_or_none()


def authenticate(request: Request, username: str, password: str) -> Row[Any] | None:
    """Return the row of the account with this username and password, or None.

    Verify the password, and rehash it if its hash is outdated, without a database connection.
    Return None also if the account or its password changed in the meantime. Raise Problem 429
    after too many failures, 503 if the service is busy.
    """
    # Not in the request's transaction, which would lock SQLite for writing.
    with separate_transaction(request.registry["reading_engine"]) as session:
        account = find_account(session, username)
    request.claimed_account_id = account.id if account else None
    stored = account.password_hash if account else None
    name, address = username.lower(), limits.address(request)
    with turn(address):
        attempt = logins.begin_login(request.registry, request.settings, name, address)
        matches = _matches(request, attempt, stored, password)
        if account is None or stored is None or not matches:
            return None
        logins.count_success(request.registry["engine"], name, address)
        current = hash_password(password) if needs_rehash(stored) else stored
    logins.remember_address(request.db, name, address)
    # The password stays the same, so this is not a change of the profile.
    return request.db.execute(
        update(ACCOUNTS)
        .where(ACCOUNTS.c.id == account.id, ACCOUNTS.c.password_hash == stored)
        .values(password_hash=current)
        .returning(*ACCOUNTS.c),
        execution_options=RECORDED,
    ).one_or_none()


@contextmanager
def counted_login(request: Request) -> Iterator[None]:
    """Count a login by its result, a success once it is committed."""
    try:
        yield
    except Problem as problem:
        results = {"too_many_requests": "limited", "busy": "busy"}
        LOGINS.labels(results.get(problem.code, "failure")).inc()
        raise
    request.tm.get().addAfterCommitHook(_count_committed_login)


def _count_committed_login(success: bool) -> None:
    if success:
        LOGINS.labels("success").inc()


def reauthenticate(request: Request, password: str | None) -> None:
    """Require the password again unless the login is fresh. A password that is sent must be right.

    Verification ends the request's transaction: read rows again after it. Raise Problem 403 for a
    missing or wrong password, 429 after too many failures, 503 if the service is busy.
    """
    if password is None:
        if request.identity.is_fresh:
            return
        raise Problem(
            "reauthentication_required",
            "Send current_password, or log in again: this needs a login less than 10 minutes old.",
            audited={"reason": "no_password"},
        )
    account = request.identity.account
    hash_of = select(ACCOUNTS.c.password_hash).where(ACCOUNTS.c.id == account.id)
    stored = request.db.scalar(hash_of)
    end_transaction(request)
    # Not the limits of logins: attackers who use those up must not block the account's owner.
    attempt = [(logins.REAUTHENTICATIONS, str(account.id))]
    passwords = [(logins.PASSWORDS_OF_ACCOUNT, str(account.id))]
    with turn(limits.address(request)):
        limits.count_attempt(request.registry["engine"], request.settings, attempt + passwords)
        matches = _matches(request, attempt, stored, password)
    if not matches:
        raise Problem(
            "reauthentication_required",
            "current_password is wrong.",
            audited={"reason": "wrong_password"},
        )
    audit(request, "reauthentication.succeeded", at_once=True)


def hash_new_password(request: Request, password: str) -> str:
    """Return the hash of a new password of the account, without a database connection.

    This ends the request's transaction: read rows again after it. Raise Problem 429 after too many
    passwords, 503 if the service is busy.
    """
    passwords = [(logins.PASSWORDS_OF_ACCOUNT, str(request.identity.account.id))]
    end_transaction(request)
    with turn(limits.address(request)):
        limits.count_attempt(request.registry["engine"], request.settings, passwords)
        return hash_password(password)


def _matches(request: Request, attempt: limits.Attempt, stored: str | None, password: str) -> bool:
    """Return whether the password matches; if it does, refund the attempt."""
    failed = False
    try:
        failed = len(password.encode()) > MAX_BYTES or not verify_password(stored, password)
    finally:
        if not failed:  # the password was right, or the service too busy to verify it
            limits.refund(request.registry["engine"], attempt)
    return not failed
