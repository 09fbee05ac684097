"""The history of a task, the feed of an account, and the retention of changes."""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.support.client import User, pages
from tests.support.factories import PASSWORD, Login, make_task
from tests.support.fixtures import ApiToken, Patch, SetClock
from todo import clock
from todo.jobs.purge import purge_expired
from todo.journal import history as journal_history
from todo.models import Change, Task, Token
from todo.models.token import Scope

CHANGES = "/api/v1/accounts/alice/changes"
DAY = timedelta(days=1)

Purge = Callable[[], None]

FIELDS = (
    *("uid", "name", "note", "list_id", "parent_id", "position", "priority", "labels"),
    *("recurrence", "recurrence_from", "occurrence_of"),
    *("start_date", "timezone", "reminders"),
    *("creation_date", "due_date", "completed", "completion_date"),
)


@pytest.fixture
def milk(alice: User) -> Any:
    """A task at revision 2."""
    return alice.post_json(alice.tasks_url, {"name": "Milk"}).json["task"]


@pytest.fixture
def purge_now(app: Any, db: Session) -> Callable[[], None]:
    """A function that runs the hourly purge."""

    def run() -> None:
        purge_expired(db, app.registry["settings"])
        db.expire_all()

    return run


# --- the history of a task


def test_history_shows_token_and_values_of_each_change(
    alice: User, milk: Any, db: Session, api_token: ApiToken
) -> None:
    url = f"{alice.tasks_url}/{milk['id']}"
    login_session = db.scalars(select(Token)).one()
    token_id, script = api_token()
    changed = script.send_json("PATCH", url, {"name": "Tea", "note": "green"})
    answer = alice.get(f"{url}/history")
    assert "ETag" not in answer.headers
    assert answer.json == {
        "username": "alice",
        "history": [
            {
                "revision": 3,
                "date": changed.json["task"]["modification_date"],
                "kind": "task",
                "id": milk["id"],
                "action": "update",
                "token": {"id": token_id, "kind": "api", "name": "script"},
                "before": {"name": "Milk", "note": None},
                "after": {"name": "Tea", "note": "green"},
            },
            {
                "revision": 2,
                "date": milk["modification_date"],
                "kind": "task",
                "id": milk["id"],
                "action": "create",
                "token": {"id": login_session.id, "kind": "session", "name": None},
                "before": None,
                "after": {name: milk[name] for name in FIELDS},
            },
        ],
        "next": None,
        "after": None,
    }


def test_history_names_revoked_token(alice: User, api_token: ApiToken) -> None:
    token_id, gone = api_token(name="gone")
    url = gone.post_json(alice.tasks_url, {"name": "Tea"}).headers["Location"]
    assert alice.delete(f"{alice.url}/tokens/{token_id}").status_int == 200
    [change] = alice.get(f"{url}/history").json["history"]
    assert change["token"] == {"id": token_id, "kind": "api", "name": "gone"}


def test_history_pages_contain_every_change_once(alice: User, milk: Any) -> None:
    url = f"{alice.tasks_url}/{milk['id']}"
    other = alice.post_json(alice.tasks_url, {"name": "Tea"}).headers["Location"]
    for number in range(4):
        alice.send_json("PATCH", url, {"name": f"Milk {number}"})
        alice.send_json("PATCH", other, {"name": f"Tea {number}"})
    found = pages(alice, f"{url}/history?limit=2", "history")
    assert [[change["revision"] for change in page] for page in found] == [[10, 8], [6, 4], [2]]
    assert found == pages(alice, f"{url}/history?limit=2&after=11", "history")
    assert [*found[0], *found[1], *found[2]] == alice.get(f"{url}/history").json["history"]
    assert alice.get(f"{url}/history?after=2").json["history"] == []


def test_history_of_deleted_task_is_404(alice: User, milk: Any) -> None:
    url = f"{alice.tasks_url}/{milk['id']}"
    alice.delete(url)
    assert alice.get(f"{url}/history").status_int == 404


# --- the feed


def test_feed_lists_changes_of_all_kinds_in_order(
    alice: User, bob: Login, db: Session, api_token: ApiToken
) -> None:
    url = alice.post_json(alice.tasks_url, {"name": "Milk"}).headers["Location"]
    make_task(db, bob)
    alice.send_json("PATCH", alice.url, {"email": "a@example.com", "password": f"{PASSWORD} 2"})
    db.commit()
    _, reader = api_token(scope=Scope.READ)
    registered, created, profile = reader.get(CHANGES).json["changes"]
    assert (registered["kind"], registered["id"]) == ("profile", alice.id)
    assert (registered["action"], registered["token"]) == ("create", None)
    assert created == reader.get(f"{url}/history").json["history"][0]
    assert (profile["kind"], profile["action"]) == ("profile", "update")
    assert profile["before"] == {"email": "alice@example.com", "password": None}
    assert profile["after"] == {"email": "a@example.com", "password": None}
    assert [each["revision"] for each in (registered, created, profile)] == [1, 2, 3]
    answer = reader.get(f"{CHANGES}?since=2").json
    assert answer == {"username": "alice", "changes": [profile], "next": None, "revision": 3}


def test_feed_shows_fields_of_deleted_task(alice: User, milk: Any) -> None:
    alice.delete(f"{alice.tasks_url}/{milk['id']}")
    [change] = alice.get(f"{CHANGES}?since=2").json["changes"]
    assert (change["action"], change["id"], change["after"]) == ("delete", milk["id"], None)
    assert change["before"] == {name: milk[name] for name in FIELDS}


def test_feed_page_never_splits_revision(alice: User, milk: Any) -> None:
    alice.post_json(alice.tasks_url, {"tasks": [{"name": "Tea"}] * 4})
    alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Rice"})
    alice.send_json("PATCH", alice.all_tasks_url, {"completed": True})
    alice.send_json("PATCH", alice.url, {"timezone": "Asia/Tokyo"})
    for limit, expected in (
        (1, [[1], [2], [3] * 4, [4], [5] * 5, [6]]),
        (2, [[1, 2], [3] * 4, [4], [5] * 5, [6]]),
        (5, [[1, 2], [3] * 4 + [4], [5] * 5, [6]]),
        (6, [[1, 2] + [3] * 4, [4] + [5] * 5, [6]]),
        (13, [[1, 2] + [3] * 4 + [4] + [5] * 5 + [6]]),
    ):
        found = pages(alice, f"{CHANGES}?limit={limit}", "changes")
        assert [[change["revision"] for change in page] for page in found] == expected
    after = alice.get(f"{CHANGES}?limit=3&since=3").json
    assert after["next"] == f"{CHANGES}?limit=3&since=4"
    assert after["revision"] == 6


@pytest.mark.parametrize(("most", "expected"), [(1, 4), (1200, 2), (10**6, 1)])
def test_pages_of_changes_are_bounded_in_bytes(
    alice: User, milk: Any, monkeypatch: Patch, most: int, expected: int
) -> None:
    url = f"{alice.tasks_url}/{milk['id']}"
    for note in ("a" * 500, "b" * 50):
        alice.send_json("PATCH", url, {"note": note})
    before = [pages(alice, f"{CHANGES}", "changes"), pages(alice, f"{url}/history", "history")]
    monkeypatch.setattr(journal_history, "MAX_RECORDED_BYTES", most)
    after = [pages(alice, f"{CHANGES}", "changes"), pages(alice, f"{url}/history", "history")]
    assert [list(chain(*found)) for found in after] == [list(chain(*found)) for found in before]
    assert len(after[0]) == expected


def test_feed_without_new_changes_is_304(alice: User, milk: Any) -> None:
    at_the_end = alice.get(f"{CHANGES}?since=2")
    assert at_the_end.json == {"username": "alice", "changes": [], "next": None, "revision": 2}
    etag = at_the_end.headers["ETag"]
    assert etag == alice.get(alice.tasks_url).headers["ETag"]
    for query in ("since=2", "since=1", "limit=1"):
        answer = alice.get(f"{CHANGES}?{query}", headers={"If-None-Match": etag})
        assert (answer.status_int, answer.body) == (304, b"")
        assert (answer.headers["ETag"], answer.headers.get("Link")) == (etag, None)
    alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Tea"})
    answer = alice.get(f"{CHANGES}?since=2", headers={"If-None-Match": etag})
    assert answer.json["changes"][0]["after"] == {"name": "Tea"}


def assert_cursor_expired(user: User, url: str) -> None:
    answer = user.get(url)
    assert (answer.status_int, answer.json["code"]) == (410, "cursor_expired")
    assert f"GET {user.tasks_url}," in answer.json["detail"]
    assert f"GET {user.url}/changes " in answer.json["detail"]
    assert "ETag" not in answer.headers
    # An error has no ETag, so If-None-Match must not turn it into 304.
    assert user.get(url, headers={"If-None-Match": "*"}).status_int == 410


def test_feed_since_future_revision_is_410(alice: User, milk: Any) -> None:
    for since in (3, 10**18 - 1):
        assert_cursor_expired(alice, f"{CHANGES}?since={since}")


def test_feed_shows_no_values_of_purged_task(alice: User, milk: Any) -> None:
    assert alice.delete(f"{alice.tasks_url}/{milk['id']}").status_int == 200
    assert alice.delete(f"{alice.url}/trash/{milk['id']}").status_int == 200
    _, *changes = alice.get(CHANGES).json["changes"]
    assert [change["action"] for change in changes] == ["create", "delete", "purge"]
    assert {(change["before"], change["after"]) for change in changes} == {(None, None)}


# --- the retention of changes


@pytest.fixture
def task_with_old_changes(alice: User, milk: Any, set_clock: SetClock, db: Session) -> Any:
    """A task that revisions 2, 4 and 5 changed.

    Revisions 1 to 3 are older than 90 days; revision 3 created three tasks.
    """
    tasks = [{"name": "Tea"}] * 3
    set_clock(-91 * DAY)
    alice.post_json(alice.tasks_url, {"tasks": tasks})
    db.execute(
        update(Change)
        .where(Change.account_id == alice.id, Change.revision <= 2)
        .values(date=clock.now() - timedelta(hours=1))
    )
    db.commit()
    set_clock(-89 * DAY)
    alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Rice"})
    set_clock(0 * DAY)
    alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"note": "brown"})
    return milk


def kept_revisions(session: Session) -> list[int]:
    session.commit()
    return list(session.scalars(select(Change.revision).order_by(Change.revision)))


@pytest.mark.purged
def test_purge_deletes_old_changes_and_expires_feed_cursors(
    alice: User, task_with_old_changes: Any, purge_now: Purge, db: Session
) -> None:
    assert kept_revisions(db) == [1, 2, 3, 3, 3, 4, 5]
    before = alice.get(alice.tasks_url).json
    assert alice.get(CHANGES).json["changes"][0]["revision"] == 1
    purge_now()
    assert kept_revisions(db) == [4, 5]
    for since in (0, 1, 2):
        assert_cursor_expired(alice, f"{CHANGES}?since={since}")
    for since, revisions in ((3, [4, 5]), (4, [5]), (5, [])):
        answer = alice.get(f"{CHANGES}?since={since}")
        assert [change["revision"] for change in answer.json["changes"]] == revisions
    history = alice.get(f"{alice.tasks_url}/{task_with_old_changes['id']}/history").json
    assert [change["revision"] for change in history["history"]] == [5, 4]
    assert alice.get(alice.tasks_url).json == before
    assert before["revision"] == 5


@pytest.mark.purged
def test_stale_if_match_omits_changed_fields_after_purge(
    alice: User, task_with_old_changes: Any, purge_now: Purge, db: Session
) -> None:
    url = f"{alice.tasks_url}/{task_with_old_changes['id']}"

    def changed(known: int) -> Any:
        answer = alice.send_json("PATCH", url, {"name": "Oil"}, {"If-Match": f'"{known}"'})
        assert answer.status_int == 412
        return answer.json.get("changed")

    assert changed(2) == ["name", "note"]
    purge_now()
    assert (changed(2), changed(3), changed(4)) == (None, ["name", "note"], ["note"])


@pytest.mark.purged
def test_purge_deletes_whole_revisions(
    alice: User, task_with_old_changes: Any, purge_now: Purge, db: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr("todo.journal.retention.BATCH_SIZE", 3)
    purge_now()
    assert kept_revisions(db) == [4, 5], (
        "the batch ends within revision 3, and the rest of it is deleted too"
    )


@pytest.mark.purged
def test_account_stays_usable_after_purge_of_all_changes(
    alice: User, milk: Any, purge_now: Purge, db: Session
) -> None:
    db.execute(update(Change).values(date=clock.now() - 91 * DAY))
    db.commit()
    purge_now()
    assert kept_revisions(db) == []
    assert alice.get(f"{CHANGES}?since=2").json["changes"] == []
    assert_cursor_expired(alice, f"{CHANGES}?since=1")
    assert db.scalar(select(func.count()).select_from(Task)) == 1
    alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Tea"})
    [change] = alice.get(f"{CHANGES}?since=2").json["changes"]
    assert (change["revision"], change["before"]) == (3, {"name": "Milk"})


def test_purge_keeps_old_change_after_younger_one(
    alice: User, milk: Any, purge_now: Purge, db: Session
) -> None:
    """A wrong clock must not leave a gap in the revisions."""
    db.execute(update(Change).where(Change.revision == 2).values(date=clock.now() - 91 * DAY))
    db.commit()
    purge_now()
    assert kept_revisions(db) == [1, 2]
