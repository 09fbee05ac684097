"""The bytes that accounts use, of which each has a quota."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select

from todo.auth.identity import AccountRow
from todo.models.account import ACCOUNTS
from todo.models.engine import Database
from todo.models.idempotency_key import IDEMPOTENCY_KEYS
from todo.settings import Settings


def read_usage(db: Database, account: AccountRow, settings: Settings) -> dict[str, Any]:
    """Return the bytes and the quota of the account's tasks, journal and idempotency keys."""
    row = db.execute(_usage().where(ACCOUNTS.c.id == account.id)).one()
    quotas = (settings.quota_tasks, settings.quota_journal, settings.quota_keys)
    return {
        name: {"bytes": used, "quota": quota or None}
        for (name, used), quota in zip(row._asdict().items(), quotas, strict=True)
    }


def usage_of_accounts(db: Database) -> Sequence[Row[Any]]:
    """Return username and bytes of tasks, journal and keys of each account, largest sum first."""
    named = _usage().add_columns(ACCOUNTS.c.username)
    usage = named.where(ACCOUNTS.c.closed_date.is_(None)).subquery()
    total = usage.c.tasks + usage.c.journal + usage.c["keys"]
    return db.execute(select(usage).order_by(total.desc(), usage.c.username)).all()


def _usage() -> Select[Any]:
    keys = select(func.coalesce(func.sum(IDEMPOTENCY_KEYS.c.size), 0)).where(
        IDEMPOTENCY_KEYS.c.account_id == ACCOUNTS.c.id
    )
    return select(
        ACCOUNTS.c.task_bytes.label("tasks"),
        ACCOUNTS.c.journal_bytes.label("journal"),
        keys.scalar_subquery().label("keys"),
    )
