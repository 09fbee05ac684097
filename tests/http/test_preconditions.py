"""Conditional requests: ETag, If-None-Match and If-Match of tasks, lists and profiles."""

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User, faults
from tests.support.factories import PASSWORD, Login, make_task

METHODS = pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])


@pytest.fixture
def milk(db: Session, alice: Login) -> str:
    return f"{alice.tasks_url}/{make_task(db, alice, name='Milk')}"


def test_etag_is_revision_of_last_change(alice: User) -> None:
    """Revision 1 is the registration, 2 and 3 create the tasks, 4 updates the first task."""
    created = [alice.post_json(alice.tasks_url, {"name": name}) for name in ("Milk", "Tea")]
    assert [answer.headers["ETag"] for answer in created] == ['"2"', '"3"']
    url, other = (answer.headers["Location"] for answer in created)
    changed = alice.send_json("PATCH", url, {"note": "two"})
    assert (changed.headers["ETag"], changed.json["task"]["revision"]) == ('"4"', 4)
    for path, revision in ((url, 4), (other, 3)):
        shown = alice.get(path)
        assert (shown.headers["ETag"], shown.json["task"]["revision"]) == (
            f'"{revision}"',
            revision,
        )
    assert alice.get(alice.url).headers["ETag"] == '"1"'
    listed = alice.get(alice.tasks_url)
    assert (listed.headers["ETag"], listed.json["revision"]) == ('"4"', 4)
    assert [task["revision"] for task in listed.json["tasks"]] == [4, 3]
    profile = alice.send_json("PATCH", alice.url, {"timezone": "Europe/Berlin"})
    assert profile.headers["ETag"] == alice.get(alice.url).headers["ETag"] == '"5"'
    assert alice.get(other).headers["ETag"] == '"3"'
    assert alice.get(alice.tasks_url).headers["ETag"] == '"5"'


def test_update_without_change_keeps_etag(alice: User, milk: str) -> None:
    before = alice.get(milk).headers["ETag"]
    assert alice.put_json(milk, {"name": "Milk"}).headers["ETag"] == before
    assert alice.get(milk).headers["ETag"] == before


@pytest.mark.parametrize("kind", ["task", "tasks", "filtered", "profile"])
def test_if_none_match_of_current_version_returns_304(alice: User, milk: str, kind: str) -> None:
    filtered = f"{alice.tasks_url}?completed=false&search=milk&due=none&sort=name&count=true"
    url = {"task": milk, "tasks": alice.tasks_url, "filtered": filtered, "profile": alice.url}[kind]
    etag = alice.get(url).headers["ETag"]
    for tags in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        for method in ("GET", "HEAD"):
            answer = alice.request(url, method=method, headers={"If-None-Match": tags})
            assert (answer.status_int, answer.body) == (304, b"")
            assert answer.headers["ETag"] == etag
            assert answer.headers["Cache-Control"] == "private, no-cache"
    assert alice.get(url, headers={"If-None-Match": '"x", "0"'}).status_int == 200
    changed = alice.url if kind == "profile" else milk
    alice.send_json(
        "PATCH", changed, {"timezone": "Asia/Tokyo"} if kind == "profile" else {"note": "2"}
    )
    answer = alice.get(url, headers={"If-None-Match": etag})
    assert answer.status_int == 200
    assert answer.headers["ETag"] != etag


@pytest.mark.parametrize("due", ["overdue", "today", "tomorrow", "week", "upcoming"])
def test_time_dependent_list_has_no_etag(alice: User, milk: str, due: str) -> None:
    url = f"{alice.tasks_url}?due={due}"
    answer = alice.get(url, headers={"If-None-Match": "*"})
    assert answer.status_int == 200
    assert "ETag" not in answer.headers
    assert answer.json["revision"] == 2


def test_bulk_create_and_dry_run_have_no_etag(alice: User) -> None:
    fields = {"tasks": [{"name": "Milk"}, {"name": "Tea"}]}
    assert "ETag" not in alice.post_json(alice.tasks_url, fields).headers
    dry = alice.post_json(f"{alice.tasks_url}?dry_run=true", {"name": "Milk"})
    assert "ETag" not in dry.headers


@METHODS
def test_stale_if_match_is_refused_with_current_version(
    alice: User, milk: str, method: str
) -> None:
    for change in ({"note": "two"}, {"completed": True}, {"note": "three"}):
        last = alice.send_json("PATCH", milk, change).json["task"]
    answer = alice.send_json(method, milk, {"name": "Tea"}, {"If-Match": '"2"'})
    assert (answer.status_int, answer.json["code"]) == (412, "precondition")
    assert answer.json["etag"] == f'"{last["revision"]}"'
    assert answer.json["task"] == last == alice.get(milk).json["task"]
    assert answer.json["changed"] == ["completed", "completion_date", "note"]
    answer = alice.send_json(method, milk, {"name": "Tea"}, {"If-Match": '"4"'})
    assert answer.json["changed"] == ["note"]
    # The response contains the ETag for the next attempt.
    again = alice.send_json(method, milk, {"name": "Tea"}, {"If-Match": answer.json["etag"]})
    assert again.status_int == 200
    assert alice.get(milk).status_int == (404 if method == "DELETE" else 200)


@METHODS
@pytest.mark.parametrize(
    "tags", ['W/"1"', '"x"', '""', '"99"', '"1", "99"', '"02"', '"2-gz"', '"2-gzip-br"', '"1-gzip"']
)
def test_if_match_without_current_etag_is_refused(
    alice: User, milk: str, method: str, tags: str
) -> None:
    answer = alice.send_json(method, milk, {"name": "Tea"}, {"If-Match": tags})
    assert answer.status_int == 412
    assert answer.headers["ETag"] == '"2"'
    assert answer.json["task"]["name"] == "Milk"
    assert alice.get(milk).json["task"]["revision"] == 2


@pytest.mark.parametrize(
    "tags",
    [
        *('"2"', "*", 'W/"1", "2"', '"x","2"', '"1" , "2"', '"2",', ', ,"2"'),
        # As compressing proxies rewrite it: nginx, Apache, Jetty.
        *('W/"2"', '"2-gzip"', 'W/"2-br"', '"2--gzip"', '"2-zstd"', '"2-deflate"'),
    ],
)
def test_if_match_with_current_etag_is_accepted(alice: User, milk: str, tags: str) -> None:
    answer = alice.send_json("PUT", milk, {"name": "Tea"}, {"If-Match": tags})
    assert (answer.status_int, answer.json["task"]["name"]) == (200, "Tea")


def test_write_with_if_none_match_any_is_refused(alice: User, milk: str) -> None:
    """See RFC 9110, section 13.1.2."""
    answer = alice.send_json("PUT", milk, {"name": "Tea"}, {"If-None-Match": "*"})
    assert (answer.status_int, answer.json["task"]["name"]) == (412, "Milk")
    assert "changed" not in answer.json


def test_input_and_existence_are_checked_before_precondition(alice: User, milk: str) -> None:
    answer = alice.send_json("PUT", milk, {"name": ""}, {"If-Match": '"1"'})
    assert faults(answer) == {"name": "blank"}
    gone = alice.send_json("PUT", milk + "0", {"name": "Tea"}, {"If-Match": "*"})
    assert gone.status_int == 404


@METHODS
def test_stale_if_match_of_profile_is_refused(alice: User, milk: str, method: str) -> None:
    fields = {"current_password": PASSWORD}
    change = {} if method == "DELETE" else {"timezone": "Asia/Tokyo"}
    alice.send_json("PATCH", alice.url, {"email": "other@example.com"})
    answer = alice.send_json(method, alice.url, fields | change, {"If-Match": '"1"'})
    assert (answer.status_int, answer.json["changed"]) == (412, ["email"])
    assert answer.json["profile"] == alice.get(alice.url).json
    assert "task" not in answer.json
    etag = answer.json["etag"]
    assert alice.send_json(method, alice.url, fields | change, {"If-Match": etag}).status_int < 300


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_stale_if_match_of_task_list_is_refused(alice: User, milk: str, method: str) -> None:
    url = alice.tasks_url + ("" if method == "POST" else "?due=none")
    etag = alice.get(url).headers["ETag"]
    alice.send_json("PATCH", milk, {"note": "two"})
    answer = alice.send_json(method, url, {"name": "Tea"}, {"If-Match": etag})
    assert (answer.status_int, answer.json["etag"]) == (412, '"3"')
    assert not {"task", "profile", "changed"} & answer.json.keys()
    assert [task["name"] for task in alice.get(alice.tasks_url).json["tasks"]] == ["Milk"]
    assert alice.send_json(method, url, {"name": "Tea"}, {"If-Match": '"3"'}).status_int < 300


def test_very_old_version_gets_no_list_of_changed_fields(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading a long history would take long, with the account locked."""
    monkeypatch.setattr("todo.journal.history.MOST_COMPARED", 2)
    task = alice.post_json(alice.tasks_url, {"name": "Milk"})
    version = {"If-Match": task.headers["ETag"]}
    changed = []
    for number in range(3):
        alice.send_json("PATCH", task.location, {"name": str(number)})
        refused = alice.send_json("PATCH", task.location, {"name": "x"}, version)
        assert refused.status_int == 412
        changed.append(refused.json.get("changed"))
    assert changed == [["name"], ["name"], None]
