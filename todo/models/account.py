"""Accounts, which own all other data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, String, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.journalled import Journalled
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime

USERNAME_MAX = 64
EMAIL_MAX = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
TIMEZONE_MAX = 64
DEFAULT_TIMEZONE = "UTC"


class Account(Journalled, Base):
    """A person's account. The API shows it as a profile.

    `username_lower` makes usernames unique regardless of case.

    `revision` counts the requests that changed the profile or a task. `profile_revision` is the
    revision of the profile's last change.

    A closed account is deleted for everybody; the purge erases its rows in batches.

    `task_bytes` is the sum of the sizes of its tasks, also in the trash, and `journal_bytes` that
    of its changes. todo/journal/ keeps them current.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(f"length(username) BETWEEN 1 AND {USERNAME_MAX}", name="username_length"),
        CheckConstraint("username_lower = lower(username)", name="username_lower"),
        CheckConstraint(f"length(email) <= {EMAIL_MAX}", name="email_length"),
        NEVER_REUSE_IDS,
    )

    kind: ClassVar[str] = "profile"
    unrecorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("id", "revision", "profile_revision", "username_lower", "password_hash"),
            *("disabled_date", "closed_date", "task_bytes", "journal_bytes"),
        }
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"password"})
    is_undoable: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInt, server_default="0")
    profile_revision: Mapped[int] = mapped_column(BigInt, server_default="0")
    username: Mapped[str] = mapped_column(String(USERNAME_MAX))
    username_lower: Mapped[str] = mapped_column(String(USERNAME_MAX), unique=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    password_hash: Mapped[str] = mapped_column(String(255))
    date_joined: Mapped[datetime] = mapped_column(UTCDateTime)
    # A zone name of the IANA database; see todo/days.py.
    timezone: Mapped[str] = mapped_column(
        String(TIMEZONE_MAX), default=DEFAULT_TIMEZONE, server_default=DEFAULT_TIMEZONE
    )
    disabled_date: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_date: Mapped[datetime | None] = mapped_column(UTCDateTime)
    task_bytes: Mapped[int] = mapped_column(BigInt, server_default="0")
    journal_bytes: Mapped[int] = mapped_column(BigInt, server_default="0")

    @classmethod
    def recorded(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().recorded(row), "password": row["password_hash"]}

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"profile_revision": revision}


ACCOUNTS: Table = inspect(Account).local_table  # type: ignore[assignment]


def username_columns(username: str) -> dict[str, str]:
    """Return the columns that hold the username."""
    return {"username": username, "username_lower": username.lower()}
