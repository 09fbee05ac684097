"""Passwords: strength checks, hashing, verification.

Hashing is slow on purpose: never hold a database connection while hashing.
"""

import logging
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from todo.http.errors import Problem

MIN_CHARACTERS = 8
MAX_BYTES = 1024
PERSONAL_MIN = 3  # characters; a shorter name occurs in too many words
SLOT_TIMEOUT = 2  # seconds
MAX_PENDING = 4  # passwords per process, hashing or waiting; fewer than waitress has threads
MAX_PENDING_OF_ADDRESS = 3  # so that one address does not make all others wait
# Available to this process: a container may have fewer than the machine. Linux only.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1

logger = logging.getLogger(__name__)

# Argon2id with 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's first choice.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Verified for unknown users, so that they take as long as known ones.
_DUMMY_HASH = _hasher.hash("nobody has this password")

# One hash per core: more at once would use memory and finish no sooner. Each thread that has hashed
# keeps its 19 MiB, so the same threads hash always.
_slots = BoundedSemaphore(CORES)
_workers = ThreadPoolExecutor(CORES, thread_name_prefix="hash")
# Cap the queue: each waiting login blocks a thread that other requests need.
_pending: Counter[str] = Counter()  # by address
_counting = Lock()


def normalize_password(password: str) -> str:
    """Return the password in Unicode NFC (RFC 8265, section 4.2.2).

    Different keyboards may encode the same letter differently.
    """
    return unicodedata.normalize("NFC", password)


@cache
def _common() -> frozenset[str]:
    passwords = FREQUENCY_LISTS["passwords"]
    return frozenset(word for word in passwords if len(word) >= MIN_CHARACTERS)


def is_common(password: str) -> bool:
    """Return whether the password is a common one, which attackers try first."""
    return password.lower() in _common()


def is_personal(password: str, username: object, email: object) -> bool:
    """Return whether the password contains the username, the e-mail address or its local part."""
    texts = [str(username), str(email), str(email).partition("@")[0]]
    return any(len(text) >= PERSONAL_MIN and text.lower() in password.lower() for text in texts)


def _encoded(password: str) -> bytes:
    return normalize_password(password).encode()


@contextmanager
def turn(address: str) -> Iterator[None]:
    """Let the address send a password. Raise Problem 503 if too many are pending.

    Everything that a password costs, also the counts in the database, belongs inside.
    """
    with _counting:
        if _pending[address] >= MAX_PENDING_OF_ADDRESS or _pending.total() >= MAX_PENDING:
            raise _busy()
        _pending[address] += 1
    try:
        yield
    finally:
        with _counting:
            _pending[address] -= 1
            if not _pending[address]:
                del _pending[address]


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=SLOT_TIMEOUT):
        raise _busy()
    try:
        yield
    finally:
        _slots.release()


def _busy() -> Problem:
    return Problem(
        "busy",
        "Too many logins at the moment; try again in 1 second.",
        headers={"Retry-After": "1"},
    )


def hash_password(password: str) -> str:
    """Return the argon2id hash as a PHC string. Raise Problem 503 if the service is busy."""
    with _slot():
        return _workers.submit(_hasher.hash, _encoded(password)).result()


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether the password matches the hash; None, for an unknown user, never matches.

    Raise Problem 503 if the service is busy.
    """
    try:
        with _slot():
            stored = password_hash or _DUMMY_HASH
            matches = _workers.submit(_hasher.verify, stored, _encoded(password)).result()
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError):
        logger.exception("a stored password hash is corrupt; its account cannot log in")
        return False
    return matches and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Return whether the hash was made with other parameters than the current ones."""
    return _hasher.check_needs_rehash(password_hash)
