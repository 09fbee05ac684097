"""Limits on logins, which nobody can use to lock the owner of an account out.

Failures are limited for each account and address, each address, and each account. One address
cannot use up an account's failures for a day. The daily limits do not apply to an address from
which the account has logged in before.

Successes are limited as well, because verifying a password takes long.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.limits import (
    CLOCK_TOLERANCE,
    Attempt,
    Limit,
    count,
    count_attempt,
    limit_exceeded,
    storable,
)
from todo.models.engine import separate_transaction
from todo.models.limit import LIMIT_COUNTS
from todo.settings import Settings

FEW_MINUTES, DAY = timedelta(minutes=5), timedelta(days=1)

OF_ACCOUNT_FROM_ADDRESS = Limit("login-account-address", "limit_login_account_address", FEW_MINUTES)
FROM_ADDRESS = Limit("login-address", "limit_login_address", FEW_MINUTES)
OF_ACCOUNT_FROM_ADDRESS_IN_A_DAY = Limit(
    "login-account-address-day", "limit_login_account_address_day", DAY
)
OF_ACCOUNT = Limit("login-account", "limit_login_account", DAY)
REAUTHENTICATIONS = Limit("reauthentication", "limit_login_account_address", FEW_MINUTES)
# Passwords that a logged-in account sends, right or wrong.
PASSWORDS_OF_ACCOUNT = Limit("passwords-account", "limit_logins_account", FEW_MINUTES)
SUCCESSES_OF_ACCOUNT = Limit("logins-account", "limit_logins_account", FEW_MINUTES)
SUCCESSES_FROM_ADDRESS = Limit("logins-address", "limit_logins_address", FEW_MINUTES)
# Not a limit: the addresses from which accounts have logged in.
KNOWN_ADDRESSES = Limit("known-address", "", timedelta(days=90))
NEW_ADDRESSES = Limit("new-address", "", DAY)
MAX_NEW_ADDRESSES = 20  # remembered for an account in a day: an IPv6 customer has many /64 networks


def begin_login(
    engines: Mapping[str, Engine], settings: Settings, username: str, address: str
) -> Attempt:
    """Count a login as failed until refund() says otherwise, and return what was counted.

    Raise Problem 429 after too many failures or successes.
    """
    pair, successes = f"{address} {username}", _successes(username, address)
    known = (KNOWN_ADDRESSES, pair)
    counted = _current(engines["reading_engine"], [*successes, known])
    for limit, subject in successes:
        maximum = limit.maximum(settings)
        row = counted.get((limit.name, storable(subject)))
        if row is not None and maximum and row.count >= maximum:
            raise limit_exceeded(row.expiration_date, limit.name)
    attempt = [(OF_ACCOUNT_FROM_ADDRESS, pair), (FROM_ADDRESS, address)]
    if (KNOWN_ADDRESSES.name, storable(pair)) not in counted:
        attempt += [(OF_ACCOUNT_FROM_ADDRESS_IN_A_DAY, pair), (OF_ACCOUNT, username)]
    count_attempt(engines["engine"], settings, attempt)
    return attempt


def count_success(engine: Engine, username: str, address: str) -> None:
    """Count a right password.

    Not in the request's transaction, which is rolled back if the account is disabled.
    """
    with separate_transaction(engine) as session:
        for limit, subject in _successes(username, address):
            count(session, limit, subject)


def remember_address(session: Session, username: str, address: str) -> None:
    """Remember, in the session's transaction, that the account has logged in from the address."""
    pair = f"{address} {username}"
    renewed = (
        update(LIMIT_COUNTS)
        .where(_row(KNOWN_ADDRESSES, pair))
        .values(expiration_date=clock.now() + KNOWN_ADDRESSES.window)
        .returning(LIMIT_COUNTS.c.name)
    )
    if session.scalar(renewed) is not None:
        return
    number, _ = count(session, NEW_ADDRESSES, username)
    if number <= MAX_NEW_ADDRESSES:
        count(session, KNOWN_ADDRESSES, pair)


def forget_failures(session: Session, account_id: int, username: str) -> None:
    """Forget the failed logins and re-authentications of the account."""
    name, subject = LIMIT_COUNTS.c.name, LIMIT_COUNTS.c.subject
    of_pair = name.in_([OF_ACCOUNT_FROM_ADDRESS.name, OF_ACCOUNT_FROM_ADDRESS_IN_A_DAY.name])
    session.execute(
        delete(LIMIT_COUNTS).where(
            or_(
                of_pair & subject.endswith(f" {username}", autoescape=True),
                (name == OF_ACCOUNT.name) & (subject == username),
                (name == REAUTHENTICATIONS.name) & (subject == str(account_id)),
            )
        )
    )


def _successes(username: str, address: str) -> list[tuple[Limit, str]]:
    return [(SUCCESSES_OF_ACCOUNT, username), (SUCCESSES_FROM_ADDRESS, address)]


def _row(limit: Limit, subject: str) -> ColumnElement[bool]:
    columns = LIMIT_COUNTS.c
    return and_(columns.name == limit.name, columns.subject == storable(subject))


def _current(engine: Engine, counted: Attempt) -> dict[tuple[str, str], Any]:
    """Return the counts whose window is not over, by name and subject."""
    now, end = clock.now(), LIMIT_COUNTS.c.expiration_date
    # A window that ends later than a new one would was begun while the clock was wrong.
    rows = [
        and_(_row(limit, subject), end > now, end <= now + limit.window + CLOCK_TOLERANCE)
        for limit, subject in counted
    ]
    with separate_transaction(engine) as session:
        found = session.execute(select(LIMIT_COUNTS).where(or_(*rows)))
        return {(row.name, row.subject): row for row in found}
