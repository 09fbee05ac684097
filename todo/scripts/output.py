"""The output of todo-admin: tables, and texts of clients that a terminal can show."""

import sys
from datetime import datetime


def table(rows: list[tuple[str, ...]]) -> str:
    """Return the rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def minute(moment: datetime) -> str:
    """Return the moment up to its minute (RFC 3339, in UTC)."""
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def printable(text: str | None) -> str:
    """Replace unprintable and unencodable characters: clients choose these texts."""
    shown = "".join(char if char.isprintable() else "?" for char in text or "-")
    encoding = sys.stdout.encoding
    return shown.encode(encoding, "replace").decode(encoding)


def describe_ended(count: int) -> str:
    """Say how many sessions and tokens have ended."""
    return f"{count} {'session or token' if count == 1 else 'sessions and tokens'} ended"


def describe_counted(rows: dict[str, int]) -> str:
    """List the rows of each table."""
    return ", ".join(f"{name}: {count}" for name, count in rows.items())
