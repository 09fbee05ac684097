"""Released usernames, which other accounts cannot take for a while."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, String, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.account import USERNAME_MAX
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime

# For this long, e-mails and links may still refer to the previous owner.
QUARANTINE = timedelta(days=90)


class ReleasedUsername(Base):
    """A username that an account had before it was renamed or deleted."""

    __tablename__ = "released_usernames"
    __table_args__ = (
        CheckConstraint("username_lower = lower(username_lower)", name="username_lower"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    # Not a foreign key: the row must outlive a deleted account.
    account_id: Mapped[int] = mapped_column(BigInt, index=True)
    username_lower: Mapped[str] = mapped_column(String(USERNAME_MAX), index=True)
    expiration_date: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


RELEASED_USERNAMES: Table = inspect(ReleasedUsername).local_table  # type: ignore[assignment]
