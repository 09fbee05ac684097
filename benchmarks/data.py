"""The initial data of every system: accounts and their tasks.

`python -m benchmarks.data MODULE` calls the `fill` of the module, which fills the database of
DATABASE_URL, and prints one account per line: its token, the path of its tasks, and their ids.
"""

import importlib
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# benchmarks/jobs.lua assigns them to jobs.
ACCOUNTS = 60
TASKS = 50

FIELDS = {
    "id",
    "name",
    "note",
    "creation_date",
    "modification_date",
    "due_date",
    "completed",
    "completion_date",
}


@dataclass(frozen=True)
class StoredAccount:
    """An account in the database."""

    token: str
    path: str
    ids: list[int]

    @property
    def line(self) -> str:
        return " ".join([self.token, self.path, *map(str, self.ids)])

    @classmethod
    def parse(cls, line: str) -> "StoredAccount":
        token, path, *ids = line.split()
        return cls(token, path, [int(each) for each in ids])


def username(account: int) -> str:
    """Return the name of an account. Accounts are numbered from 0."""
    return f"user{account}"


def new_token() -> str:
    """Return a token of 40 characters, the maximum of Django REST framework."""
    return secrets.token_hex(20)


def task(number: int) -> dict[str, Any]:
    """Return the fields of a new task. Every second task has a note and a due date."""
    noted = number % 2 == 0
    return {
        "name": f"Water the plants in room {number}",
        "note": f"Number {number} of the list: one litre each, and two in summer"
        if noted
        else None,
        "due_date": datetime(2030, 2, 1, 9, 30, tzinfo=UTC) + timedelta(days=number)
        if noted
        else None,
    }


def main() -> None:
    """Fill the database and print its accounts."""
    for account in importlib.import_module(sys.argv[1]).fill():
        print(account.line)


if __name__ == "__main__":
    main()
