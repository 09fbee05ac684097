"""Every permission there is."""

from enum import StrEnum


class Permission(StrEnum):
    """What a credential may do with an account and what the account owns."""

    READ = "read"
    WRITE = "write"
    # Changing or deleting the account itself; also what a view asks for that names no permission.
    MANAGE = "manage"
