"""Tokens: what a login is. The database holds only their SHA-256."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from todo import clock
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime

LIFETIME = timedelta(days=30)


def token_digest(secret: str) -> bytes:
    """Return what the database holds of a token: 32 bytes.

    A random value of 256 bits needs no slow hash; nobody guesses it.
    """
    return hashlib.sha256(secret.encode("ascii", "replace")).digest()


class Token(Base):
    """A login of an account: an opaque random value of 256 bits, until it expires or is ended."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    expiration_date: Mapped[datetime] = mapped_column(UTCDateTime)

    @classmethod
    def issue(cls, account_id: int) -> tuple["Token", str]:
        """Return a new token's row and its secret, which is never to be had again."""
        secret = secrets.token_urlsafe(32)
        now = clock.now()
        token = cls(
            account_id=account_id,
            digest=token_digest(secret),
            creation_date=now,
            expiration_date=now + LIFETIME,
        )
        return token, secret
