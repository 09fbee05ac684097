"""A request takes its share before it locks: large bodies, and tokens that are unknown."""

import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client, User
from tests.support.databases import statements
from tests.support.factories import make_token
from tests.support.fixtures import Patch
from todo import clock
from todo.auth.shares import LARGE_BODY, MOST_TOKENS, KnownTokens

LARGE = {"tasks": [{"name": "Milk", "note": "x" * 10_000}] * 7}


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_large_body_is_folded_before_the_account_is_locked(
    app: Any, alice: User, monkeypatch: Patch, query: str
) -> None:
    normalize = unicodedata.normalize

    def record(form: Any, text: str) -> str:
        executed.append("normalize")
        return normalize(form, text)

    alice.get(alice.url)
    with statements(app.registry["engine"]) as executed:
        monkeypatch.setattr(unicodedata, "normalize", record)
        tasks = {"tasks": [{"name": "Milk", "note": "é" * 10_000}] * 7}
        assert alice.post_json(alice.tasks_url + query, tasks).status_int == 201
    firsts = [statement.split()[0] for statement in executed]
    assert firsts[:8] == ["SELECT"] + ["normalize"] * 7, "an identity without a lock, then folding"
    assert "normalize" not in firsts[8:]


def test_faults_of_a_large_body_come_after_those_of_the_path(alice: User, bob: User) -> None:
    wrong = LARGE | {"no_such_field": 1}
    assert alice.post_json(alice.tasks_url, wrong).json["code"] == "validation"
    assert alice.post_json(bob.tasks_url, wrong).json["code"] == "forbidden"
    large = {"name": "x" * LARGE_BODY}
    assert alice.send_json("PATCH", f"{alice.tasks_url}/999", large).status_int == 404
    broken = alice.send("POST", alice.tasks_url, "{" * (LARGE_BODY + 1), "application/json")
    assert (broken.status_int, broken.json["code"]) == (400, "bad_json")


def test_write_with_unknown_token_locks_nothing(app: Any, alice: User, db: Session) -> None:
    _, secret = make_token(db, alice.id, expiration_date=clock.now() - timedelta(days=1))
    db.commit()
    with statements(app.registry["engine"]) as run:
        refused = Client(app, secret).post_json(alice.tasks_url, {"name": "Milk"})
    assert refused.status_int == 401
    assert len(run) == 1
    assert "FOR UPDATE" not in run[0]


def test_memory_of_known_tokens_is_bounded() -> None:
    tokens = KnownTokens()
    for number in range(MOST_TOKENS + 10):
        tokens.remember(number.to_bytes(32, "big"), number)
    assert len(tokens._accounts) <= MOST_TOKENS
    assert tokens.account_of((MOST_TOKENS + 9).to_bytes(32, "big")) == MOST_TOKENS + 9
    tokens.forget((MOST_TOKENS + 9).to_bytes(32, "big"))
    assert tokens.account_of((MOST_TOKENS + 9).to_bytes(32, "big")) is None
