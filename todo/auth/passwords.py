"""Passwords: which are taken, hashed, verified, rehashed.

Hashing is slow on purpose: never hold a database connection meanwhile.
"""

import logging
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from todo.http.errors import Problem

MIN_CHARACTERS = 8
MAX_BYTES = 1024
PERSONAL_MIN = 3  # characters; a shorter name is in too many words
SLOT_TIMEOUT = 2  # seconds
MAX_PENDING = 4  # passwords of a process that are hashed or wait; fewer than waitress has threads
# Of the process; a container may have fewer than the machine. Only Linux tells.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1

logger = logging.getLogger(__name__)

# Argon2id with 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's first choice.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# What an unknown user's password is compared with, so that it costs the time of a known one's.
_DUMMY_HASH = _hasher.hash("nobody has this password")

# As many hashes at once as there are cores: more would only take memory and slow all others down.
_slots = BoundedSemaphore(CORES)
# Cap the queue: each waiting login blocks a thread, and other requests need threads, too.
_pending = BoundedSemaphore(MAX_PENDING)


def normalize_password(password: str) -> str:
    """Return the password in NFC: two keyboards may send one letter in two ways.

    RFC 8265, section 4.2.2.
    """
    return unicodedata.normalize("NFC", password)


@cache
def _common() -> frozenset[str]:
    passwords = FREQUENCY_LISTS["passwords"]
    return frozenset(word for word in passwords if len(word) >= MIN_CHARACTERS)


def is_common(password: str) -> bool:
    """Tell whether the password is among those that attackers try first."""
    return password.lower() in _common()


def is_personal(password: str, username: object, email: object) -> bool:
    """Tell whether the password holds the username, the e-mail address or its local part."""
    texts = [str(username), str(email), str(email).partition("@")[0]]
    return any(len(text) >= PERSONAL_MIN and text.lower() in password.lower() for text in texts)


def _encoded(password: str) -> bytes:
    return normalize_password(password).encode()


@contextmanager
def _slot() -> Iterator[None]:
    if not _pending.acquire(blocking=False):
        raise _busy()
    try:
        if not _slots.acquire(timeout=SLOT_TIMEOUT):
            raise _busy()
        try:
            yield
        finally:
            _slots.release()
    finally:
        _pending.release()


def _busy() -> Problem:
    return Problem(
        "busy", "Too many people log in at this moment; try again.", headers={"Retry-After": "1"}
    )


def hash_password(password: str) -> str:
    """Return the argon2id hash in its PHC string form."""
    with _slot():
        return _hasher.hash(_encoded(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is the one hashed; None stands for an unknown user."""
    try:
        with _slot():
            matches = _hasher.verify(password_hash or _DUMMY_HASH, _encoded(password))
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError):
        logger.exception("a stored password hash is corrupt; its account cannot log in")
        return False
    return matches and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Tell whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
