"""The permissions of tokens."""

from enum import StrEnum


class Permission(StrEnum):
    """A permission of a credential on an account and everything that the account owns."""

    READ = "read"
    WRITE = "write"
    # Change or delete the account itself. Also the default permission of views.
    MANAGE = "manage"
