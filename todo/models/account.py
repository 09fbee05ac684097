"""Accounts: who registered. Everything else belongs to one."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column, validates

from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime

USERNAME_MAX = 64
EMAIL_MAX = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
TIMEZONE_MAX = 64
DEFAULT_TIMEZONE = "UTC"


class Account(Base):
    """A person's account; `username_lower` makes the name unique without regard to case."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(f"length(username) BETWEEN 1 AND {USERNAME_MAX}", name="username_length"),
        CheckConstraint("username_lower = lower(username)", name="username_lower"),
        CheckConstraint(f"length(email) <= {EMAIL_MAX}", name="email_length"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    username: Mapped[str] = mapped_column(String(USERNAME_MAX))
    username_lower: Mapped[str] = mapped_column(String(USERNAME_MAX), unique=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    password_hash: Mapped[str] = mapped_column(String(255))
    date_joined: Mapped[datetime] = mapped_column(UTCDateTime)
    # The name of a zone of the IANA database; see todo/days.py.
    timezone: Mapped[str] = mapped_column(String(TIMEZONE_MAX), server_default=DEFAULT_TIMEZONE)
    disabled_date: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @validates("username")
    def _fold_username(self, _key: str, username: str) -> str:
        self.username_lower = username.lower()
        return username
