"""Changes: the history of a task, the feed of an account, and how long they are kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.support.client import Client, faults
from tests.support.factories import PASSWORD, Login, make_task, make_token
from todo import clock
from todo.jobs.purge import purge_expired
from todo.models import Change, Task, Token
from todo.models.token import Kind, Scope

DAY = timedelta(days=1)
Move = Callable[[timedelta], datetime]

FIELDS = ("name", "note", "creation_date", "due_date", "completed", "completion_date")


@pytest.fixture
def milk(as_alice: Client, alice: Login) -> Any:
    """A task, of revision 2."""
    return as_alice.post_json(alice.tasks_url, {"name": "Milk"}).json["task"]


@pytest.fixture
def changes_url(alice: Login) -> str:
    return f"{alice.url}/changes"


@pytest.fixture
def purge_now(app: Any, dbsession: Session) -> Callable[[], None]:
    """Return what runs the hourly purge."""

    def run() -> None:
        purge_expired(dbsession, app.registry["settings"])
        dbsession.expire_all()

    return run


def walk(client: Client, url: str, member: str) -> list[list[Any]]:
    """Return what all pages have."""
    pages = []
    following: str | None = url
    while following:
        answer = client.get(following)
        assert answer.status_int == 200, answer
        pages.append(answer.json[member])
        following = answer.json["next"]
        assert answer.headers.get("Link") == (f'<{following}>; rel="next"' if following else None)
    return pages


def make_api_token(session: Session, login: Login, **values: Any) -> tuple[Token, str]:
    token_id, secret = make_token(session, login.id, kind=Kind.API, **values)
    session.commit()
    return session.get_one(Token, token_id), secret


# --- the history of a task


def test_who_changed_what_from_what_to_what(
    app: Any, as_alice: Client, alice: Login, milk: Any, dbsession: Session
) -> None:
    url = f"{alice.tasks_url}/{milk['id']}"
    session = dbsession.scalars(select(Token)).one()
    script, secret = make_api_token(dbsession, alice, name="script")
    changed = Client(app, secret).send_json("PATCH", url, {"name": "Tea", "note": "green"})
    answer = as_alice.get(f"{url}/history")
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
                "token": {"id": script.id, "kind": "api", "name": "script"},
                "before": {"name": "Milk", "note": None},
                "after": {"name": "Tea", "note": "green"},
            },
            {
                "revision": 2,
                "date": milk["modification_date"],
                "kind": "task",
                "id": milk["id"],
                "action": "create",
                "token": {"id": session.id, "kind": "session", "name": None},
                "before": None,
                "after": {name: milk[name] for name in FIELDS},
            },
        ],
        "next": None,
    }


def test_a_token_is_named_when_it_is_gone(
    app: Any, as_alice: Client, alice: Login, dbsession: Session
) -> None:
    token, secret = make_api_token(dbsession, alice, name="gone")
    url = Client(app, secret).post_json(alice.tasks_url, {"name": "Tea"}).headers["Location"]
    assert as_alice.delete(f"{alice.url}/tokens/{token.id}").status_int == 200
    [change] = as_alice.get(f"{url}/history").json["history"]
    assert change["token"] == {"id": token.id, "kind": "api", "name": "gone"}


def test_pages_of_a_history(as_alice: Client, alice: Login, milk: Any) -> None:
    url = f"{alice.tasks_url}/{milk['id']}"
    other = as_alice.post_json(alice.tasks_url, {"name": "Tea"}).headers["Location"]
    for number in range(4):
        as_alice.send_json("PATCH", url, {"name": f"Milk {number}"})
        as_alice.send_json("PATCH", other, {"name": f"Tea {number}"})
    pages = walk(as_alice, f"{url}/history?limit=2", "history")
    assert [[change["revision"] for change in page] for page in pages] == [[10, 8], [6, 4], [2]]
    assert pages == walk(as_alice, f"{url}/history?limit=2&after=11", "history")
    assert [*pages[0], *pages[1], *pages[2]] == as_alice.get(f"{url}/history").json["history"]
    assert as_alice.get(f"{url}/history?after=2").json["history"] == []


@pytest.mark.parametrize("id_", ["{foreign}", "999999", "0", "x", str(2**63)])
def test_the_history_of_another_s_task_or_none(
    as_alice: Client, alice: Login, bob: Login, dbsession: Session, id_: str
) -> None:
    foreign = make_task(dbsession, bob)
    url = f"{alice.tasks_url}/{id_.format(foreign=foreign)}/history"
    answer = as_alice.get(url)
    assert (answer.status_int, answer.json["code"]) == (404, "not_found")


def test_a_deleted_task_has_no_history(as_alice: Client, alice: Login, milk: Any) -> None:
    url = f"{alice.tasks_url}/{milk['id']}"
    as_alice.delete(url)
    assert as_alice.get(f"{url}/history").status_int == 404


# --- the feed


def test_changes_of_all_kinds_in_their_order(
    app: Any, as_alice: Client, alice: Login, bob: Login, dbsession: Session, changes_url: str
) -> None:
    url = as_alice.post_json(alice.tasks_url, {"name": "Milk"}).headers["Location"]
    make_task(dbsession, bob)
    as_alice.send_json("PATCH", alice.url, {"email": "a@example.com", "password": f"{PASSWORD} 2"})
    dbsession.commit()
    _, secret = make_api_token(dbsession, alice, scope=Scope.READ, name="reader")
    reader = Client(app, secret)
    registered, created, profile = reader.get(changes_url).json["changes"]
    assert (registered["kind"], registered["id"]) == ("profile", alice.id)
    assert (registered["action"], registered["token"]) == ("create", None)
    assert created == reader.get(f"{url}/history").json["history"][0]
    assert (profile["kind"], profile["action"]) == ("profile", "update")
    assert profile["before"] == {"email": "alice@example.com", "password": None}
    assert profile["after"] == {"email": "a@example.com", "password": None}
    assert [each["revision"] for each in (registered, created, profile)] == [1, 2, 3]
    answer = reader.get(f"{changes_url}?since=2").json
    assert answer == {"username": "alice", "changes": [profile], "next": None, "revision": 3}


def test_what_is_deleted_is_named(
    as_alice: Client, alice: Login, milk: Any, changes_url: str
) -> None:
    as_alice.delete(f"{alice.tasks_url}/{milk['id']}")
    [change] = as_alice.get(f"{changes_url}?since=2").json["changes"]
    assert (change["action"], change["id"], change["after"]) == ("delete", milk["id"], None)
    assert change["before"] == {name: milk[name] for name in FIELDS}


def test_a_page_ends_at_the_end_of_a_revision(
    as_alice: Client, alice: Login, milk: Any, changes_url: str
) -> None:
    as_alice.post_json(alice.tasks_url, {"tasks": [{"name": "Tea"}] * 4})
    as_alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Rice"})
    as_alice.send_json("PATCH", alice.tasks_url, {"completed": True})
    as_alice.send_json("PATCH", alice.url, {"timezone": "Asia/Tokyo"})
    for limit, expected in (
        (1, [[1], [2], [3] * 4, [4], [5] * 5, [6]]),
        (2, [[1, 2], [3] * 4, [4] + [5] * 5, [6]]),
        (6, [[1, 2] + [3] * 4, [4] + [5] * 5, [6]]),
        (13, [[1, 2] + [3] * 4 + [4] + [5] * 5 + [6]]),
    ):
        pages = walk(as_alice, f"{changes_url}?limit={limit}", "changes")
        assert [[change["revision"] for change in page] for page in pages] == expected
    after = as_alice.get(f"{changes_url}?limit=3&since=3").json
    assert after["next"] == f"{changes_url}?limit=3&since=5"
    assert after["revision"] == 6


def test_nothing_new_is_304(as_alice: Client, alice: Login, milk: Any, changes_url: str) -> None:
    at_the_end = as_alice.get(f"{changes_url}?since=2")
    assert at_the_end.json == {"username": "alice", "changes": [], "next": None, "revision": 2}
    etag = at_the_end.headers["ETag"]
    assert etag == as_alice.get(alice.tasks_url).headers["ETag"]
    for query in ("since=2", "since=1", "limit=1"):
        answer = as_alice.get(f"{changes_url}?{query}", headers={"If-None-Match": etag})
        assert (answer.status_int, answer.body) == (304, b"")
        assert (answer.headers["ETag"], answer.headers.get("Link")) == (etag, None)
    as_alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Tea"})
    answer = as_alice.get(f"{changes_url}?since=2", headers={"If-None-Match": etag})
    assert answer.json["changes"][0]["after"] == {"name": "Tea"}


def assert_expired(client: Client, url: str, login: Login) -> None:
    answer = client.get(url)
    assert (answer.status_int, answer.json["code"]) == (410, "cursor_expired")
    assert f"GET {login.tasks_url}," in answer.json["detail"]
    assert f"GET {login.url}/changes " in answer.json["detail"]
    assert "ETag" not in answer.headers
    # Whether the client has the newest revision is no question where there is no answer.
    assert client.get(url, headers={"If-None-Match": "*"}).status_int == 410


def test_a_revision_of_the_future_is_expired(
    as_alice: Client, alice: Login, milk: Any, changes_url: str
) -> None:
    for since in (3, 10**18 - 1):
        assert_expired(as_alice, f"{changes_url}?since={since}", alice)


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/changes", "since=-1", "range"),
        ("/changes", "since=", "type"),
        ("/changes", "since=2030-01-01", "type"),
        ("/changes", f"since={2**63}", "type"),
        ("/changes", "limit=0", "range"),
        ("/changes", "limit=201", "range"),
        ("/changes", "after=1", "unknown_field"),
        ("/tasks/{id}/history", "after=0", "range"),
        ("/tasks/{id}/history", "after=x", "type"),
        ("/tasks/{id}/history", "limit=201", "range"),
        ("/tasks/{id}/history", "since=1", "unknown_field"),
    ],
)
def test_faults(
    as_alice: Client, alice: Login, milk: Any, path: str, query: str, code: str
) -> None:
    url = f"{alice.url}{path.format(id=milk['id'])}?{query}"
    assert faults(as_alice.get(url)) == {query.partition("=")[0]: code}


def test_erased_values_are_shown_as_they_are(
    as_alice: Client, alice: Login, milk: Any, changes_url: str
) -> None:
    assert as_alice.delete(f"{alice.tasks_url}/{milk['id']}").status_int == 200
    assert as_alice.delete(f"{alice.url}/trash/{milk['id']}").status_int == 200
    _, *changes = as_alice.get(changes_url).json["changes"]
    assert [change["action"] for change in changes] == ["create", "delete", "purge"]
    assert {(change["before"], change["after"]) for change in changes} == {(None, None)}


# --- how long changes are kept


@pytest.fixture
def old(as_alice: Client, alice: Login, milk: Any, set_clock: Move, dbsession: Session) -> Any:
    """Revisions 2 to 5, of which 2 and 3 are older than 90 days; 3 has three tasks."""
    tasks = [{"name": "Tea"}] * 3
    set_clock(-91 * DAY)
    as_alice.post_json(alice.tasks_url, {"tasks": tasks})
    dbsession.execute(
        update(Change)
        .where(Change.account_id == alice.id, Change.revision <= 2)
        .values(date=clock.now() - timedelta(hours=1))
    )
    dbsession.commit()
    set_clock(-89 * DAY)
    as_alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Rice"})
    set_clock(0 * DAY)
    as_alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"note": "brown"})
    return milk


def kept(session: Session) -> list[int]:
    session.commit()
    return list(session.scalars(select(Change.revision).order_by(Change.revision)))


@pytest.mark.purged
def test_the_purge_deletes_old_changes(
    as_alice: Client,
    alice: Login,
    old: Any,
    purge_now: Callable[[], None],
    dbsession: Session,
    changes_url: str,
) -> None:
    assert kept(dbsession) == [1, 2, 3, 3, 3, 4, 5]
    before = as_alice.get(alice.tasks_url).json
    assert as_alice.get(changes_url).json["changes"][0]["revision"] == 1
    purge_now()
    assert kept(dbsession) == [4, 5]
    for since in (0, 1, 2):
        assert_expired(as_alice, f"{changes_url}?since={since}", alice)
    for since, revisions in ((3, [4, 5]), (4, [5]), (5, [])):
        answer = as_alice.get(f"{changes_url}?since={since}")
        assert [change["revision"] for change in answer.json["changes"]] == revisions
    history = as_alice.get(f"{alice.tasks_url}/{old['id']}/history").json
    assert [change["revision"] for change in history["history"]] == [5, 4]
    assert as_alice.get(alice.tasks_url).json == before
    assert before["revision"] == 5


@pytest.mark.purged
def test_what_changed_is_not_told_where_it_is_not_kept(
    as_alice: Client, alice: Login, old: Any, purge_now: Callable[[], None], dbsession: Session
) -> None:
    url = f"{alice.tasks_url}/{old['id']}"

    def changed(known: int) -> Any:
        answer = as_alice.send_json("PATCH", url, {"name": "Oil"}, {"If-Match": f'"{known}"'})
        assert answer.status_int == 412
        return answer.json.get("changed")

    assert changed(2) == ["name", "note"]
    purge_now()
    assert (changed(2), changed(3), changed(4)) == (None, ["name", "note"], ["note"])


@pytest.mark.purged
def test_a_revision_goes_as_a_whole_or_not_at_all(
    as_alice: Client,
    alice: Login,
    old: Any,
    purge_now: Callable[[], None],
    dbsession: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("todo.jobs.purge.BATCH", 3)
    purge_now()
    assert kept(dbsession) == [4, 5], "the third is the first of revision 3, which goes along"


@pytest.mark.purged
def test_the_purge_may_delete_all_changes_of_an_account(
    as_alice: Client,
    alice: Login,
    milk: Any,
    purge_now: Callable[[], None],
    dbsession: Session,
    changes_url: str,
) -> None:
    dbsession.execute(update(Change).values(date=clock.now() - 91 * DAY))
    dbsession.commit()
    purge_now()
    assert kept(dbsession) == []
    assert as_alice.get(f"{changes_url}?since=2").json["changes"] == []
    assert_expired(as_alice, f"{changes_url}?since=1", alice)
    assert dbsession.scalar(select(func.count()).select_from(Task)) == 1
    as_alice.send_json("PATCH", f"{alice.tasks_url}/{milk['id']}", {"name": "Tea"})
    [change] = as_alice.get(f"{changes_url}?since=2").json["changes"]
    assert (change["revision"], change["before"]) == (3, {"name": "Milk"})


def test_a_younger_change_keeps_those_after_it(
    as_alice: Client, alice: Login, milk: Any, purge_now: Callable[[], None], dbsession: Session
) -> None:
    """A clock that was wrong makes no gap."""
    dbsession.execute(
        update(Change).where(Change.revision == 2).values(date=clock.now() - 91 * DAY)
    )
    dbsession.commit()
    purge_now()
    assert kept(dbsession) == [1, 2]


@pytest.mark.purged
def test_the_setting_says_how_long_changes_are_kept(
    app: Any,
    old: Any,
    purge_now: Callable[[], None],
    dbsession: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.registry["settings"], "journal_time", 88 * DAY)
    purge_now()
    assert kept(dbsession) == [5]
