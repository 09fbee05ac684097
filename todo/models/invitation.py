"""Invitations to register. The database stores only their SHA-256 digests."""

from datetime import datetime

from sqlalchemy import LargeBinary, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.meta import Base, UTCDateTime


class Invitation(Base):
    """An invitation that was not used yet. It belongs to no account."""

    __tablename__ = "invitations"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expiration_date: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


INVITATIONS: Table = inspect(Invitation).local_table  # type: ignore[assignment]
