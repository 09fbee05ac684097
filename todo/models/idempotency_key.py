"""Idempotency keys: the responses to completed writes, so that a retry writes nothing."""

from datetime import datetime, timedelta

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    inspect,
)
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.json import JSONText
from todo.models.meta import Base, UTCDateTime

KEY_MAX = 255
RETENTION = timedelta(hours=24)


class IdempotencyKey(Base):
    """A key that a client sent with a write, and the response to it.

    `size` counts the response; see todo/models/size.py.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint(f"length(key) BETWEEN 1 AND {KEY_MAX}", name="key_length"),
        CheckConstraint("length(request_digest) = 32", name="request_digest_length"),
        # Every keyed write adds up the sizes, from this index alone.
        Index("ix_idempotency_keys_size", "account_id", "size"),
    )

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(String(KEY_MAX), primary_key=True)
    request_digest: Mapped[bytes] = mapped_column(LargeBinary(32))  # SHA-256
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, str]] = mapped_column(JSONText)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(Integer, server_default="0")
    expiration_date: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


IDEMPOTENCY_KEYS: Table = inspect(IdempotencyKey).local_table  # type: ignore[assignment]
