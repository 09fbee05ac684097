"""Argon2 for tests, which ask the same of it again and again."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError


class RememberingHasher:
    """The real hasher with its real parameters, which remembers its answers."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self.check_needs_rehash = hasher.check_needs_rehash
        self.hash = cache(hasher.hash)
        self._matches = cache(self._really_matches)
        self._hasher = hasher

    def verify(self, password_hash: str, password: bytes | str) -> bool:
        if not self._matches(password_hash, password):
            raise VerifyMismatchError
        return True

    def _really_matches(self, password_hash: str, password: bytes | str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False
