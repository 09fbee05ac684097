"""Passwords: hashed, verified, rehashed. Slow on purpose: never hold a database connection here."""

import logging
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

MIN_CHARACTERS = 8
MAX_BYTES = 1024

logger = logging.getLogger(__name__)

# Argon2id with 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's first choice.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# What an unknown user's password is compared with, so that it costs the time of a known one's.
_NOBODY = _hasher.hash("nobody has this password")


def normalize_password(password: str) -> str:
    """Return the password in NFC: two keyboards may send one letter in two ways.

    RFC 8265, section 4.2.2.
    """
    return unicodedata.normalize("NFC", password)


def _encoded(password: str) -> bytes:
    return normalize_password(password).encode()


def hash_password(password: str) -> str:
    """Return the argon2id hash in its PHC string form."""
    return _hasher.hash(_encoded(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is the one hashed; None stands for an unknown user."""
    try:
        matches = _hasher.verify(password_hash or _NOBODY, _encoded(password))
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError):
        logger.exception("a stored password hash is corrupt; its account cannot log in")
        return False
    return matches and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Tell whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
