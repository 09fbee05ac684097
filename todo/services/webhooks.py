"""Create, change and delete webhooks. They are not journalled, because they hold a secret."""

from collections.abc import Callable, Sequence
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.addresses import Networks
from todo.auth.identity import AccountRow, Identity, lock_account
from todo.http.errors import Problem
from todo.models.engine import Database
from todo.models.webhook import (
    WEBHOOK_COLUMNS,
    WEBHOOKS,
    Disabled,
    WebhookRow,
    new_secret,
)
from todo.services.sending import Answer, Message, send_once

MAX_WEBHOOKS = 20  # of an account
TESTS_AT_ONCE = 4  # of this process

_tests = BoundedSemaphore(TESTS_AT_ONCE)

# The webhook is tried again at once.
_FRESH: dict[str, Any] = {"attempts": 0, "failing_since": None, "next_attempt_date": None}


def read_webhooks(db: Database, account: AccountRow) -> Sequence[WebhookRow]:
    """Return the account's webhooks, oldest first."""
    query = select(*WEBHOOK_COLUMNS).where(WEBHOOKS.c.account_id == account.id)
    return [WebhookRow._make(row) for row in db.execute(query.order_by(WEBHOOKS.c.id))]


def create_webhook(
    session: Session, identity: Identity, values: dict[str, Any]
) -> tuple[WebhookRow, str]:
    """Create a webhook for the changes from now on, and return it and its secret.

    `values` has its URL, its events, and whether it is enabled. Raise Problem 409 if the account
    has the maximum number of webhooks.
    """
    account = lock_account(session, identity)
    mine = select(func.count()).select_from(WEBHOOKS).where(WEBHOOKS.c.account_id == account.id)
    count = session.scalar(mine) or 0
    if count >= MAX_WEBHOOKS:
        raise Problem(
            "too_many",
            f"The account has {count} webhooks, of at most {MAX_WEBHOOKS}. Delete one.",
            extensions={"count": count},
        )
    now, secret = clock.now(), new_secret()
    columns = {
        "account_id": account.id,
        "url": values["url"],
        "events": values["events"],
        "secret": secret,
        "creation_date": now,
        "cursor_revision": account.revision,
        "claimed_until": now,
        **({} if values["enabled"] else _paused()),
    }
    row = session.execute(insert(WEBHOOKS).values(columns).returning(*WEBHOOK_COLUMNS)).one()
    return WebhookRow._make(row), secret


def change_webhook(
    session: Session, identity: Identity, webhook_id: int, values: dict[str, Any]
) -> WebhookRow:
    """Change the URL, the events, or whether the webhook is enabled; return the changed webhook.

    A webhook that is enabled goes on where it stopped.
    """
    account = lock_account(session, identity)
    mine = (WEBHOOKS.c.account_id == account.id, WEBHOOKS.c.id == webhook_id)
    row = session.execute(select(*WEBHOOK_COLUMNS).where(*mine).with_for_update()).one_or_none()
    if row is None:
        raise StaleDataError("the webhook was deleted concurrently")
    columns = _changed(WebhookRow._make(row), values)
    if columns:
        changed = update(WEBHOOKS).where(*mine).values(columns).returning(*WEBHOOK_COLUMNS)
        row = session.execute(changed).one()
    return WebhookRow._make(row)


def delete_webhook(session: Session, account: AccountRow, webhook_id: int) -> None:
    """Delete the webhook."""
    mine = (WEBHOOKS.c.account_id == account.id, WEBHOOKS.c.id == webhook_id)
    session.execute(delete(WEBHOOKS).where(*mine))


def send_test(
    session: Session,
    webhook: WebhookRow,
    message: Message,
    networks: Networks,
    end_transaction: Callable[[], object],
) -> Answer:
    """Send the message to the webhook now, and return the receiver's answer.

    `end_transaction` releases the database while the message is under way. Raise Problem 503 if the
    process is already sending several: each blocks a thread.
    """
    secret = session.execute(
        select(WEBHOOKS.c.secret).where(WEBHOOKS.c.id == webhook.id)
    ).scalar_one()
    end_transaction()
    if not _tests.acquire(blocking=False):
        raise Problem(
            "busy",
            "Too many webhooks are tested at the moment; try again in 10 seconds.",
            headers={"Retry-After": "10"},
        )
    try:
        return send_once(webhook.url, secret, message, networks)
    finally:
        _tests.release()


def _changed(row: WebhookRow, values: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: values[name]
        for name in ("url", "events")
        if name in values and values[name] != getattr(row, name)
    }
    if "url" in columns:
        columns |= _FRESH
    enabled = values.get("enabled", row.enabled)
    if enabled and not row.enabled:
        columns |= {"disabled_date": None, "disabled_reason": None, **_FRESH}
    elif row.enabled and not enabled:
        columns |= _paused()
    return columns


def _paused() -> dict[str, Any]:
    return {"disabled_date": clock.now(), "disabled_reason": Disabled.PAUSED}
