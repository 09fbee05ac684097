"""The journal's rows: what each request has changed of an account's objects."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.json import JSONText
from todo.models.meta import Base, BigInt, UTCDateTime

CREATE, UPDATE, DELETE, RESTORE, PURGE = ACTIONS = (
    "create",
    "update",
    "delete",
    "restore",
    "purge",
)

KIND_MAX = 16


class Change(Base):
    """What one request has changed of one object; written by todo/journal/writes.py alone.

    `before` and `after` have the fields that were changed, as the API shows them: all of them
    where the object was created or restored (there is no `before`) or deleted (there is no
    `after`). Secrets are null. Where the object has gone for good, by `purge`, its last change,
    all of its changes have neither.

    The token is a copy, for it may be gone; it is null where there was none: when somebody
    registered, or `todo-admin` or time made the change.
    """

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint(f"action IN {ACTIONS}", name="action"),
        Index("ix_changes_object", "account_id", "kind", "object_id", "revision"),
    )

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    revision: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(KIND_MAX), primary_key=True)
    object_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    date: Mapped[datetime] = mapped_column(UTCDateTime)
    token_id: Mapped[int | None] = mapped_column(BigInt)
    token_kind: Mapped[str | None] = mapped_column(String(7))
    token_name: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(7))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONText)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONText)


CHANGES: Table = inspect(Change).local_table  # type: ignore[assignment]
