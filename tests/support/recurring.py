"""Requests that complete and skip tasks that recur."""

from collections.abc import Callable
from typing import Any

from webtest import TestResponse

from tests.support.client import User
from tests.support.outline import change

At = Callable[[str], None]  # sets the clock

BERLIN = "Europe/Berlin"
TUESDAYS = "FREQ=WEEKLY;BYDAY=TU"


def complete(user: User, task_id: int, **fields: Any) -> TestResponse:
    return change(user, task_id, completed=True, **fields)


def skip(user: User, task_id: int, **fields: Any) -> TestResponse:
    return user.send_json("POST", f"{user.tasks_url}/{task_id}/skip", fields)


def due_dates(answer: TestResponse) -> tuple[str, str]:
    """Return the due dates of the completed occurrence and of the task that goes on."""
    assert answer.status_int == 200, answer
    return answer.json["occurrence"]["due_date"], answer.json["task"]["due_date"]
