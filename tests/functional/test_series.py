"""Property: a series has exactly the dates of its preview, for generated rules and zones."""

import random
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import make_account
from tests.support.outline import add, change, show
from tests.support.rules import SEED, Case, generated_cases
from todo.recurrence.dates import next_after
from todo.recurrence.rule import parse_rule

ROUNDS = 6  # occurrences of each rule
ZONES = (
    *(
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Asia/Tehran",
    ),
    *("Pacific/Auckland", "Etc/GMT+12", "Pacific/Kiritimati"),
)
TIMES = ("", "T00:00", "T02:30", "T09:00", "T23:59:59")


@pytest.fixture
def user(app: Any, db: Session) -> User:
    return User(app, make_account(db, timezone="America/New_York"))


def recurs(case: Case) -> bool:
    """Return whether the service accepts the rule: without its end, it has a second date."""
    return next_after(parse_rule(case.rule), case.first, case.first) is not None


CASES = list(filter(recurs, generated_cases(60)))


@pytest.mark.parametrize("case", CASES, ids=map(str, CASES))
def test_completing_again_and_again_yields_the_dates_of_the_preview(user: User, case: Case) -> None:
    chosen = random.Random(f"{SEED} {case}")
    body: dict[str, Any] = {
        "recurrence": case.ended,
        "due_date": f"{case.first}{chosen.choice(TIMES)}",
        "timezone": chosen.choice([None, *ZONES]),
    }
    previewed = user.send_json(
        "POST", f"{user.url}/recurrence/preview", body | {"count": ROUNDS + 1}
    ).json["dates"]
    task_id = add(user, **body)
    completed = []
    for _ in previewed[:ROUNDS]:
        task = show(user, task_id)
        answer = change(
            user, task_id, completed=True, catch_up=True, occurrence=task["due_date"]
        ).json
        completed.append(answer.get("occurrence", answer["task"])["due_date"])
    assert completed == previewed[:ROUNDS]
    assert show(user, task_id)["completed"] == (len(previewed) <= ROUNDS)
