"""The journal's rows: the changes to an account's objects."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Table, inspect
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
    """A request's change to one object. Only todo/journal/writes.py writes it.

    `before` and `after` have the changed fields, as the API shows them. A created or restored
    object has all fields in `after` and no `before`; a deleted one has all fields in `before` and
    no `after`. Secrets are null. A purge, the last change to an object, erases `before` and `after`
    from all its changes.

    `size` counts the texts in `before` and `after`; see todo/models/size.py.

    The token columns are copies, because the token may be deleted. They are null for a
    registration, and for changes by `todo-admin` and the purge.
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
    size: Mapped[int] = mapped_column(Integer, server_default="0")


CHANGES: Table = inspect(Change).local_table  # type: ignore[assignment]
