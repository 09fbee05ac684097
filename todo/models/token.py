"""Tokens: login sessions and API tokens. The database stores only their SHA-256 digests."""

import hashlib
import secrets
import zlib
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo import clock
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime

NAME_MAX = 64
CLIENT_MAX = 255

# An API token is the prefix, 43 digits in base 62 (256 bits), and 6 digits of their CRC32. Secret
# scanners recognise it by its form: ^tdo_[0-9A-Za-z]{49}$
API_PREFIX = "tdo_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 43
_CHECKSUM_LENGTH = 6


class TokenKind(StrEnum):
    """The kind of a token."""

    SESSION = "session"
    API = "api"


class Scope(StrEnum):
    """The permission of a token. A login session has `write`, and may also manage the account."""

    READ = "read"
    WRITE = "write"


def token_digest(secret: str) -> bytes:
    """Return the stored digest of a token: 32 bytes.

    A random value of 256 bits cannot be guessed, so a fast hash is safe.
    """
    return hashlib.sha256(secret.encode("ascii", "replace")).digest()


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _checksum(random: str) -> str:
    return _base62(zlib.crc32(random.encode("ascii", "replace")), _CHECKSUM_LENGTH)


def new_secret(kind: TokenKind) -> str:
    """Return a new opaque token of 256 random bits, in the form of its kind."""
    if kind is TokenKind.SESSION:
        secret = API_PREFIX
        while secret.startswith(API_PREFIX):  # one in 16 million would look like an API token
            secret = secrets.token_urlsafe(32)
        return secret
    random = _base62(secrets.randbits(256), _RANDOM_LENGTH)
    return API_PREFIX + random + _checksum(random)


def is_well_formed(secret: str) -> bool:
    """Return whether the token has a valid form, so that a mistyped API token needs no query."""
    if not secret.startswith(API_PREFIX):
        return bool(secret)
    random, checksum = secret[len(API_PREFIX) : -_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return len(random) == _RANDOM_LENGTH and _checksum(random) == checksum


class Token(Base):
    """A credential of an account, valid until it expires or is revoked."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        CheckConstraint("kind IN ('session', 'api')", name="kind"),
        CheckConstraint("scope IN ('read', 'write')", name="scope"),
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_MAX}", name="name_length"),
        CheckConstraint(f"length(client) <= {CLIENT_MAX}", name="client_length"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    kind: Mapped[str] = mapped_column(String(7))
    scope: Mapped[str] = mapped_column(String(5))
    name: Mapped[str | None] = mapped_column(String(NAME_MAX))  # API tokens only
    client: Mapped[str | None] = mapped_column(String(CLIENT_MAX))  # the User-Agent of the login
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_date: Mapped[datetime] = mapped_column(UTCDateTime)  # accurate to a minute
    expiration_date: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


def new_token(  # noqa: PLR0913
    account_id: int,
    expiration_date: datetime,
    *,
    kind: TokenKind = TokenKind.SESSION,
    scope: Scope = Scope.WRITE,
    name: str | None = None,
    client: str | None = None,
) -> tuple[dict[str, Any], str]:
    """Return the columns of a new token, and its secret, which is not stored."""
    secret = new_secret(kind)
    now = clock.now()
    columns = {
        "account_id": account_id,
        "digest": token_digest(secret),
        "kind": kind,
        "scope": scope,
        "name": name,
        "client": client and client.replace("\0", "")[:CLIENT_MAX],
        "creation_date": now,
        "last_used_date": now,
        "expiration_date": expiration_date,
    }
    return columns, secret


TOKENS: Table = inspect(Token).local_table  # type: ignore[assignment]
