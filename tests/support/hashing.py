"""Argon2 with cached results, because tests hash the same passwords repeatedly."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError


class CachingHasher:
    """The real hasher with its real parameters and a cache."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self.check_needs_rehash = hasher.check_needs_rehash
        self.hash = cache(hasher.hash)
        self._cached_matches = cache(self._matches)
        self._hasher = hasher

    def verify(self, password_hash: str, password: bytes | str) -> bool:
        if not self._cached_matches(password_hash, password):
            raise VerifyMismatchError
        return True

    def _matches(self, password_hash: str, password: bytes | str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False
