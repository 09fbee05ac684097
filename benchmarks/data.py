"""The data that every system begins with: accounts, and tasks of each.

`python -m benchmarks.data MODULE` lets the module fill the database of DATABASE_URL, and prints
the accounts, one a line: the token, the path of the tasks, and the ids of these.
"""

import importlib
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# benchmarks/jobs.lua says which accounts a job uses.
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
class Filled:
    """An account that is in the database."""

    token: str
    path: str
    ids: list[int]

    @property
    def line(self) -> str:
        return " ".join([self.token, self.path, *map(str, self.ids)])

    @classmethod
    def parse(cls, line: str) -> "Filled":
        token, path, *ids = line.split()
        return cls(token, path, [int(each) for each in ids])


def username(account: int) -> str:
    """Return the name of an account, counted from 0."""
    return f"user{account}"


def new_token() -> str:
    """Return a token of 40 characters, as many as Django REST framework has room for."""
    return secrets.token_hex(20)


def task(number: int) -> dict[str, Any]:
    """Return what the user says of a task: every second has a note, and a due date."""
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
    """Fill a database."""
    for account in importlib.import_module(sys.argv[1]).fill():
        print(account.line)


if __name__ == "__main__":
    main()
